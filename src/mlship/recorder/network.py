"""A module of PyTorch that the notebook trained, asked as an estimator is and written as ONNX."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .models import Refused
from .statements import first_line

OPSET = 13
"""The oldest that all exporters since PyTorch 1.8 and all versions of onnxruntime know."""
ROUNDING = 1e-4
"""By how much probabilities in 32 bits may miss a sum of 1."""
VALUES = ("huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss")
"""Losses that measure the distance between two numbers."""
LOSSES = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss",
    *VALUES,
)  # fmt: skip
"""Functions of torch.nn.functional, which the classes of losses call too."""


class Loss(NamedTuple):
    """A call of a loss in training."""

    name: str
    given: Any
    target: Any


class Network:
    """A module with what its numbers mean: values, or scores of classes."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.fitted = False
        self.meaning = "value"
        """How the numbers become probabilities: softmax, exp, sigmoid or same; else value."""
        self.classes = 0
        self.width = 0
        self.dtype = "float32"
        self.rows: Any = None
        """Some rows that it was trained on (n x columns), as it took them."""
        self.odd = ""
        """Why it cannot be served."""
        self.said: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Have the attributes of a classifier only where the numbers stand for classes."""
        classifies = self.__dict__.get("classes", 0)
        if name == "classes_" and classifies:
            return sys.modules["numpy"].arange(classifies)
        if name == "predict_proba" and classifies:
            return self._probabilities
        if name == "_estimator_type":
            return "classifier" if classifies else "regressor"
        raise AttributeError(name)

    @property
    def options(self) -> dict[str, Any]:
        """Return what the outputs of the graph are."""
        if not self.classes:
            return {"answer": "answer"}
        classes = list(range(self.classes))
        return {"answer": "answer", "probabilities": "probabilities", "classes": classes}

    def understand(self, losses: Sequence[Loss], output: Any) -> Loss | None:
        """Find out what the numbers mean, and return the loss that says so, if there is one.

        Args:
            losses: those of a step, the last one first.
            output: what the module had answered (n, or n x k).
        """
        meanings = [_meaning(loss, given, output) for loss, given, _ in losses]
        found = next(filter(None, meanings), None)
        wide = output.shape[1] if output.ndim == 2 else 1
        self.meaning = found or "value"
        self.classes = 0 if self.meaning == "value" else max(wide, 2)
        named = losses[0].name if losses else "no loss that mlship knows"
        self.said = []
        if found is None:
            self.said.append(
                f"The network is served with the numbers that it answers: it was trained with "
                f"{named}, and what the notebook makes of them is not known."
            )
        elif self.classes == 2 and wide == 1:
            self.said.append("The label is 1 where the network's probability is above 0.5.")
        return losses[meanings.index(found)] if found else None

    def raw(self, rows: Any) -> Any:
        """Return what the module answers to n rows in evaluation mode, without any trace of it."""
        import numpy

        torch = sys.modules["torch"]
        given = torch.as_tensor(numpy.ascontiguousarray(numpy.asarray(rows).astype(self.dtype)))
        parameter = next(self.module.parameters())
        with _evaluating(self.module), torch.no_grad():
            return self.module(given.to(parameter.device))

    def answers(self, output: Any) -> tuple[Any, Any]:
        """Say an output as n labels and n x classes probabilities, or as numbers and None."""
        found = [part.detach().cpu().numpy() for part in _answers(self.meaning, output)]
        answers = found[0]
        if answers.ndim == 2 and answers.shape[1] == 1:
            answers = answers[:, 0]
        return answers, found[1] if len(found) > 1 else None

    def predict(self, rows: Any, **_: Any) -> Any:
        """Answer n rows with labels or numbers."""
        return self.answers(self.raw(rows))[0]

    def _probabilities(self, rows: Any, **_: Any) -> Any:
        return self.answers(self.raw(rows))[1]

    def require_plain(self) -> None:
        """Refuse what is no network of rows.

        Raises:
            Refused: it takes or answers something else, or a row alone is answered otherwise.
        """
        if self.odd:
            raise Refused(f"The network {self.odd}")
        torch = sys.modules["torch"]
        few = self.rows[:3]
        try:
            alone, together = self.raw(few[:1]), self.raw(few)
        except Exception as error:  # the module is the notebook's own code
            raise Refused(
                "The network does not answer a row alone: "
                f"{type(error).__name__}: {first_line(str(error))}"
            ) from None
        if not torch.allclose(alone[0], together[0], rtol=1e-5, atol=1e-5):
            raise Refused("The network answers a row alone otherwise than among others.")

    def graph(self) -> bytes:
        """Write the module, with what its numbers mean, as an ONNX graph.

        Raises:
            Refused: PyTorch cannot.
        """
        torch = sys.modules["torch"]
        named = list(self.options)[:2] if self.classes else ["answer"]
        file = io.BytesIO()
        rows = torch.as_tensor(self.rows[:2].astype(self.dtype))
        parameters = inspect.signature(torch.onnx.export).parameters
        older = {"dynamo": False} if "dynamo" in parameters else {}
        try:
            with _evaluating(self.module), torch.no_grad(), _without_onnx():
                torch.onnx.export(
                    _served(self.module, self.meaning),
                    (rows.to(next(self.module.parameters()).device),),
                    file,
                    input_names=["rows"],
                    output_names=named,
                    dynamic_axes={name: {0: "n"} for name in ("rows", *named)},
                    opset_version=OPSET,
                    **older,
                )
        except Exception as error:  # the exporter raises what it likes
            raise Refused(
                "PyTorch cannot export the network to ONNX, in which it is served: "
                f"{type(error).__name__}: {first_line(str(error))}"
            ) from None
        return file.getvalue()


def of(module: Any) -> Network:
    """Return a new network, of a class that has the module's name."""
    kind = type(type(module).__name__, (Network,), {"__module__": __name__})
    network: Network = kind(module)
    return network


def _meaning(loss: str, given: Any, output: Any) -> str | None:
    """Say how a module's output becomes what a loss was given; None if that is not known."""
    torch = sys.modules["torch"]
    wide = output.shape[1] if output.ndim == 2 else 1

    def is_given(values: Any) -> bool:
        if values.numel() != given.numel():
            return False
        one, other = values.reshape(-1).float(), given.reshape(-1).float()
        return bool(torch.allclose(one, other, rtol=1e-4, atol=1e-6))

    if loss in VALUES:
        return "value" if is_given(output) else None
    if loss in ("cross_entropy", "nll_loss") and output.ndim == 2 and wide > 1:
        if is_given(output) and loss == "nll_loss":
            return "exp"
        sums = output.sum(dim=1) - 1
        if is_given(output) and (output >= 0).all() and (sums.abs() < ROUNDING).all():
            return "same"
        through = [output, torch.softmax(output, 1), torch.log_softmax(output, 1)]
        return "softmax" if any(map(is_given, through)) else None
    if loss.startswith("binary") and wide == 1 and output.ndim <= 2:
        if is_given(output):
            return "sigmoid" if loss.endswith("logits") else "same"
        return "sigmoid" if is_given(torch.sigmoid(output)) else None
    return None


def _answers(meaning: str, output: Any) -> tuple[Any, ...]:
    """Make labels and probabilities of an output, with operations that ONNX has."""
    torch = sys.modules["torch"]
    if meaning == "value":
        return (output,)
    if output.ndim == 1 or output.shape[1] == 1:
        likely = torch.sigmoid(output) if meaning == "sigmoid" else output
        likely = likely.reshape(-1, 1)
        return (likely > 0.5).to(torch.int64).reshape(-1), torch.cat([1 - likely, likely], 1)
    tables = {"softmax": lambda: torch.softmax(output, 1), "exp": lambda: torch.exp(output)}
    return output.argmax(1), tables.get(meaning, lambda: output)()


def _served(module: Any, meaning: str) -> Any:
    """Return a module that answers as the service is to."""

    class Served(sys.modules["torch.nn"].Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, rows: Any) -> Any:
            found = _answers(meaning, self.inner(rows))
            return found if len(found) > 1 else found[0]

    return Served().eval()


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put a module into evaluation mode, and it and the random generator back afterwards."""
    torch = sys.modules["torch"]
    state = torch.get_rng_state()
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for part, mode in modes:
            part.training = mode
        torch.set_rng_state(state)


@contextlib.contextmanager
def _without_onnx() -> Iterator[None]:
    """Let PyTorch 2 export where there is no package onnx.

    It asks for that package only to add what onnxscript defines, of which there is nothing here.
    """
    name = "_add_onnxscript_fn"
    holders = [
        (module, getattr(module, name))
        for place, module in list(sys.modules.items())
        if place.startswith("torch.onnx.") and place.endswith(".onnx_proto_utils")
        if hasattr(module, name)
    ]
    if importlib.util.find_spec("onnx") is not None:
        holders = []
    for module, _ in holders:
        setattr(module, name, lambda content, *_: content)
    try:
        yield
    finally:
        for module, function in holders:
            setattr(module, name, function)
