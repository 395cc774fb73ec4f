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
    index = folder.with_suffix(".index")
    command = ("--work-tree", str(folder), "checkout", "--quiet", notebook.commit, "--", beside)
    # Some mirrors lack the largest files; what the notebook needs of them, its run will say.
    _git(*command, cwd=place, fails=True, environment={"GIT_INDEX_FILE": str(index)})
    index.unlink(missing_ok=True)
    path = folder / notebook.path
    if not path.is_file():
        raise NotFetched(f"{notebook.repository} has no {notebook.path} at {notebook.commit[:9]}")
    return path


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
    environment: dict[str, str] | None = None,
) -> str:
    known = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **(environment or {})}
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, env=known, capture_output=True, text=True, check=False
    )
    if done.returncode and not fails:
        said = done.stderr.strip().splitlines() or ["git failed"]
        raise NotFetched(f"the repository cannot be had: {said[-1]}")
    return done.stdout.strip()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotFetched(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
