"""Find passwords, keys and tokens in a notebook's text, by rules that would rather miss one.

Known formats are found anywhere. A literal that is given to a name such as ``password`` or
``api_key`` is found if it looks real: no placeholder, no word, no path.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

ESCAPE = "mlship: not a secret"
"""On a line, it says that the line holds none."""
FORMATS = {
    "an AWS access key id": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "a GitLab token": r"\bgl(?:pat|ptt|dt|rt)-[\w-]{20,}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{30,}\b",
    "an API key": r"\bsk-(?=[\w-]{0,200}\d)(?=[\w-]{0,200}[A-Z])[\w-]{20,200}",
    "a payment key": r"\b[rs]k_live_[A-Za-z0-9]{16,}",
    "a Slack token": r"\bxox[abeoprs]-(?=[\w-]{0,200}\d)[\w-]{10,200}",
    "a Slack webhook": r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}",
    "a Google key": r"\bAIza[\w-]{35}(?![\w-])|\bGOCSPX-[\w-]{28}(?![\w-])|\bya29\.[\w-]{30,}",
    "a package index token": r"\bpypi-AgE[\w-]{50,}|\bnpm_[A-Za-z0-9]{36}\b",
    "a Databricks token": r"\bdapi[0-9a-f]{32}\b",
    "a mail service key": r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
    "a bot token": r"\b\d{8,10}:AA[\w-]{33}(?![\w-])",
    "a storage account key": r"AccountKey=[A-Za-z0-9+/]{40,}={0,2}",
    "a JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
}
MADE_UP = re.compile(r"x{4,}|example|your|dummy|fake|placeholder", re.IGNORECASE)
"""What a token of a known format holds if it only shows the format."""
ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,30}://[^\s/:@'\"]{0,100}:([^\s/@'\"]{1,200})@[\w.-]", re.IGNORECASE
)
"""A connection string or address with a password."""
GIVEN = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{1,80})\\?["']?\]?\s*(?::\s*str\s*)?(?:=|:)(?!=)\s*[rbRB]?\\?"""
    r"""(?P<quote>["'])(?P<value>[^"'\\\s]{8,200})\\?(?P=quote)"""
)
"""``name = "value"``, ``name="value"``, ``"name": "value"``, ``environ["name"] = "value"``."""
SET = re.compile(r"^\s*(?:[%!]\s*(?:set_)?(?:env|export)\s+)(?P<name>\w+)[= ](?P<value>\S{8,})\s*$")
PASSWORDS = re.compile(
    r"(?:^|[_.-])(?:pass(?:word|wd|phrase)?|pwd|pw)$|[a-z]Password$", re.IGNORECASE
)
KEYS = re.compile(
    r"(?:secret|token|credentials?|(?:access|account|api|app|auth|consumer|private|secret|subscription"
    r"|wandb)_?key)$",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(
    r"x{3,}|\*{3,}|\.{3}|<.*>|\{.*\}|\[.*\]|^\$\w+$|%[s(]|1234|abcd|qwerty|change|dummy|enter|example"
    r"|fake|here|hidden|insert|my[-_]?(?:api|key|pass|secret|token)|none|placeholder|redacted|removed"
    r"|sample|todo|your|(?:key|pass|secret|token)[-_ ]?(?:id|name|word)?$",
    re.IGNORECASE,
)
KAGGLE = re.compile(r"""["']?\bkey\\?["']?\s*[=:]\s*\\?["']([0-9a-f]{32}|[0-9a-f]{40})\\?["']""")
"""The key of kaggle.json, and that of Weights & Biases."""
BITS = 3.0
"""Entropy of a letter in a key; a text of words has less."""


def found(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line, counted from 1, and the kind of each secret in ``text``."""
    for number, line in enumerate(text.splitlines(), start=1):
        if ESCAPE not in line:
            yield from ((number, kind) for kind in _kinds(line))


def _kinds(line: str) -> Iterator[str]:
    seen = False
    for kind, form in FORMATS.items():
        match = re.search(form, line)
        if match and not MADE_UP.search(match[0]):
            seen = True
            yield kind
    if seen:
        return
    if KAGGLE.search(line):
        yield "a key"
    elif any(_is_password(match[1]) for match in ADDRESS.finditer(line)):
        yield "a password in an address"
    else:
        given = [*GIVEN.finditer(line), *SET.finditer(line)]
        if any(PASSWORDS.search(m["name"]) and _is_password(m["value"]) for m in given):
            yield "a password"
        elif any(KEYS.search(m["name"]) and _is_key(m["value"]) for m in given):
            yield "a key or token"


def _is_password(value: str) -> bool:
    """Say whether a value is more than a word: letters with digits or signs, no placeholder."""
    letters, others = re.search(r"[A-Za-z]", value), re.search(r"[^A-Za-z_-]", value)
    return bool(len(value) >= 8 and letters and others and not PLACEHOLDER.search(value))


def _is_key(value: str) -> bool:
    mixed = re.search(r"[A-Za-z]", value) and len(re.findall(r"\d", value)) >= 2
    if len(value) < 16 or not mixed or not re.fullmatch(r"[\w+/=.:~-]+", value):
        return False
    return not PLACEHOLDER.search(value) and _entropy(value) >= BITS


def _entropy(value: str) -> float:
    """Return Shannon's entropy of the value's letters, in bits a letter."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
