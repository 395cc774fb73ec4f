"""Which statements only look: they change no object, whatever the tables hold.

Such a statement calls nothing but known methods, of plain tables and values. What it reads need
not be compared before and after it, which is most of what recording costs.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any

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
CHANGING = {"ax", "inplace", "out"}
"""Words that make a method change something."""
PLAIN = (str, int, float, bool, type(None))
NODES = (
    ast.Attribute, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Constant, ast.Dict,
    ast.FormattedValue, ast.IfExp, ast.JoinedStr, ast.List, ast.Name, ast.Slice, ast.Subscript,
    ast.Tuple, ast.UnaryOp, ast.cmpop, ast.boolop, ast.operator, ast.unaryop, ast.expr_context,
    ast.keyword,
)  # fmt: skip
ITEMS = 100
"""Longer lists are not looked through."""


def is_harmless(node: ast.stmt, namespace: Mapping[str, Any]) -> bool:
    """Say whether a statement can change no object; it may bind names."""
    if isinstance(node, ast.Assign):
        names = all(isinstance(target, ast.Name) for target in node.targets)
    else:
        names = True
    if not names or not isinstance(node, (ast.Assign, ast.Expr)):
        return False
    return all(_is_known(part, namespace) for part in ast.walk(node.value))


def _is_known(part: ast.AST, namespace: Mapping[str, Any]) -> bool:
    if isinstance(part, ast.Call):
        if any(word.arg is None or word.arg in CHANGING for word in part.keywords):
            return False
        if isinstance(part.func, ast.Attribute):
            return part.func.attr in METHODS and len(part.args) < 2  # a further one may be ``out``
        return isinstance(part.func, ast.Name) and part.func.id in FUNCTIONS
    if isinstance(part, ast.Name):
        if part.id in FUNCTIONS:
            own = namespace.get(part.id)
            return own is None or own is getattr(builtins, part.id)
        return _is_plain(namespace.get(part.id))
    return isinstance(part, NODES)


def _is_plain(value: Any) -> bool:
    """Say whether a value is a table or a value whose own methods are the known ones."""
    if type(value) in PLAIN:
        return True
    if type(value) in (list, tuple):
        return len(value) <= ITEMS and all(type(part) in PLAIN for part in value)
    return type(value).__module__.split(".")[0] in ("pandas", "numpy")
