"""Which statements only look: they change no object, whatever the tables hold.

Such a statement calls nothing but known methods and functions, of plain tables and values, or
functions of the notebook that do no more. What it reads need not be compared before and after it,
which is most of what recording costs. ``df["x"] = ...`` of such a value changes that column alone.
"""

from __future__ import annotations

import ast
import builtins
import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

METHODS = {
    "abs", "all", "any", "astype", "between", "clip", "copy", "corr", "count", "cumsum", "describe",
    "diff", "drop", "drop_duplicates", "dropna", "dt", "duplicated", "endswith", "fillna", "format",
    "groupby", "head", "idxmax", "idxmin", "info", "isin", "isna", "isnull", "items", "join",
    "keys", "kurt", "len", "lower", "max", "mean", "median", "min", "mode", "nlargest", "notna",
    "notnull", "nsmallest", "nunique", "quantile", "rank", "rename", "reset_index", "round",
    "select_dtypes", "set_index", "shift", "size", "skew", "sort_index", "sort_values", "split",
    "startswith", "std", "strip", "sum", "tail", "title", "to_frame", "tolist", "unique", "upper",
    "value_counts", "values", "var",
}  # fmt: skip
"""Methods of pandas, numpy and texts that leave their object as it is."""
FUNCTIONS = {
    "bool", "float", "int", "len", "list", "print", "range", "round", "sorted", "str", "type",
}  # fmt: skip
"""Builtins that leave what they are given as it is."""
MODULES = {
    "numpy": {
        "abs": 1, "arange": 3, "ceil": 1, "clip": 3, "exp": 1, "expm1": 1, "floor": 1, "isnan": 1,
        "linspace": 3, "log": 1, "log10": 1, "log1p": 1, "log2": 1, "maximum": 2, "mean": 1,
        "median": 1, "minimum": 2, "power": 2, "quantile": 2, "round": 2, "sqrt": 1, "square": 1,
        "std": 1, "sum": 1, "unique": 1, "where": 3,
    },
    "pandas": dict.fromkeys(
        ("DataFrame", "Series", "Timestamp", "concat", "crosstab", "cut", "get_dummies", "isna",
         "isnull", "notna", "notnull", "qcut", "to_datetime", "to_numeric"), 9,
    ),
}  # fmt: skip
"""Functions of the two that leave what they are given as it is, with as many arguments by place:
numpy takes a further one for ``out``."""
CHANGING = {"ax", "inplace", "out"}
"""Words that make a method change something."""
PLAIN = (str, int, float, bool, type(None))
NODES = {
    ast.Attribute, ast.BinOp, ast.BoolOp, ast.Compare, ast.Constant, ast.Dict, ast.FormattedValue,
    ast.IfExp, ast.JoinedStr, ast.List, ast.Slice, ast.Subscript, ast.Tuple, ast.UnaryOp,
    ast.keyword,
}  # fmt: skip
ITEMS = 100
"""Longer lists are not looked through."""
Functions = Mapping[types.FunctionType, ast.FunctionDef]


class Store(NamedTuple):
    """A statement that sets one column of a frame, or one item of a dictionary."""

    name: str
    key: Any


def is_harmless(
    node: ast.stmt, namespace: Mapping[str, Any], functions: Functions | None = None
) -> bool:
    """Say whether a statement can change no object; it may bind names.

    ``functions`` are the notebook's own, with their code.
    """
    if isinstance(node, ast.Assign):
        if not all(isinstance(target, ast.Name) for target in node.targets):
            return False
    elif not isinstance(node, ast.Expr):
        return False
    return _is_known(node.value, namespace, functions)


def stored(
    node: ast.stmt, namespace: Mapping[str, Any], functions: Functions | None = None
) -> Store | None:
    """Return what a statement sets, if it is one column or item and nothing else changes."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return None
    target = node.targets[0]
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
        return None
    key, holder = target.slice, namespace.get(target.value.id)
    if not isinstance(key, ast.Constant) or not _takes(holder, key.value):
        return None
    known = _is_known(node.value, namespace, functions)
    return Store(target.value.id, key.value) if known else None


def _is_known(node: ast.expr, namespace: Mapping[str, Any], functions: Functions | None) -> bool:
    try:
        return _Scope(namespace, functions or {}).knows(node)
    except RecursionError:
        return False


def _takes(holder: Any, key: Any) -> bool:
    """Say whether setting an item of an object is known to change that item alone."""
    if type(holder) is dict:
        return True
    plain = type(holder).__name__ == "DataFrame" and type(holder).__module__ == "pandas.core.frame"
    return plain and isinstance(key, str) and holder.columns.nlevels == 1


class _Scope:
    """Where names are looked up: the notebook's, or those of one of its functions."""

    def __init__(
        self,
        namespace: Mapping[str, Any],
        functions: Functions,
        local: frozenset[str] = frozenset(),
        within: tuple[ast.FunctionDef, ...] = (),
    ) -> None:
        self.namespace = namespace
        self.functions = functions
        self.local = local
        """Names that hold plain values, as only such are bound to them."""
        self.within = within

    def knows(self, node: ast.AST) -> bool:
        """Say whether an expression changes no object, and gives a plain value."""
        if isinstance(node, ast.Constant):
            return True
        if isinstance(node, ast.Name):
            return self._knows_name(node.id)
        if isinstance(node, ast.Call):
            return self._knows_call(node)
        if isinstance(node, ast.Attribute) and self._module(node.value):
            value = getattr(self.namespace[node.value.id], node.attr, print)  # type: ignore[attr-defined]
            return isinstance(value, type) or type(value) in PLAIN
        return type(node) in NODES and all(map(self.knows, _parts(node)))

    def _knows_name(self, name: str) -> bool:
        if name in self.local:
            return True
        if name in FUNCTIONS:
            own = self.namespace.get(name)
            return own is None or own is getattr(builtins, name)
        return _is_plain(self.namespace.get(name))

    def _knows_call(self, node: ast.Call) -> bool:
        if any(word.arg is None or word.arg in CHANGING for word in node.keywords):
            return False
        if not all(map(self.knows, node.args)):
            return False
        if not all(self.knows(word.value) for word in node.keywords):
            return False
        function = node.func
        if isinstance(function, ast.Attribute):
            module = self._module(function.value)
            if module:
                return len(node.args) <= MODULES[module].get(function.attr, -1)
            if function.attr not in METHODS or len(node.args) > 1:  # a further one may be ``out``
                return False
            return self.knows(function.value)
        if not isinstance(function, ast.Name) or function.id in self.local:
            return False
        if function.id in FUNCTIONS:
            return self._knows_name(function.id)
        return self._knows_function(self.namespace.get(function.id))

    def _module(self, node: ast.AST) -> str | None:
        """Return ``numpy`` or ``pandas`` for a name of theirs."""
        if not isinstance(node, ast.Name) or node.id in self.local:
            return None
        value = self.namespace.get(node.id)
        named = value.__name__ if isinstance(value, types.ModuleType) else None
        return named if named in MODULES else None

    def _knows_function(self, function: Any) -> bool:
        """Say whether one of the notebook's functions changes nothing when it is called."""
        node = self.functions.get(function) if isinstance(function, types.FunctionType) else None
        if node is None or node in self.within or node.decorator_list:
            return False
        given = node.args
        defaults = (part for part in (*given.defaults, *given.kw_defaults) if part is not None)
        plain = all(isinstance(part, ast.Constant) for part in defaults)
        if given.vararg or given.kwarg or not plain:
            return False
        inner = _Scope(self.namespace, self.functions, _local(node), (*self.within, node))
        return all(map(inner._does_nothing, node.body))

    def _does_nothing(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Pass):
            return True
        if isinstance(node, ast.If):
            inner = (*node.body, *node.orelse)
            return self.knows(node.test) and all(map(self._does_nothing, inner))
        if isinstance(node, ast.Assign):
            if not all(isinstance(target, ast.Name) for target in node.targets):
                return False
        elif not isinstance(node, (ast.Expr, ast.Return)):
            return False
        return node.value is None or self.knows(node.value)


@functools.lru_cache(maxsize=None)
def _local(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names of a function's arguments, and of what it binds."""
    given = function.args
    arguments = {part.arg for part in (*given.posonlyargs, *given.args, *given.kwonlyargs)}
    parts = (part for part in ast.walk(function) if isinstance(part, ast.Name))
    return frozenset(arguments | {part.id for part in parts if isinstance(part.ctx, ast.Store)})


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the expressions that an expression is made of."""
    for field in node._fields:
        value = getattr(node, field, None)
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, (ast.expr, ast.keyword)):
                yield part


def _is_plain(value: Any) -> bool:
    """Say whether a value is a table or a value whose own methods are the known ones."""
    if type(value) in PLAIN:
        return True
    if type(value) in (list, tuple):
        return len(value) <= ITEMS and all(type(part) in PLAIN for part in value)
    return type(value).__module__.split(".")[0] in ("pandas", "numpy")
