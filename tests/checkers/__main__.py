"""Run one kind of check over some files."""

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Print the problems of every file; return the exit code."""
    kind, *names = sys.argv[1:]
    check = importlib.import_module(f"checkers.{kind}").problems
    found = [f"{name}: {problem}" for name in names for problem in check(Path(name))]
    print("\n".join(found))
    return 1 if found or not names else 0


sys.exit(main())
