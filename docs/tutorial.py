"""Run the tutorial for real and paste what its commands print into ``pages/tutorial.md``.

    python docs/tutorial.py            run every command and write their output into the page
    python docs/tutorial.py --check    run them and fail if the page says something else

Every ``console`` block between ``run`` markers is run in order, in a home of its own with the
shared uv cache. It also writes ``pages/assets/signature.json``, which the reference explains.
"""

import difflib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlship import uv

PAGES = Path(__file__).parent / "pages"
PAGE = PAGES / "tutorial.md"
SIGNATURE = PAGES / "assets" / "signature.json"
PROJECT = "progression"
SHOWN_HOME = "/home/ada"
SHOWN_SCRATCH = "/tmp/mlship"  # noqa: S108 - shown, never used
BLOCK = re.compile(r"(<!-- run -->\n```console\n)(.*?)(```\n<!-- /run -->)", re.DOTALL)
TREE = re.compile(r"(<!-- tree -->\n```text\n).*?(```\n<!-- /tree -->)", re.DOTALL)
ANNOTATED = {
    "README.md": "what it is, how to start it, why it exists",
    "compose.yaml": "both parts in containers",
    "docker/": "the two images",
    "docs/running.md": "settings, errors, addresses",
    "model/MODEL_CARD.md": "every input, score, experiment and version",
    "model/example.json": "a request that is accepted",
    "model/model.skops": "the fitted model",
    "model/openapi.json": "the API as it is published",
    "model/pyproject.toml": "the versions that the notebook ran with",
    "model/receipt.json": "what was compared, and the result",
    "model/signature.json": "the contract: inputs and outputs",
    "notebooks/": "the notebook, without outputs",
    "scripts/pair.py": "starts and stops the pair",
    "src/progression/": "the API, and what packs and proves a model",
    "tests/": "the tests of the API and of the contract",
    "tests/parity/rows.json": "rows with the answers that the notebook gave",
    "ui/": "the page, an application of its own",
}
"""What is worth a remark in the project's listing."""


@dataclass(frozen=True)
class Stage:
    """The home that the tutorial is played in."""

    home: Path
    environment: dict[str, str]

    @property
    def project(self) -> Path:
        """The project that the tutorial makes."""
        return self.home / PROJECT

    def play(self, page: str) -> str:
        """Run the page's commands in order and return the page with what they print."""
        place = self.home

        def block(match: re.Match[str]) -> str:
            nonlocal place
            lines = []
            for command in re.findall(r"^\$ (.*)$", match[2], re.MULTILINE):
                lines.append(f"$ {command}\n")
                if command.startswith("cd "):
                    place = place / command.removeprefix("cd ")
                else:
                    lines.append(self._run(command, place))
            return match[1] + "".join(lines) + match[3]

        page = BLOCK.sub(block, page)
        return TREE.sub(lambda match: match[1] + _tree(self._listing()) + match[2], page)

    def signature(self) -> str:
        """Return the contract of the project."""
        return self._readable((self.project / "model" / "signature.json").read_text("utf-8"))

    def close(self) -> None:
        """Stop the pair, if it still runs."""
        if (self.project / ".run").is_dir():
            self._run("uv run poe down", self.project)

    def _run(self, command: str, place: Path) -> str:
        """Run a command line of the page; its output and its errors come in one stream."""
        for shown, real in self._addresses().items():
            command = command.replace(shown, real)
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode:
            sys.exit(f"error: {command} ended with {result.returncode}:\n{result.stdout}")
        output = self._readable(result.stdout)
        return output if output.endswith("\n") or not output else output + "\n"

    def _readable(self, text: str) -> str:
        """Take out what another run would print differently: places, hashes, times."""
        for shown, real in self._addresses().items():
            text = text.replace(real, shown)
        contract = self.project / "model" / "signature.json"
        if contract.is_file():
            digest = json.loads(contract.read_text("utf-8"))["artifact"]["sha256"]
            text = text.replace(digest, "...").replace(digest[:12], "...")
        text = re.sub(r"(?<!\S)/\S*/bin/uv (?=run\b)", "uv ", text)
        text = text.replace(str(self.home), SHOWN_HOME)
        text = re.sub(r"\S*/mlship-\w{8}/", f"{SHOWN_SCRATCH}/", text)
        text = re.sub(r" in [\d.]+m?s\b( \([\d:]+\))?", "", text)
        text = re.sub(r"^=+ (.*?) =+$", r"== \1 ==", text, flags=re.MULTILINE)
        return text.replace(
            platform.python_version(), ".".join(platform.python_version_tuple()[:2])
        )

    def _addresses(self) -> dict[str, str]:
        """Map the addresses that the page shows to the real ones, which need other free ports."""
        file = self.project / ".run" / "addresses.json"
        if not file.is_file():
            return {}
        real = json.loads(file.read_text("utf-8"))
        return {"http://127.0.0.1:8000": real["api"], "http://127.0.0.1:8501": real["page"]}

    def _listing(self) -> list[str]:
        listed = subprocess.run(
            ["git", "ls-files"], cwd=self.project, capture_output=True, text=True, check=True
        )
        return listed.stdout.splitlines()


@contextmanager
def stage() -> Iterator[Stage]:
    """Set up an empty home with the notebook in it; nothing is left of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "ada"
        shutil.copytree(PAGES / "notebooks", home)
        config = home / ".gitconfig"
        config.write_text("[user]\n  name = Ada Lovelace\n  email = ada@example.org\n")
        left_out = ("VIRTUAL_ENV", "MLSHIP_TEMPLATE", "CONDA_PREFIX")
        environment = {
            **{name: value for name, value in os.environ.items() if name not in left_out},
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "UV_CACHE_DIR": uv.run(["cache", "dir"]).strip(),
            "GIT_CONFIG_GLOBAL": str(config),
            "COPIER_SETTINGS_PATH": str(home / ".copier.yml"),
            "COLUMNS": "80",
        }
        (home / ".copier.yml").write_text("{}")
        played = Stage(home, environment)
        try:
            yield played
        finally:
            played.close()


def _tree(files: list[str]) -> str:
    """Draw the listing, one remark a line; an annotated folder stands for what is in it."""
    unknown = [
        path for path in ANNOTATED if not any(f == path or f.startswith(path) for f in files)
    ]
    if unknown:
        sys.exit(f"error: the project has no {', '.join(unknown)}; mend ANNOTATED.")
    lines = [f"{path:<24}{remark}" for path, remark in sorted(ANNOTATED.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page and the signature, or compare them."""
    with stage() as played:
        made = {PAGE: played.play(PAGE.read_text("utf-8")), SIGNATURE: played.signature()}
    differences: list[str] = []
    for path, text in made.items():
        before = path.read_text("utf-8") if path.is_file() else ""
        differences += difflib.unified_diff(
            before.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"{path.name} as committed",
            f"{path.name} as run",
        )
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    sys.stdout.writelines(differences)
    if differences and "--check" in sys.argv:
        sys.exit("error: the tutorial no longer shows what its commands print.")


if __name__ == "__main__":
    main()
