"""The parameters that the notebook set on an estimator, and what a search found, as text."""

from __future__ import annotations

import inspect
import math
from typing import Any

LONGEST = 300
LONGEST_VALUE = 80


def of(model: Any) -> str:
    """Say what differs from the class's defaults (``C=9``); of a pipeline, say its steps."""
    try:
        return _shortened(_said(model), LONGEST)
    except Exception:  # a foreign class's get_params and repr may raise anything
        return ""


def searched(model: Any, metric: str) -> dict[str, Any] | None:
    """Return what a fitted search found best and among how many; None if it is no search.

    Args:
        model: fitted.
        metric: what it measured where it was not told by name.
    """
    try:
        best = model.best_params_
        found = float(getattr(model, "best_score_", math.nan))
        name, score = measured(scoring(model, metric), found)
        return {
            "best": ", ".join(f"{name}={_value(value)}" for name, value in best.items()),
            "score": score if math.isfinite(score) else None,
            "scoring": name,
            "tried": len(model.cv_results_["params"]),
        }
    except Exception:  # no search, or one of another kind
        return None


def scoring(model: Any, default: str) -> str:
    """Return what a model's ``score`` or a search measures, if it was told by name."""
    wanted, refit = getattr(model, "scoring", None), getattr(model, "refit", None)
    names = (name for name in (wanted, refit) if isinstance(name, str))
    return next(names, default)


def measured(name: str, value: float) -> tuple[str, float]:
    """Return a metric as people call it, and its value without the sign that scorers put."""
    if name.startswith("neg_"):
        return name[len("neg_") :], -value
    return name[: -len("_score")] if name.endswith("_score") else name, value


def _said(model: Any) -> str:
    steps = getattr(model, "steps", None)
    if isinstance(steps, list):
        return ", ".join(_value(step) for _, step in steps)
    known = _defaults(type(model))
    return ", ".join(
        f"{name}={_value(value)}"
        for name, value in model.get_params(deep=False).items()
        if repr(value) != repr(known.get(name))
    )


def _value(value: Any) -> str:
    if hasattr(value, "get_params") and not isinstance(value, type):
        return f"{type(value).__name__}({_said(value)})"
    if isinstance(value, (list, tuple)) and len(value) <= 20:
        inner = ", ".join(map(_value, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner})"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return _shortened(repr(value), LONGEST_VALUE)


def _defaults(cls: type) -> dict[str, Any]:
    """Return the defaults of a class's parameters, those of its bases included."""
    known: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            found = inspect.signature(vars(base)["__init__"]).parameters.values()
        except (KeyError, TypeError, ValueError):
            continue
        known.update({p.name: p.default for p in found if p.default is not p.empty})
    return known


def _shortened(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 3] + "..."
