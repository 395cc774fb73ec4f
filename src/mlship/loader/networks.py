"""What a saved network of Keras is made of, read from its file before Keras builds it."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from ..recorder.models import Refused

PARTS = re.compile(
    r"builtins|((tensorflow|tf)\.)?(tf_)?keras(\.api)?(\.src)?(\.(activations|constraints|"
    r"dtype_policies|engine|initializers|layers|losses|metrics|models|ops|optimizers|random|"
    r"regularizers)(\.\w+)*)?"
)
"""Modules of Keras whose classes and functions compute, and do nothing else."""


def load(path: str) -> Any:
    """Return the network in a file, with its loss if Keras knows that.

    Raises:
        Refused: it holds code, or is made of what is not Keras's own.
    """
    _require_harmless(path)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    try:
        return keras.models.load_model(path)
    except Exception:  # a loss, or a metric, of the one who saved it: neither is needed
        return keras.models.load_model(path, compile=False)


def _require_harmless(path: str) -> None:
    name = os.path.basename(path)
    for part in _parts(_config(path)):
        kind, module = part.get("class_name"), part.get("module")
        if kind in ("Lambda", "__lambda__"):
            raise Refused(
                f"{name} holds a Lambda layer, whose code would run on loading. Write the layer as "
                "a class of Keras's, `Rescaling` for one, and save the model again."
            )
        if isinstance(module, str) and not PARTS.fullmatch(module):
            raise Refused(
                f"{name} is made of {module}.{kind}, which Keras itself does not have: only its "
                "own layers are served."
            )


def _config(path: str) -> Any:
    """Return what the file says of its layers: zipped JSON, or an attribute of HDF5."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config")
    if text is None:
        raise Refused(
            f"{os.path.basename(path)} holds weights and no model: save the whole model with "
            "`model.save`."
        )
    return json.loads(text)


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _parts(part)
