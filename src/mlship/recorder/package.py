"""The model's code as a package that can be imported here, for as long as it is tried."""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Callable

NAME = "mlship_training"
PROJECTS = "the_models_package"
"""Stands in the text of the tests for the package's name in the project, not known here."""


@contextlib.contextmanager
def imported(files: Mapping[str, str], folder: str) -> Iterator[Callable[[str], Any]]:
    """Write the modules into ``folder`` and give a function that imports one of them."""
    from . import learned

    package = pathlib.Path(folder) / NAME
    package.mkdir()
    for name, text in {**files, "__init__.py": ""}.items():
        (package / name).write_text(text, encoding="utf-8")
    shutil.copy(learned.__file__, package / "learned.py")
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield lambda module: importlib.import_module(f"{NAME}.{module}")
    finally:
        sys.path.remove(folder)
        shutil.rmtree(package)
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]
