"""What a notebook does with PyTorch: no method fits a network there, a loop of its own does.

What an optimizer's step changes is fitted in that statement. The network is called to learn and to
answer alike: a call counts as a question if no step follows it in its statement. The rows are
tensors; the table that they were made of is found by its content.
"""

from __future__ import annotations

import functools
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import libraries, network, tables
from .models import Event, Given
from .network import Loss, Network
from .statements import first_line

CONVERSIONS = ("as_tensor", "from_numpy", "tensor")
"""Functions of torch that make a tensor of a table."""
KEPT_LOSSES = 4
LOOKED_FOR = 5
"""Rows of a batch that are looked for in a table."""


class Asked(NamedTuple):
    """A call of a network."""

    rows: Any
    output: Any
    training: bool
    """Whether the network was in training mode."""


class Made(NamedTuple):
    """A table that was made a tensor of."""

    table: Any
    statement: int
    function: str
    turn: int
    """How many tables that function was given before, in that statement."""


class Found(NamedTuple):
    """The table that some rows of a network come from."""

    table: Any
    name: str | None
    """The global name that holds it."""
    made: tuple[int, str, int] | None
    """The statement, the function and the turn in which it was made a tensor of."""


class Fit(NamedTuple):
    """The last step of a network."""

    event: Event
    losses: list[Loss]
    """The last one first."""
    rows: Any
    output: Any


class Networks:
    """Listens to PyTorch, and tells the log."""

    def __init__(self, log: Any) -> None:
        self.log = log
        self.namespace: dict[str, Any] = {}
        self._asked: dict[int, list[Asked]] = {}
        self._learning: dict[int, tuple[Any, Any]] = {}
        """For each network, what it took and answered when it was last called to learn."""
        self._losses: list[Loss] = []
        """Those since the last step."""
        self._fits: dict[int, Fit] = {}
        """The fits of the statement that runs."""
        self._held: Any = weakref.WeakKeyDictionary()
        """For each optimizer, whether it changes a network."""
        self._datasets: list[tuple[Any, ...]] = []
        self._made: list[Made] = []
        self._loose: set[int] = set()
        """Networks of whose rows no table was found."""
        self._depth = 0

    def install(self, hooks: Any) -> None:
        """Hook what there is of PyTorch."""
        module = getattr(sys.modules.get("torch.nn"), "Module", None)
        if hasattr(module, "parameters"):
            _once(module, "__call__", lambda call: self._calling(hooks, call))
            _once(module, "load_state_dict", lambda load: self._loading(hooks, load))
        root = getattr(sys.modules.get("torch.optim"), "Optimizer", None)
        if root is not None:
            hooks._hook_classes(root, lambda cls: self._hook_step(hooks, cls))
        for name in network.LOSSES:
            place = sys.modules.get("torch.nn.functional")
            _once(place, name, functools.partial(self._measuring, hooks, name), hooks)
        dataset = getattr(sys.modules.get("torch.utils.data"), "TensorDataset", None)
        _once(dataset, "__init__", lambda made: self._filling(hooks, made))
        for name in CONVERSIONS:
            place = sys.modules.get("torch")
            _once(place, name, functools.partial(self._converting, hooks, name), hooks)
        _once(sys.modules.get("torch"), "save", lambda save: self._saving(hooks, save), hooks)

    # What is hooked.

    def _calling(self, hooks: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def called(module: Any, *args: Any, **kwargs: Any) -> Any:
            if self._depth or hooks.silent:
                return call(module, *args, **kwargs)
            heard = hooks._from_notebook()
            self._depth += 1
            try:
                result = call(module, *args, **kwargs)
            finally:
                self._depth -= 1
            if heard and next(iter(module.parameters()), None) is not None:
                self._called(self._known(module), args, kwargs, result)
            return result

        return called

    def _called(self, known: Network, args: Any, kwargs: Any, result: Any) -> None:
        torch = sys.modules["torch"]
        plain = not kwargs and len(args) == 1 and _is_tensor(args[0]) and _is_tensor(result)
        if not plain and torch.is_grad_enabled():
            self._learning[id(known)] = None, None
        if kwargs or len(args) != 1 or not _is_tensor(args[0]):
            said = [type(value).__name__ for value in (*args, *kwargs.values())]
            known.odd = (
                f"is called with {', '.join(said) or 'nothing'}; one table of rows is served."
            )
            return
        if not _is_tensor(result):
            known.odd = f"answers a {type(result).__name__}; one table of numbers is served."
            return
        rows = args[0]
        if result.requires_grad:
            self._learning[id(known)] = rows, result.detach()
            if rows.requires_grad and not rows.is_leaf:
                self._refuse_parts(known, rows)
        self._asked.setdefault(id(known), []).append(
            Asked(rows.detach(), result.detach(), known.module.training)
        )

    def _refuse_parts(self, known: Network, rows: Any) -> None:
        """Refuse a network that learns from what others answer, and those others."""
        together = "Put both into one nn.Module, which takes the rows."
        known.odd = f"learns from what another network answers. {together}"
        for other in list(libraries.NETWORKS.values()):
            output = self._learning.get(id(other), (None, None))[1]
            if other is not known and output is not None and output.data_ptr() == rows.data_ptr():
                other.odd = f"answers what another network learns from. {together}"

    def _hook_step(self, hooks: Any, cls: type) -> None:
        def make(step: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(step)
            def stepped(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
                result = step(optimizer, *args, **kwargs)
                if not hooks.silent:
                    self._stepped(optimizer)
                return result

            return stepped

        if "step" in cls.__dict__:
            _once(cls, "step", make)

    def _stepped(self, optimizer: Any) -> None:
        """Take note of the networks that a step of an optimizer has changed."""
        for known in list(libraries.NETWORKS.values()):
            if id(known) in self._learning and self._holds(optimizer, known):
                self._fit(known, optimizer)
        self._losses.clear()

    def _holds(self, optimizer: Any, known: Network) -> bool:
        found: dict[int, bool] = self._held.setdefault(optimizer, {})
        if id(known) not in found:
            held = {id(one) for group in optimizer.param_groups for one in group["params"]}
            found[id(known)] = any(id(one) in held for one in known.module.parameters())
        return found[id(known)]

    def _fit(self, known: Network, optimizer: Any) -> None:
        known.fitted = True
        self._asked.pop(id(known), None)
        before = self._fits.get(id(known))
        if before is None:
            event = Event("fit", self.log.statement, known, Given(None, None, {}), None)
            event.parameters = f"optimizer={_said(optimizer)}"
            event.seconds = -time.monotonic()
            self.log.tell(event)
            self.log.fitted.add(id(known.module))
        else:
            event = before.event
        losses = self._losses[::-1] or (before.losses if before else [])
        self._fits[id(known)] = Fit(event, losses, *self._learning[id(known)])
        self.log.forget(known, event.statement)

    def _loading(self, hooks: Any, load: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(load)
        def loaded(module: Any, *args: Any, **kwargs: Any) -> Any:
            result = load(module, *args, **kwargs)
            known = libraries.NETWORKS.get(id(module))
            if known is not None and known.fitted and not hooks.silent:
                self._again(known)
            return result

        return loaded

    def _again(self, known: Network) -> None:
        """Take note that a fitted network was given other weights: it answers otherwise now."""
        self._asked.pop(id(known), None)
        self.log.forget(known, self.log.statement)
        before = [e for e in self.log.events if e.owner is known and e.kind == "fit"][-1]
        if id(known) not in self._fits:
            given = Given(before.samples, before.target, before.options, before.names)
            event = Event("fit", self.log.statement, known, given, None)
            event.parameters, event.made = before.parameters, before.made
            self.log.tell(event)
            self.log.fitted.add(id(known.module))

    def _measuring(self, hooks: Any, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            given: Any = args[0] if args else kwargs.get("input")
            target = args[1] if len(args) > 1 else kwargs.get("target")
            if not hooks.silent and _is_tensor(given) and given.requires_grad:
                self._losses = [*self._losses[-KEPT_LOSSES:], Loss(name, given.detach(), target)]
            return function(*args, **kwargs)

        return measured

    def _filling(self, hooks: Any, made: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(made)
        def filled(dataset: Any, *parts: Any) -> None:
            if not hooks.silent:
                self._datasets.append(parts)
            made(dataset, *parts)

        return filled

    def _converting(
        self, hooks: Any, name: str, function: Callable[..., Any]
    ) -> Callable[..., Any]:
        @functools.wraps(function)
        def converted(*args: Any, **kwargs: Any) -> Any:
            if hooks._from_notebook() and args:
                at = self.log.statement
                turn = sum(m.statement == at and m.function == name for m in self._made)
                kept = self.log.keep(args[0]) if _is_table(args[0]) else None
                self._made.append(Made(kept, at, name, turn))
            return function(*args, **kwargs)

        return converted

    def _saving(self, hooks: Any, save: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(save)
        def saved(value: Any, *args: Any, **kwargs: Any) -> Any:
            if hooks._from_notebook():
                places = {part.data_ptr() for part in _tensors(value)}
                for known in list(libraries.NETWORKS.values()):
                    inside = (one.data_ptr() in places for one in known.module.parameters())
                    if value is known.module or any(inside):
                        self.log.saved.append(known.module)
            return save(value, *args, **kwargs)

        return saved

    # What comes of it when a statement ends.

    def answered(self) -> None:
        """Tell the log at once what the running statement asked, if it does not train."""
        if not self._fits:
            self.settle()

    def settle(self) -> None:
        """Tell the log what the statement that ran was about."""
        fits, self._fits = self._fits, {}
        asked, self._asked = self._asked, {}
        for known in list(libraries.NETWORKS.values()):
            try:
                if id(known) in fits:
                    self._settle_fit(known, fits[id(known)])
                if known.fitted and not known.odd and asked.get(id(known)):
                    self._settle_questions(known, asked[id(known)])
            except Exception as error:  # a module is the notebook's own code
                known.odd = (
                    f"cannot be followed ({type(error).__name__}: {first_line(str(error))})."
                )

    def _settle_fit(self, known: Network, fit: Fit) -> None:
        event = fit.event
        event.seconds += time.monotonic()
        if known.odd:
            return
        array = fit.rows.detach().cpu().numpy()
        known.rows, known.dtype = array.copy(), str(array.dtype)
        known.width = array.shape[1] if array.ndim == 2 else 0
        loss = known.understand(fit.losses, fit.output)
        event.options = known.options
        event.parameters += f", loss={loss.name}" if loss else ""
        event.samples = known.rows
        self._loose.add(id(known))
        if array.ndim != 2:
            return
        whole, answers = self._whole(array)
        target = None
        if answers is None and loss is not None and _is_tensor(loss.target):
            target = loss.target.detach().cpu().numpy().reshape(-1)
        found = self._find(whole)
        if found is None and whole is array:
            found = self._holder(array)
        if found is not None:
            event.samples, event.made = self.log.keep(found.table), found.made
            self._loose.discard(id(known))
        elif whole is not array:
            event.samples = whole
            self._loose.discard(id(known))
        column, name = self._target(event.samples, array, target, answers)
        event.target = self.log.keep(column)
        event.names = (found.name if found else None), name

    def _settle_questions(self, known: Network, asked: list[Asked]) -> None:
        import numpy

        torch = sys.modules["torch"]
        rows = numpy.concatenate([one.rows.cpu().numpy() for one in asked])
        if rows.ndim != 2 or rows.shape[1] != known.width:
            return
        found = self._find(rows)
        samples = rows if found is None else self.log.keep(found.table)
        fit = [e for e in self.log.events if e.owner is known and e.kind == "fit"][-1]
        if id(known) in self._loose:
            fit.samples, fit.target = samples, None
            fit.made = found.made if found else None
            fit.names = (found.name if found else None), None
            self._loose.discard(id(known))
        output = torch.cat([one.output for one in asked])
        if any(one.training for one in asked):
            again = known.raw(rows)
            if again.shape != output.shape or not torch.allclose(again, output, atol=1e-5):
                known.said.append(
                    f"Cell {self.log.cell} asks the network in training mode, without eval(): "
                    "dropout and batch normalisation made those answers depend on chance or on "
                    "the other rows. The service answers in evaluation mode."
                )
                return
        names = (found.name if found else None), None
        given = Given(samples, None, known.options, names)
        results = known.answers(output)
        for kind, result in zip(("predict", "predict_proba"), results):
            if result is not None:
                flat = result.reshape(len(result)) if result.size == len(result) else result
                self.log.tell(Event(kind, self.log.statement, known, given, flat))

    def _known(self, module: Any) -> Network:
        if id(module) not in libraries.NETWORKS:
            libraries.NETWORKS[id(module)] = network.of(module)
        found: Network = libraries.NETWORKS[id(module)]
        return found

    def gave(self, answers: Any) -> Event | None:
        """Return the last question that a network answered so, whatever type that was given."""
        import numpy

        if not any(known.fitted for known in libraries.NETWORKS.values()):
            return None
        answers = answers.detach().cpu().numpy() if _is_tensor(answers) else answers
        flat = _as(answers, "float64")
        flat = None if flat is None else flat.reshape(-1)
        events: list[Event] = self.log.events
        for event in reversed(events):
            if event.result is None or flat is None or not libraries.of(event.owner).loops:
                continue
            for column in event.result.reshape(len(event.result), -1).T:
                if column.shape == flat.shape and numpy.allclose(column, flat, rtol=1e-6):
                    return event
        return None

    # Where rows come from.

    def _whole(self, array: Any) -> tuple[Any, Any]:
        """Return the rows of the TensorDataset that a batch is from, and what they are to learn."""
        for parts in reversed(self._datasets):
            rows = parts[0].detach().cpu().numpy() if parts and _is_tensor(parts[0]) else None
            if rows is not None and _places(rows, array) is not None:
                target = parts[1] if len(parts) == 2 and _is_tensor(parts[1]) else None
                return rows, None if target is None else target.detach().cpu().numpy().reshape(-1)
        return array, None

    def _tables(self) -> Iterator[Found]:
        """Yield the notebook's frames, then its arrays, then the tables that had no name."""
        named = [
            (name, value)
            for name, value in self.namespace.items()
            if not name.startswith("_") and _is_table(value)
        ]
        for name, value in sorted(named, key=lambda item: not hasattr(item[1], "columns")):
            yield Found(value, name, None)
        for made in reversed(self._made):
            if made.table is not None:
                yield Found(made.table, None, made[1:])

    def _find(self, array: Any) -> Found | None:
        """Return the table that has the same rows (n) in the same order."""
        import numpy

        for found in self._tables():
            if found.table.shape != array.shape:
                continue
            values = _as(found.table, array.dtype)
            if values is not None and numpy.array_equal(values, array):
                return found
        return None

    def _holder(self, batch: Any) -> Found | None:
        """Return the smallest table that holds the rows of a batch."""
        holding = [
            found
            for found in self._tables()
            if tables.width(found.table) == batch.shape[1] and len(found.table) >= len(batch)
            for values in [_as(found.table, batch.dtype)]
            if values is not None and _places(values, batch) is not None
        ]
        return min(holding, key=lambda found: len(found.table), default=None)

    def _target(
        self, samples: Any, batch: Any, target: Any, answers: Any
    ) -> tuple[Any, str | None]:
        """Return what the rows of a fit are to learn (n), and its global name."""
        import numpy

        if answers is not None:
            target, places = answers, numpy.arange(len(answers))
        else:
            values = _as(samples, batch.dtype)
            places = _places(values, batch, len(batch)) if values is not None else None
        if target is None or places is None or len(target) != len(places):
            return None, None
        for name, value in sorted(
            self.namespace.items(), key=lambda item: not hasattr(item[1], "iloc")
        ):
            plain = not name.startswith("_") and tables.is_plain(value)
            if not plain or isinstance(value, (list, tuple)) or tables.cells(value) != len(samples):
                continue
            numbers = _as(value, target.dtype)
            if numbers is not None and numpy.array_equal(numbers.reshape(-1)[places], target):
                return value, name
        return (target, None) if len(target) == len(samples) else (None, None)


def _once(
    holder: Any,
    name: str,
    make: Callable[[Callable[..., Any]], Callable[..., Any]],
    hooks: Any = None,
) -> None:
    """Replace a function of a class or a module, if that has not been done."""
    function = None if holder is None else getattr(holder, name, None)
    if function is None or hasattr(function, "__recorded__"):
        return
    twin = make(function)
    twin.__recorded__ = True  # type: ignore[attr-defined]
    setattr(holder, name, twin)
    if hooks is not None:
        hooks._twins[id(function)] = (function, twin)


def _places(rows: Any, batch: Any, most: int = LOOKED_FOR) -> Any:
    """Return at which of n rows the first of a batch lie, or None if one is not there."""
    import numpy

    if rows.ndim != 2 or rows.shape[1] != batch.shape[1] or rows.dtype != batch.dtype:
        return None
    if rows.shape == batch.shape and numpy.array_equal(rows, batch):
        return numpy.arange(len(rows))
    if rows.size > tables.CELLS_COMPARED:
        return None
    places = []
    for row in batch[:most]:
        same = numpy.flatnonzero((rows == row).all(axis=1))
        if not len(same):
            return None
        places.append(same[0])
    return numpy.array(places)


def _as(table: Any, dtype: Any) -> Any:
    """Return a table as an array of another type, or None if that cannot be."""
    import numpy

    if tables.cells(table) > tables.CELLS_COMPARED:
        return None
    try:
        return numpy.asarray(table).astype(dtype)
    except (TypeError, ValueError):
        return None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, getattr(sys.modules.get("torch"), "Tensor", ()))


def _is_table(value: Any) -> bool:
    return tables.is_plain(value) and getattr(value, "ndim", 0) == 2


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors in a dictionary, and in the dictionaries in it."""
    for part in value.values() if isinstance(value, dict) else ():
        if _is_tensor(part):
            yield part
        else:
            yield from _tensors(part)


def _said(optimizer: Any) -> str:
    rate = optimizer.param_groups[0].get("lr")
    return f"{type(optimizer).__name__}(lr={rate})"
