"""app.yaml by the parser that App Engine's own tools use, and what it must say here."""

from collections.abc import Iterator
from pathlib import Path

from google.appengine.api import appinfo


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with the description of one service."""
    try:
        said = appinfo.LoadSingleAppInfo(path.read_text("utf-8"))
    except Exception as error:  # the parser raises many kinds
        yield f"{type(error).__name__}: {error}"
        return
    if said.env != "flex" or said.runtime not in {"custom", "vm"}:
        yield "only the flexible environment runs an image, and passes a websocket on"
    for name in ("liveness_check", "readiness_check"):
        if not getattr(said, name):
            yield f"{name} is missing"
