"""Run a slice again and find in it what training learns, and what only training does.

Each call and each subscript of the notebook's own code is watched. What it gives decides what it
is: a number found from many rows is *learned*, fewer rows than before are a *selection* that no
request goes through, and so on. The slice is run in the state that the random generators had when
the notebook ran it, so that it repeats what the notebook did.
"""

from __future__ import annotations

import ast
import builtins
import copy
import random
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from . import pictures, tensors
from .log import Log
from .shelf import CELLS_SHARED, Shelf
from .statements import Statement, first_line
from .tables import cells

PLAIN = {
    "super", "eval", "exec", "vars", "dir", "input", "print", "range", "len", "isinstance", "type",
    "zip", "enumerate", "list", "dict", "set", "tuple", "str", "int", "float", "sorted", "locals",
    "globals", "display", "setattr", "getattr", "hasattr",
}  # fmt: skip
"""Builtins whose calls say nothing of rows."""
COPIES = {
    "tolist", "to_list", "items", "iterrows", "itertuples", "keys", "copy", "to_numpy", "reshape",
    "ravel", "flatten", "array", "asarray", "hist", "plot", "head", "get", "groupby",
}  # fmt: skip
"""Methods whose result is the table itself in another form."""
SELECTIONS = {
    "dropna", "drop_duplicates", "drop", "query", "head", "tail", "sample", "truncate", "nlargest",
    "nsmallest", "sort_values", "sort_index", "shuffle", "filter", "compress",
}  # fmt: skip
RESAMPLING = ("fit_resample", "fit_sample")


class Unrepeatable(Exception):
    """The slice cannot be run again; the message says where."""


class Found:
    """What one place of the code does with rows."""

    def __init__(self, kind: str, statement: int, **facts: Any) -> None:
        self.kind = kind
        """source, fit, fit_transform, fit_predict, value, categories, dummies, factorize, bins,
        group, intercept, reshape, rows, stack, columns, split, resample or unknown."""
        self.statement = statement
        self.facts = facts


class Tape:
    """A slice that runs again, watched."""

    def __init__(self, statements: Sequence[Statement], log: Log) -> None:
        self.statements = statements
        self.log = log
        self.module = types.ModuleType("__main__")
        self.namespace: dict[str, Any] = self.module.__dict__
        self.nodes: dict[int, ast.AST] = {}
        """The original node of each place, by its number."""
        self.found: dict[int, Found] = {}
        self.loops: dict[int, dict[str, str]] = {}
        """For each place, the loop variables and parameters around it with their types."""
        self.signatures: dict[str, dict[str, set[str]]] = {}
        """For each function of the notebook, the types of its arguments and of ``return``."""
        self.kinds: dict[int, dict[str, str]] = {}
        """The types of what each statement changed."""
        self.values: dict[int, dict[str, Any]] = {}
        """Copies of the tables that each statement changed."""
        self.loaded: dict[int, Any] = {}
        """What each loader gave, by its place."""
        self.primary: int | None = None
        """The statement whose loader gave the rows."""
        self._shelf = Shelf(
            [*(value for _, value in log.loads.values()), *(e.samples for e in log.events)]
        )
        self._lengths: set[int] = set()
        self._constants: dict[int, Any] = {}
        self._foreign = 0
        self._statement = 0
        self._turn = 0

    def run(self, indices: Sequence[int], rows_from: int | None) -> None:
        """Run the statements ``indices``; the loader in ``rows_from`` gives the rows.

        Raises:
            Unrepeatable: a statement fails now.
        """
        self.primary = rows_from
        self.namespace.update(
            __builtins__=builtins, display=lambda *a, **k: None, __tape__=self, get_ipython=_Shell
        )
        self.namespace.update(pictures.globals_of_code())
        before, sys.modules["__main__"] = sys.modules["__main__"], self.module
        try:
            for index in indices:
                self._execute(index)
        finally:
            sys.modules["__main__"] = before

    def _execute(self, index: int) -> None:
        statement = self.statements[index]
        self._statement, self._turn, self._foreign = index, 0, 0
        restore(statement.random)
        node = statement.node
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            node = _Watched().visit(copy.deepcopy(_marked(node, self.nodes)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.fix_missing_locations(ast.Module([node], []))
                code = compile(tree, f"<cell {statement.cell}>", "exec", dont_inherit=True)
                exec(code, self.namespace)  # noqa: S102 - the notebook's own code, once more
        except Exception as error:
            raise Unrepeatable(
                f"cell {statement.cell} fails when it is run again: {type(error).__name__}: "
                f"{first_line(str(error))}"
            ) from None
        held = {name: self.namespace.get(name) for name in statement.changed}
        self.kinds[index] = {name: type_name(value) for name, value in held.items()}
        self.values[index] = {n: self._shelf.keep(v) for n, v in held.items() if _is_table(v)}
        if isinstance(statement.node, ast.FunctionDef):
            self._watch_types(statement.node.name)

    def _watch_types(self, name: str) -> None:
        """Note the types that a function of the notebook is called with, by whomever."""
        function = self.namespace[name]
        if not isinstance(function, types.FunctionType):
            return
        seen = self.signatures.setdefault(name, {})
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]

        def typed(*args: Any, **kwargs: Any) -> Any:
            for parameter, value in [*zip(parameters, args), *kwargs.items()]:
                seen.setdefault(parameter, set()).add(type_name(value))
            result = function(*args, **kwargs)
            seen.setdefault("return", set()).add(type_name(result))
            return result

        typed.__name__ = name
        typed.__original__ = function  # type: ignore[attr-defined]
        self.namespace[name] = typed

    def held(self, name: str, at: int) -> Any:
        """Return a copy of the table that ``name`` was after statement ``at``, or None."""
        return copy.deepcopy(self.seen(name, at))

    def seen(self, name: str, at: int) -> Any:
        """Return that table itself, which nobody may change."""
        found = [i for i in self.values if i <= at and name in self.values[i]]
        return self.values[max(found)][name] if found else None

    def free(self) -> None:
        """Let go of the large tables that the run left, as their copies are kept."""
        large = [n for n, v in self.namespace.items() if _is_table(v) and cells(v) >= CELLS_SHARED]
        for name in large:
            del self.namespace[name]
        self._constants = {i: v for i, v in self._constants.items() if cells(v) < CELLS_SHARED}

    def after(
        self, at: int, names: Sequence[str], indices: Sequence[int]
    ) -> Iterator[tuple[int, str, Any]]:
        """Run statements as the notebook has them, though no sample may be made by them.

        Args:
            at: the statement after which they start.
            names: the tables that they work on.
            indices: the statements.

        Yields:
            After each of them, its index, a name that it changed, and what that holds now.
        """
        mutable = {
            name: value
            for name, value in self.namespace.items()
            if hasattr(value, "get_params") or isinstance(value, (dict, list))
        }
        space = {**self.namespace, **copy.deepcopy(mutable)}
        space.update({name: self.held(name, at) for name in names})
        for index in indices:
            statement = self.statements[index].reduced_from or self.statements[index]
            restore(statement.random)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                code = compile(ast.Module([statement.node], []), "<cell>", "exec")
                try:
                    exec(code, space)  # noqa: S102 - the notebook's own code, once more
                except Exception:  # what it needs was made of other rows
                    return
            for changed in sorted(statement.changed):
                yield index, changed, space.get(changed)

    def value(self, expression: ast.expr, at: int) -> Any:
        """Return what an expression of statement ``at`` is after the run.

        Raises:
            Unrepeatable: it fails.
        """
        self._statement, self._turn, self._foreign = at, 0, 0
        if hasattr(expression, "lineno"):
            _marked(expression, self.nodes)
        try:
            watched = _Watched().visit(copy.deepcopy(expression))
            tree = ast.fix_missing_locations(ast.Expression(watched))
            code = compile(tree, "<fit>", "eval", dont_inherit=True)
            return eval(code, self.namespace)  # noqa: S307 - the notebook's own code
        except Exception as error:
            raise Unrepeatable(
                f"cell {self.statements[at].cell} fails when it is run again: "
                f"{type(error).__name__}: {first_line(str(error))}"
            ) from None

    # What the rewritten code calls.

    def call(self, place: int, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Make a call of the notebook's and find out what it does with rows."""
        if self._foreign:
            return function(*args, **kwargs)
        own = getattr(function, "__globals__", None) is self.namespace
        if own or hasattr(function, "__original__"):
            return self._own_function(place, function, args, kwargs)
        name = getattr(function, "__name__", "")
        owner = getattr(function, "__self__", None)
        owner = None if isinstance(owner, (types.ModuleType, type)) else owner
        if (self._statement, self._turn) in self.log.loads and _is_loader(function, name):
            return self._load(place)
        before = _shape(owner)
        columns = list(getattr(owner, "columns", ()))
        result = self._plainly(function, args, kwargs)
        try:
            self._judge(place, name, owner, args, kwargs, result, before, columns)
        except Exception as error:  # a foreign object may answer anything; then nothing is known
            self.found.setdefault(place, Found("unknown", self._statement, why=repr(error)))
        return result

    def item(self, place: int, holder: Any, key: Any, /) -> Any:
        """Take an item, and find out whether it is a selection of rows."""
        result = holder[key]
        if self._foreign:
            return result
        indexer = type(holder).__name__ in ("_LocIndexer", "_iLocIndexer")
        base = holder.obj if indexer else holder
        if id(base) in self._constants:
            self._constant(result)
        elif _is_table(base) and _is_table(result) and _length(base) in self._lengths:
            fewer = 0 < _length(result) < _length(base)
            whole = result.ndim == base.ndim or (indexer and isinstance(key, tuple))
            narrow = hasattr(base, "columns") and len(result.shape) == 1
            across = narrow and result.index.equals(base.columns)
            if fewer and whole and not across:
                self._lengths.add(_length(result))
                self._find(place, "rows", indexer=indexer, pair=isinstance(key, tuple))
        return result

    def _own_function(self, place: int, function: Any, args: Any, kwargs: Any) -> Any:
        tables_given = [i for i, value in enumerate(args) if hasattr(value, "columns")]
        before: Any = args[tables_given[0]].copy() if len(tables_given) == 1 else None
        known = dict(self.found)
        result = function(*args, **kwargs)
        if (
            before is not None
            and hasattr(result, "columns")
            and len(result) < len(before)
            and list(result.columns) == list(before.columns)
            and _rows_of(result) <= _rows_of(before)
        ):
            self.found = known  # what it found inside belongs to training alone
            self._lengths.add(len(result))
            self._find(place, "rows", argument=tables_given[0])
        return result

    def _plainly(self, function: Any, args: Any, kwargs: Any) -> Any:
        self._foreign += 1
        try:
            return function(*args, **kwargs)
        finally:
            self._foreign -= 1

    def _load(self, place: int) -> Any:
        name, value = self.log.loads[self._statement, self._turn]
        self._turn += 1
        main = self._statement == self.primary and self._turn == 1
        self._find(place, "source", name=name, main=main)
        if self.found[place].facts.get("name") != name:
            self.found[place].facts["several"] = True
        self.loaded[place] = value
        value = copy.deepcopy(value)
        if hasattr(value, "target") and _wants_pair(self.nodes[place]):
            value = (value.data, value.target)
        inside = tensors.parts(value)
        if isinstance(value, dict) and hasattr(value, "data"):
            # Of a data set, the names of its classes are no rows.
            inside = [value.data, *filter(tensors.are_samples, inside)]
        for part in inside:
            if main and _is_table(part):
                self._lengths.add(_length(part))
        return value

    def _judge(
        self,
        place: int,
        name: str,
        owner: Any,
        args: Any,
        kwargs: Any,
        result: Any,
        before: Any,
        columns: Any,
    ) -> None:
        """Find out what a call did; ``before`` and ``columns`` are its owner's, before it."""
        if owner is not None and id(owner) in self._constants:
            self._constant(result)
            return
        if hasattr(owner, "get_params") and hasattr(owner, "fit"):
            if name in ("fit", "fit_transform", "fit_predict", *RESAMPLING):
                kind = "resample" if name in RESAMPLING else name
                self._find(place, kind, estimator=type(owner).__name__)
                self._lengths.update(_length(part) for part in _sequence(result) if _is_table(part))
            return
        given = [*([] if owner is None else [owner]), *args, *kwargs.values()]
        if name == "train_test_split":
            self._lengths.update(_length(part) for part in result if _is_table(part))
            self._find(place, "split")
            return
        if not self._from_rows(given) and not (before and before[0] in self._lengths):
            return
        if name == "reshape":
            self._judge_reshape(place, owner, args, result)
        elif name == "add_constant" and "has_constant" not in kwargs and len(args) == 1:
            if _is_table(result) and result.shape[1:] != args[0].shape[1:]:
                self._find(place, "intercept")
        elif name in ("get_dummies", "factorize"):
            self._find(place, "dummies" if name == "get_dummies" else "factorize")
        elif name in ("cut", "qcut"):
            edges = args[1] if len(args) > 1 else kwargs.get("bins", kwargs.get("q"))
            if name == "qcut" or isinstance(edges, int):
                self._find(place, "bins")
        elif (name == "astype" and args and str(args[0]) == "category") or (
            name == "Categorical" and "categories" not in kwargs and len(args) == 1
        ):
            self._find(place, "categories")
        elif name == "transform" and type(owner).__name__.endswith("GroupBy"):
            self._find(place, "group")
        elif name == "concat" and self._is_stack(args, result):
            main = [i for i, part in enumerate(args[0]) if _length(part) in self._lengths]
            self._lengths.add(_length(result))
            self._find(place, "stack", part=main[0] if main else 0)
        elif name == "filter" and type(owner).__name__.endswith("GroupBy"):
            self._lengths.add(_length(result))
            self._find(place, "rows", grouped=True)
        elif name in SELECTIONS and self._is_selection(name, owner, result, before):
            self._find(place, "rows", inplace=result is None)
        elif columns and name == "dropna" and self._columns_of(owner, result) != columns:
            self._find(place, "columns", inplace=result is None)
        elif self._is_constant(name, given, result):
            self._find(place, "value", method=name, type=type_name(result))
            self._constant(result)

    def _judge_reshape(self, place: int, owner: Any, args: Any, result: Any) -> None:
        """Find the number of all rows, which a request does not have, among the sizes."""
        sizes = args if owner is not None else args[1:]
        sizes = sizes[0] if sizes and isinstance(sizes[0], (tuple, list)) else sizes
        if len(sizes) > 1 and sizes[0] in self._lengths and sizes[0] == _length(result):
            self._find(place, "reshape", method=owner is not None)

    def _from_rows(self, given: Sequence[Any]) -> bool:
        for value in given:
            for part in (value, getattr(value, "obj", None), *_sequence(value)[:20]):
                if _is_table(part) and _length(part) in self._lengths:
                    return id(part) not in self._constants
        return False

    def _is_selection(self, name: str, owner: Any, result: Any, before: Any) -> bool:
        if owner is None:  # sklearn.utils.shuffle
            parts = [part for part in (result, *_sequence(result)) if _is_table(part)]
            return name == "shuffle" and bool(parts)
        if not _is_table(owner) or before is None or before[0] not in self._lengths:
            return False
        after = _length(owner if result is None else result)
        if result is not None and type(result) is not type(owner):
            return False
        self._lengths.add(after)
        return after != before[0] or name in ("sample", "sort_values", "sort_index")

    def _columns_of(self, owner: Any, result: Any) -> list[Any]:
        table = owner if result is None else result
        return list(table.columns) if hasattr(table, "columns") else []

    def _is_stack(self, args: Any, result: Any) -> bool:
        parts = _sequence(args[0]) if args else []
        lengths = [_length(part) for part in parts]
        return len(parts) > 1 and _is_table(result) and _length(result) == sum(lengths)

    def _is_constant(self, name: str, given: Sequence[Any], result: Any) -> bool:
        if result is None or result is NotImplemented or name in COPIES:
            return False
        lengths = {
            _length(part)
            for value in given
            for part in (value, getattr(value, "obj", None), *_sequence(value)[:20])
            if _is_table(part)
        }
        if _is_table(result):
            return _length(result) not in lengths
        if isinstance(result, (list, tuple)) and len(result) in lengths:
            return False
        if type(result).__module__.startswith("pandas") and type(result).__name__.endswith("Index"):
            return len(result) not in lengths
        plain = (int, float, str, bool, list, tuple, dict)
        return (
            isinstance(result, plain)
            or type(result).__module__ in ("numpy", "datetime")
            or (type(result).__name__ == "Timestamp")
        )

    def _constant(self, value: Any) -> None:
        if _is_table(value) or type(value).__module__.startswith("pandas"):
            self._constants[id(value)] = value

    def _find(self, place: int, kind: str, **facts: Any) -> None:
        known = self.found.get(place)
        if known is None:
            self.found[place] = Found(kind, self._statement, **facts)
            self.loops[place] = self._around(place)
        elif known.kind != kind:
            known.kind = "unknown"

    def _around(self, place: int) -> dict[str, str]:
        """Return the types of the local names that the code around a place runs with."""
        frame = sys._getframe(1)
        while frame is not None and not str(frame.f_code.co_filename).startswith("<cell "):
            frame = frame.f_back  # type: ignore[assignment]
        names = getattr(self.nodes[place], "loop_names", ())
        held = {**frame.f_globals, **frame.f_locals} if frame else {}
        return {name: type_name(held.get(name)) for name in names}


class _Watched(ast.NodeTransformer):
    """Rewrite calls and subscripts so that the tape makes them."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        place = getattr(node, "place", None)
        self.generic_visit(node)
        formula = any(word.arg == "formula" for word in node.keywords) or any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and "~" in part.value
            for part in node.args
        )
        named = isinstance(node.func, ast.Name) and node.func.id in PLAIN
        if place is None or formula or named:
            return node
        return _through("call", place, [node.func, *node.args], node.keywords)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        place = getattr(node, "place", None)
        self.generic_visit(node)
        if place is None or not isinstance(node.ctx, ast.Load):
            return node
        key = node.slice
        if type(key).__name__ == "Index":  # Python 3.8
            key = key.value  # type: ignore[attr-defined]
        return _through("item", place, [node.value, _as_value(key)], [])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def _as_value(key: ast.expr) -> ast.expr:
    """Write a slice as a value: ``a:b`` as ``slice(a, b, None)``."""
    if isinstance(key, ast.Slice):
        parts = [part or ast.Constant(None) for part in (key.lower, key.upper, key.step)]
        return ast.Call(ast.Name("slice", ast.Load()), parts, [])
    if isinstance(key, ast.Tuple):
        return ast.Tuple([_as_value(part) for part in key.elts], ast.Load())
    return key


def _through(method: str, place: int, args: list[ast.expr], words: list[ast.keyword]) -> ast.Call:
    holder = ast.Attribute(ast.Name("__tape__", ast.Load()), method, ast.Load())
    return ast.Call(holder, [ast.Constant(place), *args], words)


def _marked(node: ast.AST, nodes: dict[int, ast.AST]) -> Any:
    """Number the calls and subscripts of some code, and note the loops around each."""

    def mark(part: ast.AST, names: tuple[str, ...]) -> None:
        if getattr(part, "by_itself", False):  # what is done to one row tells nothing of all
            return
        if isinstance(part, (ast.Call, ast.Subscript)):
            part.place = len(nodes)  # type: ignore[union-attr]
            part.loop_names = names  # type: ignore[union-attr]
            nodes[len(nodes)] = part
        inner = names
        if isinstance(part, (ast.For, ast.AsyncFor)):
            inner += _targets(part.target)
        elif isinstance(part, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            for generator in part.generators:
                inner += _targets(generator.target)
        elif isinstance(part, ast.FunctionDef):
            inner += tuple(argument.arg for argument in part.args.args)
        for child in ast.iter_child_nodes(part):
            mark(child, inner)

    mark(node, ())
    return node


def _targets(target: ast.expr) -> tuple[str, ...]:
    return tuple(part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def restore(state: Any) -> None:
    """Put the shared random generators into a state that was recorded."""
    if state is None:
        return
    random.setstate(state[0])
    if state[1] is not None:
        sys.modules["numpy.random"].set_state(state[1])


def type_name(value: Any) -> str:
    """Return how a signature writes the type of a value."""
    module, name = type(value).__module__, type(value).__name__
    if module == "numpy":
        kinds = {"f": "float", "i": "int", "u": "int", "b": "bool", "U": "str"}
        return "np.ndarray" if name == "ndarray" else kinds.get(value.dtype.kind, "Any")
    if module.split(".")[0] == "pandas" and name in ("DataFrame", "Series", "Index"):
        return f"pd.{name}"
    if value is None:
        return "None"
    if type(value) in (str, int, float, bool):
        return name
    if type(value) in (list, tuple, dict, set):
        return {"list": "list[Any]", "tuple": "tuple[Any, ...]", "set": "set[Any]"}.get(
            name, "dict[Any, Any]"
        )
    return "Any"


def _wants_pair(node: ast.AST) -> bool:
    """Say whether a data set is loaded in two parts, in which it was not when it was recorded."""
    return isinstance(node, ast.Call) and any(word.arg == "return_X_y" for word in node.keywords)


def _is_loader(function: Any, name: str) -> bool:
    return hasattr(function, "__recorded__") and (
        name.startswith(("read_", "load", "fetch_", "make_")) or name == "genfromtxt"
    )


def _is_table(value: Any) -> bool:
    module, name = type(value).__module__, type(value).__name__
    if module == "numpy":
        return name == "ndarray" and value.ndim > 0
    if module.split(".")[0] == "pandas" and name in ("DataFrame", "Series"):
        return True
    return module.startswith("scipy.sparse")


def _shape(value: Any) -> Any:
    return tuple(value.shape) if _is_table(value) else None


def _length(value: Any) -> int:
    return int(value.shape[0]) if getattr(value, "shape", None) else -1


def _sequence(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _rows_of(table: Any) -> set[Any]:
    import pandas

    return set(pandas.util.hash_pandas_object(table, index=False))


def _Shell() -> Any:
    return types.SimpleNamespace(run_line_magic=lambda *a: None, system=lambda *a: None)
