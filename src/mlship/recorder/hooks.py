"""Hook the libraries, so that the notebook's own calls of them are seen.

Classes are hooked where they define a method, functions where their module holds them; names
that the notebook imported before are bound again. A call counts only if it comes from the
notebook's code: what a library calls of itself, such as the clones inside a cross-validation,
is none of the notebook's models.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
import time
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import libraries, pictures

METHODS = (
    "fit",
    "fit_predict",
    "fit_regularized",
    "fit_resample",
    "fit_transform",
    "partial_fit",
    "predict",
    "predict_proba",
    "save",
    "save_model",
    "score",
    "transform",
)
ENCODERS = ("apply", "factorize", "map", "replace")
"""Methods of a series that give each value another."""
READERS = ("csv", "excel", "feather", "fwf", "json", "parquet", "pickle", "stata", "table", "xml")
KERAS_SETS = re.compile(r"(keras|tensorflow)\b.*\.datasets\.\w+")
"""The modules that each load one of the data sets of Keras."""
Maker = Callable[[Callable[..., Any], str], Callable[..., Any]]


class Hooks:
    """What is hooked so far, and who is told."""

    def __init__(self, namespace: dict[str, Any], listener: Any) -> None:
        self.namespace = namespace
        self.listener = listener
        self.silent = False
        self._folder = os.getcwd() + os.sep
        self._classes: set[type] = set()
        self._twins: dict[int, tuple[Any, Any]] = {}
        self._modules = 0

    def install(self) -> None:
        """Hook what has been imported or defined since the last time."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._hook_modules()
        for module, root in libraries.ROOTS:
            if hasattr(sys.modules.get(module), root):
                self._hook_classes(getattr(sys.modules[module], root), self._hook_methods)
        for module, root in libraries.CONTAINERS:
            if hasattr(sys.modules.get(module), root):
                self._hook_classes(getattr(sys.modules[module], root), self._hook_container)
        self.listener.networks.install(self)
        named = [name for name, value in self.namespace.items() if id(value) in self._twins]
        for name in named:
            original, twin = self._twins[id(self.namespace[name])]
            if original is self.namespace[name]:
                self.namespace[name] = twin

    def _hook_modules(self) -> None:
        listener = self.listener
        metric = ("_score", "_error", "_loss")
        self._hook_functions("sklearn.metrics", lambda n: n.endswith(metric), listener.measuring)
        loader = ("load_", "fetch_", "make_")
        self._hook_functions("sklearn.datasets", lambda n: n.startswith(loader), listener.loading)
        for module in [name for name in sys.modules if KERAS_SETS.fullmatch(name)]:
            self._hook_functions(module, lambda n: n == "load_data", listener.fetching)
        folds = ("cross_val_score", "cross_validate")
        self._hook_functions("sklearn.model_selection", lambda n: n in folds, listener.validating)
        readers = {f"read_{kind}" for kind in READERS}
        self._hook_functions("pandas", lambda n: n in readers, listener.reading)
        coders = ("factorize", "get_dummies")
        self._hook_functions("pandas", lambda n: n in coders, listener.encoding)
        self._hook_series()
        split = "train_test_split"
        self._hook_functions("sklearn.model_selection", lambda n: n == split, listener.splitting)
        texts = {"genfromtxt", "load", "loadtxt"}
        self._hook_functions("numpy", lambda n: n in texts, listener.reading)
        for module in ("pickle", "joblib"):
            self._hook_functions(module, lambda n: n in ("dump", "dumps"), listener.saving)
        for module, reader in pictures.FUNCTIONS.items():
            made = listener.pictures.opening(module, listener)
            self._hook_functions(module, functools.partial(str.__eq__, reader), made)
        for module in libraries.TRAINERS:
            self._hook_functions(module, lambda n: n == "train", listener.training)
        plots = sys.modules.get("matplotlib.pyplot")
        if hasattr(plots, "show"):
            plots.show = listener.showing()  # type: ignore[union-attr]

    def _hook_functions(self, module: str, wanted: Callable[[str], bool], make: Maker) -> None:
        holder = sys.modules.get(module)
        for name in dir(holder) if holder else ():
            function = getattr(holder, name, None)
            if not wanted(name) or not callable(function) or hasattr(function, "__recorded__"):
                continue
            twin = self._heard(function, make(function, name))
            self._twins[id(function)] = (function, twin)
            setattr(holder, name, twin)

    def _hook_series(self) -> None:
        """Hook the methods of pandas' series by which a notebook encodes a target."""
        series = getattr(sys.modules.get("pandas"), "Series", None)
        for name in ENCODERS if series else ():
            method = getattr(series, name)
            if not hasattr(method, "__recorded__"):
                setattr(series, name, self._heard(method, self.listener.encoding(method, name)))

    def _heard(self, function: Callable[..., Any], hooked: Callable[..., Any]) -> Any:
        """Return a function that is ``hooked`` for the notebook and ``function`` for libraries."""
        try:
            parameter = next(iter(inspect.signature(function).parameters.values()), None)
        except ValueError:  # some of C have no signature
            parameter = None
        named = parameter is not None and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        first = parameter.name if parameter is not None and named else ""

        @functools.wraps(function)
        def twin(*args: Any, **kwargs: Any) -> Any:
            if not self._from_notebook():
                return function(*args, **kwargs)
            if not args and first in kwargs:
                args = (kwargs.pop(first),)
            return hooked(*args, **kwargs)

        twin.__recorded__ = True  # type: ignore[attr-defined]
        return twin

    def _hook_classes(self, root: type, hook: Callable[[type], None]) -> None:
        waiting = [root]
        while waiting:
            cls = waiting.pop()
            waiting.extend(cls.__subclasses__())
            if cls in self._classes:
                continue
            for base in cls.__mro__[:-1]:
                if base not in self._classes:
                    self._classes.add(base)
                    hook(base)

    def _hook_methods(self, cls: type) -> None:
        for name in METHODS:
            method = cls.__dict__.get(name)
            try:
                if isinstance(method, types.FunctionType):
                    setattr(cls, name, self._hooked_method(method, name))
                elif hasattr(method, "fn"):  # scikit-learn's available_if
                    method.fn = self._hooked_method(method.fn, name)  # type: ignore[union-attr]
            except (AttributeError, TypeError):
                continue  # a class that cannot be changed

    def _hooked_method(self, method: Callable[..., Any], kind: str) -> Callable[..., Any]:
        @functools.wraps(method)
        def hooked(owner: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._from_notebook():
                return method(owner, *args, **kwargs)
            samples = _argument(args, kwargs, 0, libraries.SAMPLES)
            target = _argument(args, kwargs, 1, libraries.TARGETS)
            if kind.startswith("fit"):
                samples, target = libraries.fitted_on(owner, samples, target)
            asked = kind in ("predict", "predict_proba")
            options = libraries.options(method, args, kwargs) if asked else {}
            names = self._named(samples), self._named(target)
            before = self.listener.given(samples, target, options, names)
            self.silent = True
            started = time.monotonic()
            try:
                result = method(owner, *args, **kwargs)
            finally:
                self.silent = False
            self.listener.seconds = time.monotonic() - started
            self.listener.called(kind, owner, before, result)
            return result

        return hooked

    def _named(self, value: Any) -> str | None:
        """Return the global name of an object."""
        named = self.namespace.items() if value is not None else ()
        names = (name for name, held in named if held is value)
        return next((name for name in names if not name.startswith("_")), None)

    def _hook_container(self, cls: type) -> None:
        made = cls.__dict__.get("__init__")
        if not isinstance(made, types.FunctionType):
            return

        @functools.wraps(made)
        def hooked(container: Any, *args: Any, **kwargs: Any) -> None:
            if self._from_notebook():
                data = _argument(args, kwargs, 0, libraries.SAMPLES)
                target = _argument(args, kwargs, 1, libraries.TARGETS)
                names = self._named(data), self._named(target)
                self.listener.filling(container, data, target, kwargs, names)
            made(container, *args, **kwargs)

        cls.__init__ = hooked  # type: ignore[misc]

    def _from_notebook(self) -> bool:
        if self.silent:
            return False
        caller = sys._getframe(2).f_globals
        beside = str(caller.get("__file__", "")).startswith(self._folder)
        return caller is self.namespace or beside


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], at: int, names: Sequence[str]) -> Any:
    """Return the argument at a position, or by one of its names, or None."""
    if len(args) > at:
        return args[at]
    return next((kwargs[name] for name in names if name in kwargs), None)
