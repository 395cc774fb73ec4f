"""Set up this checkout and run its main job or all of its tests; needs Python 3.11+ and git only.

    python3 dev.py demo    a notebook becomes a running pair; prints an answer and both addresses
    python3 dev.py test    every test, linter and type check, and the documentation

Everything goes into folders of this checkout that git ignores: .uv, .venv and iris-demo.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DEMO = ROOT / "iris-demo"


def demo(uv: str) -> None:
    """Make the example project and start it."""
    if not DEMO.exists():
        run(uv, "run", "--no-dev", "mlship", "new", str(DEMO), "--defaults")
    run(uv, "run", "--frozen", "poe", "demo", cwd=DEMO)
    if not shutil.which("uv"):
        print(f"uv is not on your PATH; to stop the pair: cd {DEMO} && {uv} run poe down")


def test(uv: str) -> None:
    """Run all tests; the summary of pytest is the last thing printed."""
    run(uv, "run", "poe", "check")


def find_uv() -> str:
    """Return uv: the one on PATH, or one that is installed into this checkout."""
    found = shutil.which("uv")
    if found:
        return found
    home = ROOT / ".uv"
    inside = home / ("Scripts" if os.name == "nt" else "bin")
    if not (inside / "uv").exists() and not (inside / "uv.exe").exists():
        install_uv(home, inside / "python")
    return str(inside / "uv")


def install_uv(home: Path, python: Path) -> None:
    """Install uv into an environment of its own, with or without Debian's python3-venv."""
    install = ["install", "--quiet", "--disable-pip-version-check", "uv"]
    try:
        import ensurepip  # noqa: F401 - Debian leaves it out of its Python

        venv.create(home, with_pip=True, clear=True)
        run(str(python), "-m", "pip", *install)
    except (ImportError, subprocess.CalledProcessError):
        venv.create(home, with_pip=False, clear=True)
        if subprocess.call([sys.executable, "-m", "pip", "--python", str(python), *install]):
            shutil.rmtree(home)
            sys.exit(
                "error: this Python can neither make an environment with pip nor run pip.\n"
                "Install python3-venv (Debian, Ubuntu) or uv, and run this again."
            )


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a command outside any environment that is in force; end with its code if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    sys.stdout.flush()
    subprocess.run(command, cwd=cwd, env=environment, check=True)


def main() -> None:
    """Do what the command line asks for."""
    actions = {"demo": demo, "test": test}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    if sys.version_info < (3, 11):  # noqa: UP036 - any Python may run this file
        sys.exit(f"error: Python 3.11 or newer is needed, and this is {sys.version.split()[0]}.")
    if not shutil.which("git"):
        sys.exit("error: git is needed, and it is not installed.")
    uv = find_uv()
    try:
        run(uv, "sync", "--quiet", "--python", sys.executable)
        actions[sys.argv[1]](uv)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
