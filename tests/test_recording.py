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
)
SETUP = """
import ast, json, numpy as np, pandas as pd
from mlship.recorder import tables
from mlship.recorder.harmless import is_harmless
from mlship.recorder.shelf import Shelf
df = pd.DataFrame({"a": [1.0, 2.0, None], "b": ["x", None, "y"]})
numbers = np.array([3.0, 1.0])
def change(x): df["z"] = 1
class Changing(pd.DataFrame): pass
changing = Changing(df)
held = {"frame": df}
"""


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
    judged = f"[is_harmless(ast.parse(text).body[0], globals()) for text in {[*LOOKS, *CHANGES]}]"
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
