"""What a notebook runs in: its repository at the pinned commit, and the locked environments."""

import hashlib
import os
import subprocess
import threading
from pathlib import Path, PurePosixPath

from listed import Listed

ENVIRONMENTS = Path(__file__).with_name("environments")
PYTHON = "3.11"
_locks: dict[str, threading.Lock] = {}
_guard = threading.Lock()


class NotFetched(Exception):
    """A repository, or a library, cannot be had here."""


def clone(notebook: Listed, cache: Path) -> Path:
    """Return the git directory of a notebook's repository; it holds the pinned commit.

    Raises:
        NotFetched: GitHub cannot be reached, or has no such commit.
    """
    with _lock(notebook.repository):
        place = cache / "clones" / notebook.repository.replace("/", "+")
        if not (place / "HEAD").is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            _git("clone", "--quiet", "--bare", "--filter=blob:none", notebook.url, str(place))
        if _git("cat-file", "-t", notebook.commit, cwd=place, fails=True) != "commit":
            _git("fetch", "--quiet", "--filter=blob:none", "origin", notebook.commit, cwd=place)
        return place


def checkout(notebook: Listed, cache: Path, folder: Path) -> Path:
    """Put the notebook's folder, as it was committed, below ``folder``; return the notebook.

    Raises:
        NotFetched: the repository cannot be had, or the commit has no such notebook.
    """
    place = clone(notebook, cache)
    beside = "." if notebook.whole else str(PurePosixPath(notebook.path).parent)
    folder.mkdir(parents=True)
    paths = _there(place, notebook.commit, beside)
    index = folder.with_suffix(".index")
    command = ["--literal-pathspecs", "--work-tree", str(folder), "checkout", "--quiet"]
    command += [notebook.commit, "--pathspec-from-file=-", "--pathspec-file-nul"]
    _git(*command, cwd=place, given="\0".join(paths), environment={"GIT_INDEX_FILE": str(index)})
    index.unlink()
    path = folder / notebook.path
    if not path.is_file():
        raise NotFetched(f"{notebook.repository} has no {notebook.path} at {notebook.commit[:9]}")
    return path


def _there(place: Path, commit: str, beside: str) -> list[str]:
    """Return the files of a folder whose content can be had: some mirrors lack the largest."""
    listed = _git("ls-tree", "-r", "-z", "--full-tree", commit, "--", beside, cwd=place)
    entries = [line.split("\t", 1) for line in listed.split("\0") if line]
    blobs = {path: head.split()[2] for head, path in entries if head.split()[1] == "blob"}
    origin = _git("config", "remote.origin.url", cwd=place)
    if not Path(_git("ls-remote", "--get-url", origin, cwd=place)).is_dir():
        return list(blobs)  # a server has everything, and sends what is missing
    objects = _git("rev-list", "--objects", "--missing=print", "-n", "1", commit, cwd=place)
    missing = {line[1:] for line in objects.splitlines() if line.startswith("?")}
    return [path for path, blob in blobs.items() if blob not in missing]


def environment(name: str, cache: Path) -> Path:
    """Return the Python of a locked environment, built where it is not there yet.

    Raises:
        NotFetched: uv cannot install it.
    """
    lock = ENVIRONMENTS / f"{name}.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    place = cache / "environments" / f"{name}-{digest}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with _lock(name):
        if not (place / "complete").is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            _run("uv", "venv", "--quiet", "--clear", "--python", PYTHON, str(place))
            _run("uv", "pip", "sync", "--quiet", "--python", str(python), str(lock))
            (place / "complete").touch()
    return python


def _lock(name: str) -> threading.Lock:
    with _guard:
        return _locks.setdefault(name, threading.Lock())


def _git(
    *arguments: str,
    cwd: Path | None = None,
    fails: bool = False,
    given: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    known = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environment or {})}
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=known,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not fails:
        said = done.stderr.strip().splitlines() or ["git failed"]
        raise NotFetched(f"the repository cannot be had: {said[-1]}")
    return done.stdout.strip()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotFetched(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
