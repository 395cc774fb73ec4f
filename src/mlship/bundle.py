"""Pack the template into one git bundle: a parentless commit and a tag for each version.

A version's commit depends only on its files, so bundles made from a clone, a tarball or a wheel
agree and can be merged. It needs nothing but the standard library and git, since the build of
the wheel runs it.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

PATHS = ("copier.yml", "template", ".gitattributes", "LICENSE")
"""What of the repository makes a template."""
IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (
        ("NAME", "mlship"),
        ("EMAIL", "mlship@localhost"),
        ("DATE", "2000-01-01T00:00:00Z"),
    )
}
APART = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_DEFAULT_HASH": "sha1"}


class BundleError(Exception):
    """git failed; the message is what it said."""


def build(root: Path, version: str, out: Path) -> None:
    """Write to ``out`` the template of each released tag of ``root``, and its files as ``version``.

    Raises:
        BundleError: git failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        repository = _Repository(Path(scratch))
        for tag in _released(root):
            if tag != f"v{version}":
                repository.run("fetch", "--quiet", "--depth=1", str(root), f"refs/tags/{tag}")
                entries = repository.run("ls-tree", "FETCH_HEAD", "--", *PATHS)
                repository.release(tag, repository.run("mktree", stdin=entries).strip())
        present = [path for path in PATHS if (root / path).exists()]
        work_tree = ("--work-tree", str(root))
        repository.run(*work_tree, "add", "--", *present)
        repository.release(f"v{version}", repository.run("write-tree").strip())
        repository.bundle(out)


def merge(ours: Path, mirror: Path) -> None:
    """Add to the bundle ``mirror`` every version that is in ``ours``; replace it in one step."""
    if mirror.is_file() and versions(ours).items() <= versions(mirror).items():
        return
    mirror.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=mirror.parent) as scratch:
        repository = _Repository(Path(scratch))
        for source in (mirror, ours):
            if source.is_file():
                repository.run(
                    "fetch", "--quiet", "--force", str(source), "refs/tags/*:refs/tags/*"
                )
        merged = Path(scratch) / "merged"
        repository.bundle(merged)
        merged.replace(mirror)


def versions(bundle: Path) -> dict[str, str]:
    """Read a bundle's tags and their commits from its header."""
    found = {}
    with bundle.open("rb") as file:
        for line in file:
            if not line.strip():
                break
            commit, _, name = line.decode().strip().partition(" ")
            if name.startswith("refs/tags/"):
                found[name.removeprefix("refs/tags/")] = commit
    return found


class _Repository:
    """A bare repository for the length of one operation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "template.git"
        self.run("init", "--quiet", "--bare", str(self.folder))

    def run(self, *arguments: str, stdin: str = "") -> str:
        return _git("--git-dir", str(self.folder), *arguments, stdin=stdin, environment=IDENTITY)

    def release(self, tag: str, tree: str) -> None:
        commit = self.run("commit-tree", tree, "-m", f"mlship template {tag}").strip()
        self.run("update-ref", f"refs/tags/{tag}", commit)

    def bundle(self, out: Path) -> None:
        self.run(
            "-c", "pack.threads=1", "bundle", "create", "--quiet", str(out.resolve()), "--tags"
        )


def _released(root: Path) -> list[str]:
    if not (root / ".git").exists():
        return []
    return _git("-C", str(root), "tag", "--list", "v*").split()


def _git(*arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "core.autocrlf=false", "-c", "safe.directory=*", *arguments]
    try:
        result = subprocess.run(
            command,
            input=stdin,
            env={**inherited, **APART, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BundleError("git is not installed, and templates need it.") from None
    if result.returncode:
        raise BundleError(f"{' '.join(command[5:])}: {result.stderr.strip()}")
    return result.stdout
