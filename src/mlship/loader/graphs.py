"""ONNX graphs: what they take, what their outputs mean, and how they are asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..recorder.models import Refused

KINDS = {
    "tensor(bool)": "bool",
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(string)": "object",
}
"""The types of inputs that are served, as numpy calls them."""
LABELS = ("tensor(int64)", "tensor(string)")
NUMBERS = ("tensor(double)", "tensor(float)")
MAPS = "seq(map("
"""How the type of what skl2onnx calls a ZipMap begins: a class's name and probability, by row."""
ROUNDING = 1e-4
"""By how much probabilities in 32 bits may miss a sum of 1."""


class OnnxModel:
    """A graph with one table as its input, or with an input for each column."""

    def __init__(self, content: bytes, name: str) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        self.content = content
        self.name = name
        self.session = onnxruntime.InferenceSession(
            content, settings, providers=["CPUExecutionProvider"]
        )
        self.inputs = self.session.get_inputs()
        self.options: dict[str, Any] = {}
        """Which output is the ``answer`` and which the ``probabilities``, of which ``classes``."""
        self._require_rows()
        if len(self.inputs) > 1:
            self.feature_names_in_ = [one.name for one in self.inputs]
        elif isinstance(self.inputs[0].shape[1], int):
            self.n_features_in_ = self.inputs[0].shape[1]

    def decide(self, rows: Any) -> list[str]:
        """Find out, from its answers to n rows, what the outputs mean; return what is to be said.

        Raises:
            Refused: they are neither one number a row nor one label, or leave a doubt.
        """
        outputs = self.session.get_outputs()
        labels = [one.name for one in outputs if one.type in LABELS]
        tables = [one.name for one in outputs if one.type in NUMBERS or one.type.startswith(MAPS)]
        foreign = len(outputs) - len(labels) - len(tables)
        if foreign or len(tables) > 1 or len(labels) > 1:
            raise Refused(
                f"{self.name} answers {_said(outputs)}. mlship serves one number a row, or one "
                "label with its probabilities."
            )
        try:
            found = [self._run(name, rows) for name in (*labels, *tables)]
        except Exception as error:  # onnxruntime has no class of errors of its own
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Refused(f"{self.name} refuses the rows: {why[:300]}") from None
        if labels:
            return self._label(labels[0], tables, found)
        return self._number(tables[0], found[0])

    def predict(self, rows: Any) -> Any:
        """Answer n rows with n labels or n numbers."""
        import numpy

        if "answer" in self.options:
            answers = self._run(self.options["answer"], rows)
            return answers.reshape(len(rows)) if answers.size == len(rows) else answers
        places = self._probabilities(rows).argmax(axis=1)
        return numpy.asarray(self.options["classes"])[places]

    def _probabilities(self, rows: Any) -> Any:
        found = self._run(self.options["probabilities"], rows)
        return _table(found, self.options["classes"])

    def _label(self, label: str, tables: Sequence[str], found: Sequence[Any]) -> list[str]:
        self.options = {"answer": label}
        if not tables:
            return []
        labels, table = found[0].reshape(-1).tolist(), found[1]
        if isinstance(table, list):
            classes = list(table[0])
            table = _table(table, classes)
        elif not _are_probabilities(table):
            return [f"What {self.name} calls {tables[0]} is no probability: it is not served."]
        else:
            classes = self._classes(labels, table)
        self._serve_probabilities(tables[0], classes)
        return []

    def _number(self, name: str, found: Any) -> list[str]:
        if found.ndim == 1 or (found.ndim == 2 and found.shape[1] == 1):
            self.options = {"answer": name}
            return []
        if not _are_probabilities(found):
            raise Refused(
                f"{self.name} answers {' x '.join(map(str, found.shape[1:]))} numbers a row that "
                "are no probabilities (none below 0, a sum of 1). If they are scores of classes, "
                "end the graph with a Softmax."
            )
        self._serve_probabilities(name, list(range(found.shape[1])))
        return ["The graph does not hold the labels: they are 0, 1 and so on."]

    def _serve_probabilities(self, name: str, classes: list[Any]) -> None:
        self.options |= {"probabilities": name, "classes": classes}
        self.classes_ = classes
        self.predict_proba = self._probabilities

    def _classes(self, labels: Sequence[Any], table: Any) -> list[Any]:
        """Return the label of each column of n x k probabilities.

        The graph does not name its columns: the label of a row is that of a largest probability.
        """
        places: dict[Any, set[int]] = {}
        for label, row in zip(labels, table.tolist()):
            largest = {i for i, value in enumerate(row) if value == max(row)}
            places[label] = places.get(label, largest) & largest
        known = {place: label for label, found in places.items() for place in found}
        if any(len(found) != 1 for found in places.values()) or len(known) < len(table[0]):
            raise Refused(
                f"{self.name} gives {len(table[0])} probabilities without names, and the rows are "
                f"answered with {len(places)} labels, which do not tell which is which. Give rows "
                "of every class, or export the model with a ZipMap."
            )
        return [known[place] for place in range(len(table[0]))]

    def _require_rows(self) -> None:
        inputs, said = self.inputs, f"{self.name} takes {_said(self.inputs)}"
        if any(one.type not in KINDS or not one.shape for one in inputs):
            raise Refused(f"{said}. Tables of numbers and texts are served.")
        fixed = next((one for one in inputs if isinstance(one.shape[0], int)), None)
        if fixed is not None:
            raise Refused(
                f"{said}, a fixed number of rows. Export it with a first axis of "
                "any length (dynamic_axes, or None in initial_types)."
            )
        if len(inputs) == 1 and len(inputs[0].shape) == 2:
            return
        if any(list(one.shape[1:]) not in ([], [1]) for one in inputs):
            raise Refused(f"{said}. One table is served, or one input for each column.")
        if len(inputs) == 1:
            raise Refused(f"{said}, which is no table: its shape must be rows x columns.")

    def _run(self, name: str, rows: Any) -> Any:
        import numpy

        if len(self.inputs) == 1:
            given = {self.inputs[0].name: _typed(numpy.asarray(rows), self.inputs[0].type)}
        else:
            given = {
                one.name: _typed(rows[one.name].to_numpy(), one.type).reshape(
                    (-1, 1)[: len(one.shape)]
                )
                for one in self.inputs
            }
        return self.session.run([name], given)[0]


def load(path: str, trusted: bool) -> OnnxModel:
    """Read a graph.

    Raises:
        Refused: it takes something else than a table.
    """
    with open(path, "rb") as file:
        content = file.read()
    return OnnxModel(content, os.path.basename(path))


def _typed(values: Any, kind: str) -> Any:
    """Give an array the type of an input, if no value is changed by more than a rounding."""
    kind = KINDS[kind]
    if kind == "object":
        if not all(isinstance(value, str) for value in values.ravel().tolist()):
            raise TypeError("texts are taken, and not all of the values are some")
        return values.astype(object)
    typed = values.astype(kind)
    if not kind.startswith("float") and (typed != values).any():
        raise ValueError("whole numbers are taken, and not all of the values are some")
    return typed


def _table(found: Any, classes: Sequence[Any]) -> Any:
    """Write probabilities, which may be a mapping for each row, as n x classes."""
    import numpy

    if isinstance(found, list):
        return numpy.array([[row[one] for one in classes] for row in found], dtype="float32")
    return found


def _are_probabilities(table: Any) -> bool:
    if table.ndim != 2 or table.shape[1] < 2:
        return False
    return bool((table >= 0).all() and (abs(table.sum(axis=1) - 1) < ROUNDING).all())


def _said(ends: Sequence[Any]) -> str:
    shown = [
        f"{one.name}: {one.type} "
        f"[{', '.join(str(n) if isinstance(n, int) else 'any' for n in one.shape)}]"
        for one in ends[:5]
    ]
    return ", ".join(shown) + (f" and {len(ends) - 5} more" if len(ends) > 5 else "")
