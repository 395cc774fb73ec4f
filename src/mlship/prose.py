"""Turn a notebook's opening text into Markdown that stands well, and safely, in a README.

Headings go below the README's own; HTML becomes plain text; images and links that lead nowhere
outside the notebook's folder go. Code keeps every letter.
"""

import html
import re
from collections.abc import Callable, Sequence

MOST = 3000
"""Letters that a README takes over."""
READ = 20_000
"""Letters of a cell that are looked at."""
TOP_LEVEL = 3
"""The level of the highest heading, below the README's ``##``."""

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
TIGHT_HEADING = re.compile(r"^(#{1,6})([^#\s].*?)#*[ \t]*$")
"""``#Title``, which old notebooks took for a heading and GitHub does not."""
UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
BLOCK = re.compile(r"^\s*(?:[-*+>|]|\d+[.)]\s|#|\s{4})")
"""Lines that an underline below does not make a heading."""
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)

COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^>]*>", re.DOTALL)
UNWANTED = re.compile(
    r"<(script|style|iframe|object|embed|svg|math|form|video|audio|template|noscript|head|title)"
    r"\b[^>]*>.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)(?:[\s/][^<>]*)?>")
IMAGE_SOURCE = re.compile(r"""\bsrc\s*=\s*["']?(https://[^\s"'<>()]+)""", re.IGNORECASE)
LINK_TARGET = re.compile(r"""<a\b[^<>]*?\bhref\s*=\s*["']?(https?://[^\s"'<>()]+)[^<>]*>(.*?)</a\s*>""",
                         re.IGNORECASE | re.DOTALL)  # fmt: skip
PARAGRAPHS = {"p", "div", "table", "tr", "ul", "ol", "center", "blockquote", "hr", "section"}
STRAY = re.compile(r"<(?=[A-Za-z/!?])(?!(?:https?://|mailto:)[^\s<>]*>)")

TARGET = r"\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
IMAGE = re.compile(r"!\[([^\]]{0,1000})\]" + TARGET)
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|!\[[^\[\]]{0,500}\]\([^()]*\)){0,1000})\]" + TARGET)
IMAGE_BY_NAME = re.compile(r"!\[[^\]]{0,1000}\]\s?\[[^\]]{0,1000}\]")
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:[ \t]*(?!https?://|<https?://)\S.*$", re.MULTILINE)


def opening(cells: Sequence[str]) -> tuple[str | None, str]:
    """Return the first heading as plain text, and all else as Markdown for a README.

    Args:
        cells: the text cells before the first code cell.
    """
    title: str | None = None
    lines: list[str] = []
    for cell in cells:
        for line in [*_markdown(cell[:READ]).split("\n"), ""]:
            heading = HEADING.match(line) if not line.startswith("\0") else None
            if heading and title is None and plain(heading[2] or ""):
                title = plain(heading[2])
            else:
                lines.append(line)
    return title, _shortened(_fitted(lines))


def plain(text: str) -> str:
    """Return one line of Markdown as plain text without marks and tags."""
    text = LINK.sub(r"\1", IMAGE_BY_NAME.sub("", IMAGE.sub("", text)))
    for _ in range(3):  # what is escaped once more may be a tag again
        text = html.unescape(TAG.sub("", UNWANTED.sub("", COMMENT.sub("", text))))
    text = STRAY.sub("", text)
    text = re.sub(r"(\*\*|__|~~|`)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<!\w)([*_])(\S(?:.*?\S)?)\1(?!\w)", r"\2", text)
    return " ".join(text.replace("\0", "").split()).strip("# ")


def _markdown(cell: str) -> str:
    """Return a cell as Markdown whose code lines begin with a zero byte, its headings with #."""
    parts: list[str] = []
    text: list[str] = []
    fence = ""
    for line in cell.replace("\0", "").expandtabs(4).split("\n"):
        mark = FENCE.match(line)
        if fence:
            parts.append("\0" + line)
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark and "`" not in mark[2]:
            parts += [*_text("\n".join(text)), "\0" + line]
            text, fence = [], mark[1]
        else:
            text.append(line)
    if fence:
        parts.append("\0" + fence)
    return "\n".join([*parts, *_text("\n".join(text))])


def _text(text: str) -> list[str]:
    """Clean what is no fenced code, leaving code between backticks alone."""
    codes: list[str] = []

    def aside(found: re.Match[str]) -> str:
        codes.append(found[0])
        return f"\1{len(codes) - 1}\1"

    text = CODE.sub(aside, text.replace("\1", ""))
    text = UNWANTED.sub("", COMMENT.sub("", text))
    text = LINK_TARGET.sub(r"[\2](\1)", text)
    text = STRAY.sub("< ", TAG.sub(_untagged, text))
    text = IMAGE_BY_NAME.sub("", IMAGE.sub(_if_there("https://"), text))
    text = LINK.sub(_if_there("https://", "http://", "mailto:"), text)
    text = DEFINITION.sub("", text)
    lines = _with_headings(text.split("\n"))
    return re.sub("\1(\\d+)\1", lambda found: codes[int(found[1])], "\n".join(lines)).split("\n")


def _untagged(found: re.Match[str]) -> str:
    """Return what stands for a tag: a heading's mark, an end of line, a list's dash, nothing."""
    closing, name = found[1], found[2].lower()
    if re.fullmatch("h[1-6]", name):
        return "\n\n" if closing else f"\n\n{'#' * int(name[1])} "
    if name == "br":
        return "\\\n"
    if name == "li":
        return "" if closing else "\n- "
    if name in PARAGRAPHS:
        return "\n\n"
    source = IMAGE_SOURCE.search(found[0]) if name == "img" else None
    return f"![]({source[1]})" if source else ""


def _if_there(*schemes: str) -> Callable[[re.Match[str]], str]:
    def kept(found: re.Match[str]) -> str:
        if found[2].lower().startswith(schemes):
            return found[0]
        return "" if found[0].startswith("!") else found[1]

    return kept


def _with_headings(lines: Sequence[str]) -> list[str]:
    """Write underlined and tight headings with # and a space; drop rules between paragraphs."""
    done: list[str] = []
    for line in lines:
        above = done[-1] if done else ""
        underline = UNDERLINE.match(line)
        if underline and above.strip() and not BLOCK.match(above):
            done[-1] = f"{'#' if underline[1][0] == '=' else '##'} {above.strip()}"
        elif RULE.match(line):
            done.append("")
        else:
            tight = TIGHT_HEADING.match(line)
            done.append(f"{tight[1]} {tight[2]}" if tight else line.rstrip(" "))
    return done


def _fitted(lines: Sequence[str]) -> list[str]:
    """Put the headings below the README's own, and leave no two empty lines together."""
    found = [HEADING.match(line) for line in lines]
    levels = [len(heading[1]) for heading in found if heading and heading[2]]
    deeper = TOP_LEVEL - min(levels, default=TOP_LEVEL)
    done: list[str] = []
    for line, heading in zip(lines, found, strict=True):
        if heading:
            words = (heading[2] or "").strip()
            said = f"{'#' * min(6, len(heading[1]) + deeper)} {words}" if words else ""
            done += ["", said, ""]
        else:
            done.append(line)
    return [
        line
        for at, line in enumerate(done)
        if line.strip() or (at and done[at - 1].strip())
    ]  # fmt: skip


def _shortened(lines: Sequence[str]) -> str:
    """Join as many lines as fit, up to the end of a paragraph where there is one."""
    kept: list[str] = []
    length, fenced, whole, rest = 0, False, 0, ""
    for line in lines:
        if length + len(line) > MOST:
            kept = kept[:whole] or ([] if fenced else [lines[0][:MOST].rpartition(" ")[0]])
            rest = "\n\n..."
            break
        length += len(line) + 1
        kept.append(line.removeprefix("\0"))
        if line.startswith("\0") and FENCE.match(line[1:]):
            fenced = not fenced
        if not line.strip() and not fenced:
            whole = len(kept)
    while kept and (not kept[-1].strip() or HEADING.match(kept[-1])):
        kept.pop()
    return "\n".join(kept).strip("\n") + rest
