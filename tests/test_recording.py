"""What recording compares, and what it may leave out."""

import json
import subprocess
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "src"
LOOKS = (
    "df.head()",
    "print(df['a'].mean(), len(df))",
    "part = df[df['a'] > 1]",
    "df.groupby('b')['a'].mean().sort_values(ascending=False)",
    "limit = df['a'].quantile(0.9) * 2",
    "logs = np.log1p(df['a'].clip(lower=0))",
    "dummies = pd.get_dummies(df, columns=['b'])",
    "levels = np.where(df['a'] > 1, 'high', 'low')",
    "print(share(df['a'], limit=2))",
    "column = df['a'].astype(np.float32)",
)
CHANGES = (
    "df['c'] = 1",
    "df.drop(columns=['a'], inplace=True)",
    "df.pop('a')",
    "change(df)",
    "df['a'].apply(change)",
    "df.insert(0, 'c', 1)",
    "held.mean()",
    "numbers.sort()",
    "numbers.round(1, numbers)",
    "[change(df) for _ in range(2)]",
    "print(changing.mean())",
    "del df['a']",
    "df += 1",
    "np.log1p(numbers, numbers)",
    "np.random.shuffle(numbers)",
    "np.random.rand(3)",
    "print(adding(df))",
    "print(through(df))",
    "print(growing(numbers))",
    "print(shadowing(df, change))",
    "read = pd.read_csv('customers.csv')",
    "print(share.__code__.replace())",
)
SETUP = '''
import ast, json, numpy as np, pandas as pd
from mlship.recorder import tables
from mlship.recorder.harmless import is_harmless
from mlship.recorder.shelf import Shelf
df = pd.DataFrame({"a": [1.0, 2.0, None], "b": ["x", None, "y"]})
numbers = np.array([3.0, 1.0])
def change(x): df["z"] = 1
FUNCTIONS = """
def share(column, limit=1):
    "The share above a limit."
    if limit is None:
        return None
    above = column > limit
    return float(above.mean())
def adding(table):
    table["c"] = 1
    return table
def through(table):
    return change(table)
def growing(array):
    array += 1
    return array
def shadowing(table, len):
    return len(table)
"""
exec(FUNCTIONS)
own = {globals()[node.name]: node for node in ast.parse(FUNCTIONS).body}
class Changing(pd.DataFrame): pass
changing = Changing(df)
held = {"frame": df}
'''


def asked(science: Path, expression: str) -> Any:
    """Evaluate an expression after ``SETUP`` where pandas is installed."""
    result = subprocess.run(
        [science, "-c", f"{SETUP}\nprint(json.dumps({expression}))"],
        env={"PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": "random"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not result.returncode, result.stderr
    return json.loads(result.stdout)


def test_only_statements_that_only_look_are_not_compared(science: Path) -> None:
    judged = (
        f"[is_harmless(ast.parse(text).body[0], globals(), own) for text in {[*LOOKS, *CHANGES]}]"
    )
    found = dict(zip([*LOOKS, *CHANGES], asked(science, judged), strict=True))
    assert found == {**dict.fromkeys(LOOKS, True), **dict.fromkeys(CHANGES, False)}


def test_a_redefined_builtin_is_not_taken_for_the_known_one(science: Path) -> None:
    code = "is_harmless(ast.parse('print(df)').body[0], {'print': change, 'df': df})"
    assert asked(science, code) is False


def test_every_change_of_a_table_changes_its_key(science: Path) -> None:
    changed = (
        "df.assign(a=[1.0, 2.0, 3.0])",
        "df.assign(b=['x', 'z', 'y'])",
        "df.assign(b=['x', 'y', None])",
        "df.rename(columns={'a': 'A'})",
        "df[['b', 'a']]",
        "df.iloc[::-1]",
        "df.astype({'a': 'float32'})",
        "df['a']",
        "df.set_index(['a', 'b'])",
        "df.astype({'b': 'category'})",
    )
    keys = asked(science, f"[tables.digest(t) for t in [df, {', '.join(changed)}]]")
    assert None not in keys
    assert len(set(keys)) == len(changed) + 1


def test_the_same_content_has_the_same_key(science: Path) -> None:
    copies = "df.copy(), pd.DataFrame({'a': df['a'].tolist(), 'b': ['X'.lower(), None, 'y']})"
    assert len(set(asked(science, f"[tables.digest(t) for t in [df, {copies}]]"))) == 1


def test_large_tables_share_the_columns_that_they_have_in_common(science: Path) -> None:
    code = """(lambda shelf, large: (lambda one, two: [
        one.equals(large), np.shares_memory(one['x'].to_numpy(), two['x'].to_numpy()),
        np.shares_memory(one['x'].to_numpy(), large['x'].to_numpy()), list(two.columns)
    ])(shelf.keep(large), shelf.keep(large.assign(y=1.0))))(
        Shelf(), pd.DataFrame({'x': np.arange(1_000_000.0)}))"""
    assert asked(science, code) == [True, True, False, ["x", "y"]]


RUN: tuple[tuple[str, set[str]], ...] = (
    ("import numpy as np, pandas as pd", {"np", "pd", "display", "get_ipython"}),
    ("df = pd.DataFrame({'a': [1.0, 2.0], 'b': ['x', 'y']})", {"df"}),
    (
        "same = df; tables = [df]; results = {}; other = df.copy()",
        {"same", "tables", "results", "other"},
    ),
    ("df['c'] = df['a'] * 2", {"df", "same", "tables"}),
    ("df['c'] = df['a'] + df['a']", set()),
    ("df['b'] = df['b'].fillna('z')", set()),
    ("df['a'] = df['a'].astype(int)", {"df", "same", "tables"}),
    ("def twice(column):\n    return column * 2", {"twice"}),
    ("results['mean'] = twice(df['a']).mean()", {"results"}),
    ("results['n'] = 3", {"results"}),
    ("results['n'] = 3", set()),
    ("results['mean'] = df['c'].copy()", {"results"}),
    ("results['mean'][0] = 5", {"results"}),
    ("same['d'] = np.log1p(same['a'])", {"df", "same", "tables"}),
    ("def twice(column):\n    column['a'] = 0\n    return 1", {"twice"}),
    ("other['e'] = twice(df)", {"other", "df", "same", "tables"}),
    ("boxed = [results]", {"boxed"}),
    ("results['n'] = 4", {"results", "boxed"}),
    ("draw = np.random.rand()", {"draw"}),
    ("seen = df.head(1)", {"seen"}),
)


def test_a_run_sees_what_each_statement_changes(science: Path, tmp_path: Path) -> None:
    cells = [[number, source] for number, (source, _) in enumerate(RUN, 1)]
    job = {"cells": cells, "folder": str(tmp_path), "origin": str(tmp_path), "maps": {}}
    code = f"""[(lambda recorder: [recorder.run(), {{
        number: sorted(set().union(*(s.changed for s in recorder.statements if s.cell == number)))
        for number in range(1, {len(RUN)} + 1)
    }}, [s.error for s in recorder.statements if s.error],
    recorder.statements[-1].random[1][2] != recorder.statements[-2].random[1][2]])(
        __import__("mlship.recorder.run", fromlist=["run"]).Recorder(
            {{**{job!r}, "cell_seconds": 60}}, lambda message: None))]"""
    ((_, changed, errors, drawn),) = asked(science, code)
    assert errors == []
    assert {int(k): set(v) for k, v in changed.items()} == {
        number: names for number, (_, names) in enumerate(RUN, 1)
    }
    assert drawn
