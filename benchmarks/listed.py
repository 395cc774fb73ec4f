"""The lists of public notebooks: which there are, and how each is expected to end."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEVELS = ("direct", "frame", "raw")
"""How a notebook becomes a service, from worst to best."""
SEEDS = {
    "tables": "import random, numpy\nrandom.seed(3)\nnumpy.random.seed(3)",
    "keras": "import keras\nkeras.utils.set_random_seed(3)",
}
"""What is put before a notebook that sows nothing, so that a second run fits the same model."""


@dataclass(frozen=True)
class Witness:
    """Expressions that are evaluated where the notebook has run plainly, without mlship."""

    rows: str
    """The rows as they were loaded, a DataFrame (n)."""
    inputs: str
    """What the model is asked for them (n)."""
    model: str = "model"
    answers: str = "model.predict(inputs)"
    """What it answers (n), of ``model`` and ``inputs``."""
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Listed:
    """A public notebook."""

    name: str
    repository: str
    commit: str
    path: str
    ends: str | None = None
    """A level, or ``refused``; None: anything but a wrong answer or a crash."""
    says: str = ""
    """What the refusal must speak of."""
    estimator: str | None = None
    seeded: bool = False
    """Whether a cell that sows the random generators is put in front."""
    environment: str = "tables"
    whole: bool = False
    """Whether its data lies outside its own folder."""
    witness: Witness | None = None

    @property
    def url(self) -> str:
        """Where its repository is."""
        return f"https://github.com/{self.repository}"


def read(file: Path) -> list[Listed]:
    """Read a list.

    Raises:
        ValueError: an entry is incomplete, or has a key that there is none of.
    """
    content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    commits: dict[str, str] = content["commits"]
    notebooks = []
    for name, entry in content["notebooks"].items():
        try:
            known = {"name": name, "commit": commits[entry["repository"]], **entry}
            if "witness" in entry:
                known["witness"] = Witness(**entry["witness"])
            listed = Listed(**known)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file}: {name}: {error}") from None
        if not re.fullmatch(r"[a-z0-9-]+", name):
            raise ValueError(f"{file}: {name}: a name is of small letters, digits and hyphens")
        if listed.ends not in (None, "refused", *LEVELS) or listed.environment not in SEEDS:
            raise ValueError(f"{file}: {name}: there is no such end or environment")
        notebooks.append(listed)
    return notebooks
