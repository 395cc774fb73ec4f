"""A compose file by Compose itself, with stand-ins for what only the environment sets."""

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from .tools import said


def problems(path: Path) -> Iterator[str]:
    """Yield what Compose says of a file that it cannot use."""
    # Not the package's own script, which ends with 0 whatever happens.
    compose = Path(str(files("compose") / "docker-compose"))
    names = re.findall(r"\$\{(\w+)\}", path.read_text("utf-8"))
    env = {**os.environ, **dict.fromkeys(names, "x")}
    yield from said(compose, "--file", path, "config", "--quiet", env=env)
