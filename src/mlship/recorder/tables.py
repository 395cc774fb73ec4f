"""Compare tables by content: the same rows, the same columns, whose names.

A table is a pandas frame or series, a numpy array, a list, or ``(names, array)``. pandas and
numpy are imported only when the notebook has.
"""

from __future__ import annotations

import copy
import hashlib
import io
import itertools
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

ROWS_COMPARED = 200_000
"""Arrays with more rows are not compared row by row."""
CELLS_COMPARED = 20_000_000
"""Larger tables are not looked for in each other."""
FEWEST_ROWS = 5
"""Fewer rows prove nothing about which column is which."""
DISTINCT = 0.5
"""The share of a table's rows that must differ from each other to be told apart."""
MOSTLY = 0.5
"""The share of its rows above which a table is said to be mostly another's."""
NUMBERS = "iufb"
"""numpy's kinds of integer, unsigned, float and boolean."""
WRAPPERS = ("NumpyExtensionArray", "PandasArray")
"""What pandas calls an array of numpy's that stands for an array of its own."""


def snapshot(value: Any) -> Any:
    """Copy what the notebook may change later."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    try:
        return value.copy() if hasattr(value, "copy") else copy.copy(value)
    except Exception:  # a foreign object's copy may raise anything
        return value


def digest(value: Any) -> str | None:
    """Return a key of a table's content, or None for what is no table of plain values.

    It holds for this process only.
    """
    content = hashlib.sha256()
    try:
        if hasattr(value, "iloc"):
            wide = hasattr(value, "columns")
            arrays = value._iter_column_arrays() if wide else [value.array]
            _write(value.index if value.index.nlevels > 1 else value.index.array, content.update)
            for array in arrays:
                _write(array, content.update)
            label = repr(list(value.columns) if wide else [value.name])
        elif type(value).__module__ == "numpy":
            if value.dtype.kind == "O" and len(value) > ROWS_COMPARED:
                return None
            _write(value, content.update)
            label = repr(value.shape)
        elif isinstance(value, (list, tuple, dict)):
            if len(value) > ROWS_COMPARED:
                return None
            content.update(pickle.dumps(value, protocol=5))
            label = ""
        else:
            return None
    except Exception:  # unhashable cells raise what they like
        return None
    content.update(f"{type(value).__name__} {label}".encode("utf-8", "replace"))
    return content.hexdigest()


def digest_of_column(array: Any) -> str | None:
    """Return a key of the type and values of a frame's column, or None if they are not plain."""
    written = content_of_column(array)
    return None if written is None else hashlib.sha256(written).hexdigest()


def content_of_column(array: Any) -> bytes | None:
    """Return what that key is made of, as long as the column: to compare soon, and not to keep."""
    written = io.BytesIO()
    try:
        _write(array, written.write)
    except Exception:  # unhashable cells raise what they like
        return None
    return written.getvalue()


def _write(array: Any, write: Callable[[Any], Any]) -> None:
    """Write a column's type and values; of what is no plain number, a hash."""
    values = array.to_numpy() if type(array).__name__ in WRAPPERS else array
    write(_name_of(values.dtype).encode())
    if type(values).__module__ != "numpy":
        import pandas

        if hasattr(values, "nlevels"):
            write(pandas.util.hash_pandas_object(values, index=False).to_numpy())
        else:
            write(pandas.util.hash_array(values))
    elif values.dtype.kind != "O":
        import numpy

        plain = values.dtype.kind in NUMBERS and values.size
        write(numpy.ascontiguousarray(values) if plain else values.tobytes())
    elif values.ndim == 1 and "pandas" in sys.modules:
        import pandas

        if pandas.api.types.infer_dtype(values, skipna=False) != "string":
            missing = pandas.isna(values)
            if pandas.api.types.infer_dtype(values, skipna=True) != "string":
                write(pandas.util.hash_array(values))
                return
            values = values.copy()
            values[missing] = ""
            write(missing.tobytes())
        write(hash(tuple(values)).to_bytes(8, "little", signed=True))
    else:
        write(pickle.dumps(values, protocol=5))


def _name_of(dtype: Any) -> str:
    plain = type(dtype).__module__.startswith("numpy") and dtype.kind in NUMBERS
    return str(dtype.str if plain else dtype)  # numpy takes long to write the name


def same(one: Any, other: Any) -> bool:
    """Say whether two tables hold the same values, types and names."""
    if one is None or type(one) is not type(other):
        return False
    key = digest(one)
    return key is not None and key == digest(other)


def has_column(table: Any, values: Any) -> bool:
    """Say whether the array ``values`` is a column of the array ``table``."""
    if type(table) is not type(values) or type(values).__module__ != "numpy":
        return False
    if table.ndim != 2 or values.ndim != 1 or len(table) != len(values):
        return False
    return any((table[:, i] == values).all() for i in range(table.shape[1]))


def rows(value: Any) -> int:
    """Return the number of samples, 0 for what has none."""
    if isinstance(value, (list, tuple)):
        return len(value)
    shape = getattr(value, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else 0


def width(value: Any) -> int:
    """Return the number of columns."""
    shape = getattr(value, "shape", None)
    return int(shape[1]) if isinstance(shape, tuple) and len(shape) > 1 else 1


def cells(value: Any) -> int:
    """Return the number of values in a table."""
    return rows(value) * width(value)


def is_plain(value: Any) -> bool:
    """Say whether a value is a list, or a table of pandas or numpy of one or two dimensions."""
    known = hasattr(value, "iloc") or type(value).__module__ == "numpy"
    return isinstance(value, (list, tuple)) or (known and getattr(value, "ndim", 0) in (1, 2))


def distinct(column: Any, most: int) -> bool:
    """Say whether a column holds at most ``most`` different values."""
    try:
        return len(set(column.tolist())) <= most
    except TypeError:  # values that cannot be hashed
        return False


def alike(table: Any, samples: Any) -> bool:
    """Say whether ``table`` has the form, columns and types of ``samples``."""
    if type(table) is not type(samples):
        return False
    if hasattr(samples, "columns"):
        return list(table.columns) == list(samples.columns) and _types(table) == _types(samples)
    if isinstance(samples, (list, tuple)):
        return all(isinstance(value, str) for value in table)
    if hasattr(samples, "iloc"):
        return bool(table.name == samples.name and table.dtype == samples.dtype)
    return bool(table.shape[1:] == samples.shape[1:] and table.dtype == samples.dtype)


def named_columns(
    samples: Any, names: Sequence[str] | None = None
) -> Iterator[tuple[str, list[Any]]]:
    """Yield each column's name and its values as plain Python has them."""
    if isinstance(samples, (list, tuple)):
        yield (names or ["text"])[0], list(samples)
    elif hasattr(samples, "columns"):
        for position, name in enumerate(samples.columns):
            yield str(name), samples.iloc[:, position].tolist()
    elif getattr(samples, "ndim", 0) > 2:
        yield (names or ["array"])[0], list(samples)
    elif hasattr(samples, "iloc"):
        yield "text" if samples.name is None else str(samples.name), samples.tolist()
    elif getattr(samples, "ndim", 0) == 1:
        yield (names or ["value"])[0], samples.tolist()
    else:
        for position in range(samples.shape[1]):
            yield names[position] if names else f"x{position}", samples[:, position].tolist()


def rebuilt(samples: Any, columns: Sequence[Sequence[Any]]) -> Any:
    """Return a table of the form of ``samples`` that holds other columns."""
    if isinstance(samples, (list, tuple)):
        return list(columns[0])
    if hasattr(samples, "iloc"):
        import pandas

        wide = hasattr(samples, "columns")
        parts = [samples.iloc[:, i] for i in range(len(columns))] if wide else [samples]
        made = [pandas.Series(c, dtype=part.dtype) for c, part in zip(columns, parts)]
        if not wide:
            return made[0].rename(samples.name)
        frame = pandas.concat(made, axis=1)
        frame.columns = samples.columns
        return frame
    import numpy

    return numpy.array(list(map(list, zip(*columns))), dtype=samples.dtype)


def concatenate(tables: Sequence[Any]) -> Any:
    """Put tables that are alike below each other, numbered from 0."""
    if isinstance(tables[0], (list, tuple)):
        return [row for table in tables for row in table]
    if hasattr(tables[0], "iloc"):
        import pandas

        return pandas.concat(tables, ignore_index=True)
    if hasattr(tables[0], "tocsr"):
        import scipy.sparse

        return scipy.sparse.vstack(tables).tocsr()
    import numpy

    return numpy.concatenate(tables)


def unchanged_part(source: Any, samples: Any) -> bool:
    """Say whether ``samples`` are rows and columns of the frame ``source``, as they were loaded."""
    try:
        columns = list(samples.columns) if hasattr(samples, "columns") else samples.name
        part = source.loc[samples.index, columns]
        return bool(
            part.shape == samples.shape and _types(part) == _types(samples) and part.equals(samples)
        )
    except (KeyError, AttributeError, TypeError, ValueError):
        return False


def share_of(samples: Any, known: Any) -> float | None:
    """Return the share of the rows of ``samples`` that are rows of ``known``.

    Frames whose labels have nothing in common are taken for different rows, whatever they hold.

    Returns:
        From 0 to 1, or None where they cannot be told apart.
    """
    if samples is known:
        return 1.0
    if type(samples) is not type(known) or max(cells(samples), cells(known)) > CELLS_COMPARED:
        return None
    try:
        ours: list[Any]
        theirs: list[Any]
        if hasattr(samples, "iloc"):
            at = samples.index.isin(known.index)
            if not at.any():
                return 0.0
            labelled = _share(_hashes(samples, True), _hashes(known, True))
            if labelled >= MOSTLY:
                return labelled
            ours, theirs = _hashes(samples, False), _hashes(known, False)
        elif isinstance(samples, (list, tuple)):
            ours, theirs = list(map(repr, samples)), list(map(repr, known))
        elif samples.ndim <= 2 and samples.dtype == known.dtype and samples.dtype.kind != "O":
            ours, theirs = ([row.tobytes() for row in table] for table in (samples, known))
        else:
            return None
    except Exception:  # unhashable cells raise what they like
        return None
    share = _share(ours, theirs)
    if share >= MOSTLY and len(set(theirs)) < DISTINCT * len(theirs):
        return None
    return share


def names_in(table: Any, samples: Any) -> list[str] | None:
    """Find the columns of ``table`` that the array ``samples`` consists of, by content alone.

    Returns:
        Their names in the order of ``samples``, or None if any doubt is left: each row of
        ``samples`` must be a row of ``table``, the rows must tell themselves apart, and no two
        columns may be exchanged without that being seen.
    """
    if samples.dtype.kind not in NUMBERS or not FEWEST_ROWS <= len(samples) <= ROWS_COMPARED:
        return None
    names, columns = _columns(table)
    numeric = [i for i, column in enumerate(columns) if column.dtype.kind in NUMBERS]
    whole = samples.shape[1] == len(columns) == len(numeric)
    chosen = numeric if whole else _positions(samples, columns, numeric)
    if chosen is None:
        return None
    there = [columns[i].astype(float) + 0.0 for i in chosen]
    ours = [samples[:, i].astype(float) + 0.0 for i in range(samples.shape[1])]
    known = _row_keys(there)
    if len(known) < DISTINCT * len(there[0]) or not _within(_row_keys(ours), known):
        return None
    if not any(len(set(column.tolist())) > 1 for column in ours):
        return None
    for one, other in itertools.combinations(range(len(ours)), 2):
        if (ours[one] == ours[other]).all():
            continue
        swapped = list(ours)
        swapped[one], swapped[other] = ours[other], ours[one]
        first = _row_keys([column[:1] for column in swapped])
        if _within(first, known) and _within(_row_keys(swapped), known):
            return None  # the two columns could be each other
    return [str(names[i]) for i in chosen]


def texts_of(table: Any, texts: Sequence[str]) -> str | None:
    """Return the name of the one column of the frame ``table`` that holds each of ``texts``."""
    wanted = Counter(texts)
    if len(wanted) < DISTINCT * len(texts):
        return None
    fitting = [
        str(name)
        for name in table.columns
        if getattr(table[name].dtype, "kind", "O") not in NUMBERS
        and _within(wanted, Counter(value for value in table[name] if isinstance(value, str)))
    ]
    return fitting[0] if len(fitting) == 1 else None


def _positions(samples: Any, columns: Sequence[Any], numeric: Iterable[int]) -> list[int] | None:
    values = {i: set(columns[i].astype(float).tolist()) for i in numeric}
    chosen: list[int] = []
    for position in range(samples.shape[1]):
        own = {value for value in samples[:, position].astype(float).tolist() if value == value}
        fitting = [i for i, known in values.items() if own <= known]
        if len(fitting) != 1 or fitting[0] in chosen:
            return None
        chosen.append(fitting[0])
    return chosen


def equal(one: Any, other: Any, tolerance: float = 1e-9) -> bool:
    """Say whether two arrays of answers agree: labels exactly, numbers within ``tolerance``."""
    import numpy

    if isinstance(one, list) and isinstance(other, list) and hasattr(one[0], "shape"):
        return len(one) == len(other) and all(map(equal, one, other))
    one, other = numpy.asarray(one), numpy.asarray(other)
    if one.size != other.size:
        return False
    one, other = one.reshape(other.shape), other
    if one.dtype.kind == "f" and other.dtype.kind in NUMBERS:
        return bool(numpy.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True))
    return bool((one == other).all())


def _hashes(frame: Any, labels: bool) -> list[int]:
    import pandas

    return list(pandas.util.hash_pandas_object(frame, index=labels).tolist())


def _share(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    known = set(theirs)
    return sum(row in known for row in ours) / len(ours) if len(ours) else 0.0


def _columns(table: Any) -> tuple[list[Any], list[Any]]:
    if isinstance(table, tuple):
        names, array = table
        return list(names), [array[:, i] for i in range(array.shape[1])]
    return list(table.columns), [table.iloc[:, i].to_numpy() for i in range(table.shape[1])]


def _row_keys(columns: Sequence[Any]) -> Counter[bytes]:
    import numpy

    table = numpy.ascontiguousarray(numpy.column_stack(columns))
    return Counter(row.tobytes() for row in table)


def _within(ours: Counter[Any], known: Counter[Any]) -> bool:
    """Say whether ``known`` holds everything in ``ours`` at least as often."""
    return all(known[key] >= times for key, times in ours.items())


def _types(table: Any) -> list[Any]:
    return list(table.dtypes) if hasattr(table, "columns") else [table.dtype]
