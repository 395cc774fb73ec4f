"""The cases that the tests of the model's code are of: a few rows, and what becomes of them."""

from __future__ import annotations

import ast
import copy
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import alike, disguise, personal, proving, synthetic
from .examples import NOTHING, Calls, Example, answered
from .learned import Learned, from_json, to_json
from .log import Log
from .package import imported
from .proving import Cut

SIZES = (20, 60, 150)
"""Rows to learn from: the fewest that the code can learn from."""
TRAINED = (60, 150, 400)
"""Rows to train on where those do not do."""
REQUESTS = 6
WATCHED = 20_000
"""Rows that the functions are watched on."""
CHOICES = 8
"""A column of so few values has each of them among the rows."""
TIMES = 2
"""Rows that have it: a split by classes needs two."""
SECONDS = 30.0
"""Training in a test must be over sooner."""
LARGEST = 60_000
"""Letters of a table, said in JSON."""
WRITTEN: tuple[Mapping[str, Any], ...] = (
    {"index": False},
    {"index": False, "sep": ";"},
    {"index": False, "sep": "\t"},
    {"index": False, "header": False},
    {},
)
"""Ways to write a file that the notebook's way to read one understands."""


class Cases:
    """What the emitted code does, on rows that may lie beside its tests."""

    def __init__(self, cut: Cut, log: Log, made_up: bool) -> None:
        """Find the cases.

        Args:
            cut: what is served.
            log: the notebook's run.
            made_up: whether no real row may be kept.
        """
        self.cut = cut
        self.made_up = made_up
        script = cut.script
        loaded = log.loads.get((script.first, 0), ("", None))[1]
        self.personal = {
            name
            for table in (cut.rows_whole, loaded)
            if hasattr(table, "iloc")
            for name in personal.columns(table)
        }
        """Columns whose values are put in other words."""
        self.plain: dict[str, list[Example]] = {}
        """For each function of numbers and texts, examples."""
        self.tables: dict[str, list[Example]] = {}
        """The same for functions of tables and of rows."""
        self.rows: Any = None
        """Rows that the features can learn from (n), or None."""
        self.requests: Any = None
        """Rows that they prepare then, with the columns of a request."""
        self.stages: dict[str, dict[str, Any]] = {}
        """What each stage makes of the rows and of the requests."""
        self.alone = False
        """Whether a request alone becomes what it becomes among others."""
        self.loaded: Any = None
        """Rows to train on as they are in a file (n)."""
        self.written: Mapping[str, Any] = {}
        """How they are written into it."""
        self.reads = self.more = False
        """Whether the code reads such a file, and more than the rows from it."""
        self.answered = ""
        """The requests that the model answers which is trained on such a file, as code."""
        self.module = proving.module_of(script)
        self.functions = [
            node.name
            for index in script.module_level
            for node in [script.statements[index].node]
            if isinstance(node, ast.FunctionDef)
        ]
        sources = {f.facts["name"] for f in script.tape.found.values() if f.kind == "source"}
        self._alone_source = len(sources) == 1
        """Whether the code needs no table beside the rows, which a test would not have."""
        table = self._kept(cut.rows_whole, WATCHED)
        self._find_functions(table)
        if self._alone_source:
            self._find_stages(self._kept(cut.rows_whole, None))
        self._loaded = self._kept(loaded, None) if hasattr(loaded, "columns") else None

    def _kept(self, table: Any, most: int | None) -> Any:
        """Return rows that may be kept: disguised ones, or ones that nobody ever was."""
        if self.made_up:
            return synthetic.rows(table, None, self.personal, 3 * SIZES[-1])
        step = 1 if most is None else max(1, len(table) // most)
        return disguise.rows(table.iloc[::step].reset_index(drop=True), self.personal)

    # The notebook's functions.

    def _find_functions(self, table: Any) -> None:
        calls = Calls()
        watched = proving.module_of(self.cut.script)
        calls.watch(watched, self.functions)
        for state in (Learned(), Learned(self.cut.known)):
            answered(watched.features, {self.cut.script.rows_name: table.copy(), "learned": state})
        for name in self.functions:
            answer = self._answering(name)
            self.plain[name] = calls.plain(name, answer)
            if not self.plain[name]:
                self.tables[name] = [e for e in calls.other(name, answer) if self._keeps(e)]

    def learns(self, name: str) -> bool:
        """Say whether a function is given what is learned."""
        return name in self.cut.script.writer.learning

    def _answering(self, name: str) -> Callable[..., Any]:
        """Return what says what a function answers: the notebook's own, if the two agree."""
        ours = getattr(self.module, name)
        if self.learns(name):
            return lambda **given: ours(**given, learned=Learned())
        tape = self.cut.script.tape
        theirs = getattr(tape.namespace.get(name), "__original__", None)
        if theirs is None:
            return ours  # type: ignore[no-any-return]

        def answer(**given: Any) -> Any:
            expected = tape._plainly(theirs, (), copy.deepcopy(given))
            if not same(ours(**given), expected):
                raise ValueError(f"{name} is not what it was in the notebook")
            return expected

        return answer

    def _keeps(self, example: Example) -> bool:
        """Say whether an example survives being written down, and gives the same again."""
        return all(_survives(value) for value in (*example.given.values(), example.expected))

    # The stages.

    def _find_stages(self, table: Any) -> None:
        for size in SIZES:
            rows = _telling(table, size)
            stages = answered(lambda: self._learn(rows), {})  # noqa: B023 - called at once
            if stages is not NOTHING:
                self.rows, (self.requests, self.stages, self.alone) = rows, stages
                return

    def _learn(self, rows: Any) -> tuple[Any, dict[str, dict[str, Any]], bool]:
        """Let the features learn from rows, and prepare some of them as requests.

        Raises:
            ValueError: they cannot, or what they make cannot be kept.
        """
        if not _survives(rows):
            raise ValueError("the rows cannot be kept")
        learned = Learned()
        trained = self._staged(self.module, _again(rows), learned)
        wanted = rows[self.cut.columns] if hasattr(rows, "columns") else rows
        requests = self._servable(wanted, learned)
        served = self._staged(self.module, _again(requests), learned.sealed())
        stages = {}
        for name, made in trained.items():
            stages[name] = {"training": made, "served": served[name]}
            if not all(map(_survives, stages[name].values())):
                raise ValueError("what is made of the rows cannot be kept")
        again = self._staged(self.module, _again(rows), Learned())
        if not all(same(again[name], made) for name, made in trained.items()):
            raise ValueError("what is made of the rows is random")
        return requests, stages, self._is_alone(requests, learned, served)

    def _staged(self, module: Any, rows: Any, learned: Learned) -> dict[str, Any]:
        """Return what each stage makes of the rows, by its name."""
        made: dict[str, Any] = {}
        for stage in self.cut.script.stages:
            function = getattr(module, stage.name)
            rows = _again(function(rows, learned) if stage.learns else function(rows))
            made[stage.name] = _again(rows)
        return made

    def _servable(self, rows: Any, learned: Learned) -> Any:
        def fits(position: int) -> bool:
            row = _again(rows.iloc[[position]].reset_index(drop=True))
            return answered(lambda: self.module.features(row, learned.sealed()), {}) is not NOTHING

        missing = rows.isna()
        count = missing.sum(axis=1) if hasattr(rows, "columns") else missing.astype(int)
        order = sorted(range(len(rows)), key=lambda i: -int(count.iloc[i]))
        holed = [i for i in order if count.iloc[i]]
        chosen = [i for i in holed if fits(i)][: REQUESTS // 2]
        rest = (i for i in range(len(rows)) if i not in chosen and fits(i))
        chosen += [i for i, _ in zip(rest, range(REQUESTS - len(chosen)))]
        if not chosen:
            raise ValueError("no row is served")
        return rows.iloc[sorted(chosen)].reset_index(drop=True)

    def _is_alone(self, requests: Any, learned: Learned, served: Mapping[str, Any]) -> bool:
        if not served:
            return False
        whole = list(served.values())[-1]
        single = [
            self.module.features(
                _again(requests.iloc[[i]]).reset_index(drop=True), learned.sealed()
            )
            for i in range(len(requests))
        ]
        return all(same(_plainly(one), alike.take(whole, [i])) for i, one in enumerate(single))

    # Training.

    def train(self, files: Mapping[str, str], folder: str) -> None:
        """Find out what the training code makes of a few rows in a file."""
        if "train.py" not in files or self._loaded is None or self.rows is None:
            return
        if "." not in str(self.cut.script.source_name):
            return
        end = time.monotonic() + SECONDS
        with imported(files, folder) as module:
            if not self._find_way(module, folder):
                return
            for size in [n for n in (0, *TRAINED) if n <= len(self._loaded)]:
                self.loaded = _telling(self._loaded, size) if size else self.loaded
                trained = answered(module("train").train, {"path": self._write(folder)})
                self.answered = self._answered(module, trained)
                if time.monotonic() > end:
                    self.answered = ""
                    return
                if self.answered:
                    return

    def _find_way(self, module: Callable[[str], Any], folder: str) -> bool:
        """Find how to write a file so that the code reads the rows as they are."""
        self.loaded = _telling(self._loaded, len(self.rows))
        if same(self.loaded, self.rows):
            self.loaded = self.rows
        for self.written in WRITTEN:
            result = answered(module("load").load, {"path": self._write(folder)})
            self.more = isinstance(result, tuple)
            table = result[0] if self.more else result
            if hasattr(table, "columns") and len(table) == len(self.loaded):
                self.reads = list(table.columns) == list(self.cut.rows_whole.columns)
            if self.reads:
                return True
        return False

    def _write(self, folder: str) -> Any:
        path = pathlib.Path(folder) / "rows.csv"
        self.loaded.to_csv(path, **self.written)
        return path

    def _answered(self, module: Callable[[str], Any], trained: Any) -> str:
        """Say which requests the model answers, as code, or nothing where it answers none."""
        for chosen, requests in (("", self.requests), (".dropna()", self.requests.dropna())):
            rows = _again(requests.reset_index(drop=True))
            answer = answered(
                lambda: trained.model.predict(module("features").features(rows, trained.learned)),  # noqa: B023
                {},
            )
            if answer is not NOTHING and 0 < len(answer) == len(rows):
                return f"requests{chosen}"
        return ""


def same(one: Any, other: Any) -> bool:
    """Say whether two values are alike; tables by what they hold, in their order."""
    one, other = _plainly(one), _plainly(other)
    if type(one).__module__.partition(".")[0] in ("pandas", "numpy") and hasattr(one, "shape"):
        if hasattr(one, "iloc") != hasattr(other, "iloc") or not hasattr(other, "shape"):
            return False
        return one.shape == other.shape and alike.same_rows(one, other)
    return bool(one == other or (one != one and other != other))


def _plainly(value: Any) -> Any:
    return value.toarray() if hasattr(value, "toarray") else value


def _again(value: Any) -> Any:
    """Return a value as it is after it was written down."""
    return from_json(to_json(_plainly(value)))


def _survives(value: Any) -> bool:
    try:
        said = to_json(_plainly(value))
    except (TypeError, ValueError):
        return False
    return len(repr(said)) <= LARGEST and same(from_json(said), value)


def _telling(table: Any, size: int) -> Any:
    """Choose rows: of each column one with a missing value and each of few values; then others."""
    chosen: dict[int, None] = {}
    parts = [table.iloc[:, i] for i in range(table.shape[1])] if table.ndim > 1 else [table]
    for column in parts:
        chosen.update(dict.fromkeys(_first(column.isna())))
        values = column.dropna()
        try:
            known = values.unique()
        except TypeError:  # values that cannot be hashed
            continue
        if len(known) <= CHOICES:
            for value in known:
                chosen.update(dict.fromkeys(_first(column == value, TIMES)))
    step = max(1, len(table) // size)
    for position in [*range(0, len(table), step), *range(len(table))]:
        if len(chosen) >= size:
            break
        chosen[position] = None
    return table.iloc[sorted(list(chosen)[:size])].reset_index(drop=True)


def _first(mask: Any, times: int = 1) -> Iterator[int]:
    import numpy

    yield from numpy.flatnonzero(numpy.asarray(mask, dtype=bool))[:times].tolist()
