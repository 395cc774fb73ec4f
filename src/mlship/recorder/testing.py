"""The tests of the model's code, as text: the team's own, written once."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .cases import Cases
from .examples import Example, literal
from .handing import FIT_SECONDS
from .learned import to_json
from .log import Log
from .models import Candidate
from .package import PROJECTS
from .proving import Cut

WIDTH = 96
PLAIN = {"str", "int", "float", "bool", "None"}
LOADS = '''
def case(*path: str) -> Any:
    """Return a part of cases.json, made anew."""
    found = CASES
    for name in path:
        found = found[name]
    return from_json(found)
'''
SAME_HEAD = '''
def assert_same(made: Any, expected: Any) -> None:
    """Compare what is held, in its order, and not how it is stored and numbered."""
'''
SAME = {
    "DataFrame": (
        "isinstance(expected, pd.DataFrame)",
        """        made, expected = made.reset_index(drop=True), expected.reset_index(drop=True)
        loose = {"check_dtype": False, "check_column_type": False, "check_categorical": False}
        pd.testing.assert_frame_equal(made, expected, **loose)
""",
    ),
    "Series": (
        "isinstance(expected, pd.Series)",
        """        made, expected = made.reset_index(drop=True), expected.reset_index(drop=True)
        loose = {"check_dtype": False, "check_categorical": False}
        pd.testing.assert_series_equal(made, expected, **loose)
""",
    ),
    "sparse": (
        'hasattr(made, "toarray")',
        """        np.testing.assert_allclose(made.toarray(), expected, atol=1e-12)
""",
    ),
    "ndarray": (
        "isinstance(expected, np.ndarray)",
        """        np.testing.assert_allclose(made, expected, atol=1e-12)
""",
    ),
    "plain": (
        "",
        """        assert made == pytest.approx(expected, nan_ok=True)
""",
    ),
}


def tested(
    cut: Cut, candidate: Candidate, log: Log, code: Mapping[str, str], folder: str, made_up: bool
) -> tuple[dict[str, str], list[str]]:
    """Write the tests of the model's code that was written.

    Args:
        cut: what is served.
        candidate: the notebook's model.
        log: the notebook's run.
        code: the modules by name.
        folder: where to try training.
        made_up: whether no real row may be kept.

    Returns:
        The files of tests/model by name, and what there is to say of them.
    """
    try:
        cases = Cases(cut, log, made_up)
        if candidate.fitted.seconds <= FIT_SECONDS:
            cases.train(code, folder)
        return files(cases), []
    except Exception as error:  # the notebook's own code runs on rows that it has not seen
        return {}, [f"There are no tests of the model's code: {type(error).__name__}: {error}."]


def files(cases: Cases) -> dict[str, str]:
    """Write down the cases, and the tests of them."""
    functions = _functions(cases)
    stages = _stages(cases) if cases.stages else []
    training = _training(cases)
    if not functions and not stages and not training:
        return {}
    held: dict[str, Any] = {}
    if cases.rows is not None:
        held = {"rows": to_json(cases.rows), "requests": to_json(cases.requests)}
        held["stages"] = {
            name: {when: to_json(_dense(made)) for when, made in said.items()}
            for name, said in cases.stages.items()
        }
        if training and cases.loaded is not cases.rows:
            held["loaded"] = to_json(cases.loaded)
    tables = {name: [_said(e) for e in found] for name, found in cases.tables.items() if found}
    if tables:
        held["functions"] = tables
    written: dict[str, str] = {}
    if functions or stages:
        written["test_features.py"] = _module(cases, [*functions, *stages])
    if training:
        written["test_training.py"] = training
    if held:
        written["cases.json"] = _json(held) + "\n"
    return written


def _module(cases: Cases, tests: Sequence[str]) -> str:
    body = "\n\n".join(tests)
    helpers = []
    if "case(" in body or "CASES" in body:
        helpers.append(
            'CASES = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))'
        )
    after = [LOADS] if "case(" in body else []
    if "assert_same(" in body:
        after.append(_comparison(_kinds(cases)))
    whose = "from the notebook's data" + (
        ", with made-up values for what looks personal" if cases.personal else ""
    )
    what = "The rows in cases.json, and the values here," if helpers else "The values here"
    about = textwrap.fill(f"{what} are {'made up' if cases.made_up else whose}.", WIDTH)
    return "\n".join(
        [
            '"""What the functions of the features do, by examples.',
            "",
            about,
            '"""',
            "",
            "import json",
            "import math",
            "from pathlib import Path",
            "from typing import Any",
            "import numpy as np",
            "import pandas as pd",
            "import pytest",
            f"from {PROJECTS} import features",
            f"from {PROJECTS}.learned import Learned, from_json",
            "",
            *helpers,
            "",
            body,
            *after,
            "",
        ]
    )


# The notebook's functions.


def _functions(cases: Cases) -> list[str]:
    tests = []
    for name in cases.functions:
        if cases.plain.get(name):
            tests.append(_plain_test(cases, name, cases.plain[name]))
        elif cases.tables.get(name):
            tests.append(_table_test(cases, name, cases.tables[name]))
    return tests


def _plain_test(cases: Cases, name: str, examples: Sequence[Example]) -> str:
    names = list(examples[0].given)
    examples = [example for example in examples if list(example.given) == names]
    node = _definition(cases, name)
    kinds = {argument.arg: _kind(argument.annotation) for argument in node.args.args}
    returned = _kind(node.returns)
    floats = any("float" in _types(example.expected) for example in examples)
    expected = "pytest.approx(expected, nan_ok=True)" if floats else "expected"
    call = f"features.{name}({_arguments(cases, name, names)})"
    only = {repr(example.expected) for example in examples}
    compared = f"{call} == {expected}"
    if only <= {"None", "True", "False"}:
        compared = f"{call} is expected"
    rows = [
        f"    ({', '.join(str(literal(v)) for v in (*example.given.values(), example.expected))}),"
        for example in examples
    ]
    said = ", ".join(f'"{given}"' for given in (*names, "expected"))
    typed = "".join(f"{given}: {kinds.get(given, 'Any')}, " for given in names)
    return "\n".join(
        [
            f"@pytest.mark.parametrize(({said}), [",
            *rows,
            "])",
            f"def test_{name}_answers_as_in_the_notebook({typed}expected: {returned}) -> None:",
            f"    assert {compared}",
            "",
        ]
    )


def _table_test(cases: Cases, name: str, examples: Sequence[Example]) -> str:
    learns = ", learned=Learned()" if cases.learns(name) else ""
    given = '**{name: from_json(value) for name, value in example["given"].items()}' + learns
    return "\n".join(
        [
            f'@pytest.mark.parametrize("example", CASES["functions"]["{name}"])',
            f"def test_{name}_answers_as_in_the_notebook(example: dict[str, Any]) -> None:",
            f"    made = features.{name}({given})",
            '    assert_same(made, from_json(example["expected"]))',
            "",
        ]
    )


def _definition(cases: Cases, name: str) -> ast.FunctionDef:
    """Return a function as it is in the project."""
    tree = ast.parse(cases.cut.script.features("notebook"))
    return next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)


def _arguments(cases: Cases, name: str, names: Sequence[str]) -> str:
    learns = ["learned=Learned()"] if cases.learns(name) else []
    return ", ".join([*names, *learns])


def _kind(annotation: ast.expr | None) -> str:
    text = ast.unparse(annotation) if annotation is not None else "Any"
    return text if set(text.split(" | ")) <= PLAIN else "Any"


def _types(value: Any) -> set[str]:
    parts = value if isinstance(value, (list, tuple)) else [value]
    return {type(part).__name__ for part in parts}


# The stages.


def _stages(cases: Cases) -> list[str]:
    tests = []
    before = None
    for stage in cases.cut.script.stages:
        rows, requests = 'case("rows")', 'case("requests")'
        if before is not None:
            rows, requests = (f'case("stages", "{before}", "{w}")' for w in ("training", "served"))
        lines = ["    learned = Learned()"] if stage.learns else []
        for given, when, state in (
            (rows, "training", "learned"),
            (requests, "served", "learned.sealed()"),
        ):
            learned = f", {state}" if stage.learns else ""
            lines += [
                f"    made = features.{stage.name}({given}{learned})",
                f'    assert_same(made, case("stages", "{stage.name}", "{when}"))',
            ]
        does = (
            "prepares_requests_by_what_training_rows_taught"
            if stage.learns
            else "does_the_same_in_training_and_in_serving"
        )
        tests.append("\n".join([f"def test_{stage.name}_{does}() -> None:", *lines, ""]))
        before = stage.name
    if before is not None and cases.alone:
        tests.append(_whole_test(before))
    return tests


def _whole_test(last: str) -> str:
    return f'''def test_features_of_a_request_alone_are_those_it_has_among_others() -> None:
    learned = Learned()
    features.features(case("rows"), learned)
    requests, served = case("requests"), case("stages", "{last}", "served")
    for i in range(len(requests)):
        alone = features.features(requests[i : i + 1].reset_index(drop=True), learned.sealed())
        assert_same(alone, served[i : i + 1])
'''


# Training.


def _training(cases: Cases) -> str:
    if not cases.reads:
        return ""
    rows = "rows" if cases.loaded is cases.rows else "loaded"
    options = "".join(f", {name}={value!r}" for name, value in cases.written.items())
    one = ", *_" if cases.more else ""
    head = [
        '"""The team\'s own code: what it loads, and what it makes of a few rows."""',
        "import json",
        "from pathlib import Path",
        "import pytest",
        f"from {PROJECTS}.features import features" if cases.answered else "",
        f"from {PROJECTS}.learned import from_json",
        f"from {PROJECTS}.load import load",
        f"from {PROJECTS}.train import Trained, train" if cases.answered else "",
        "",
        'CASES = json.loads(Path(__file__).with_name("cases.json").read_text(encoding="utf-8"))',
        "",
        '@pytest.fixture(scope="module")',
        "def data(tmp_path_factory: pytest.TempPathFactory) -> Path:",
        f'    """A file of {len(cases.loaded)} rows."""',
        '    path = tmp_path_factory.mktemp("data") / "rows.csv"',
        f'    from_json(CASES["{rows}"]).to_csv(path{options})',
        "    return path",
        "",
        "def test_load_reads_every_row_of_a_file(data: Path) -> None:",
        f"    rows{one} = load(data)",
        f'    assert len(rows) == len(from_json(CASES["{rows}"]))',
        '    assert list(rows.columns) == list(from_json(CASES["rows"]).columns)',
        "",
    ]
    if not cases.answered:
        return "\n".join(head)
    return "\n".join(
        [
            *head,
            '@pytest.fixture(scope="module")',
            "def trained(data: Path) -> Trained:",
            "    return train(data)",
            "",
            "def test_training_gives_a_model_that_answers_each_request(trained: Trained) -> None:",
            f'    requests = from_json(CASES["requests"]){cases.answered[len("requests") :]}',
            "    inputs = features(requests, trained.learned)",
            "    assert len(trained.model.predict(inputs)) == len(requests)",
            "",
            "def test_nothing_is_learned_after_training(trained: Trained) -> None:",
            "    assert not trained.learned.training",
            "",
        ]
    )


# What is kept.


def _said(example: Example) -> dict[str, Any]:
    return {
        "given": {name: to_json(value) for name, value in example.given.items()},
        "expected": to_json(_dense(example.expected)),
    }


def _dense(value: Any) -> Any:
    return value.toarray() if hasattr(value, "toarray") else value


def _kinds(cases: Cases) -> set[str]:
    """Return the kinds of what is compared."""
    made = [part for said in cases.stages.values() for part in said.values()]
    made += [example.expected for found in cases.tables.values() for example in found]
    kinds = {"sparse" if hasattr(part, "toarray") else type(part).__name__ for part in made}
    return {kind if kind in SAME else "plain" for kind in kinds}


def _comparison(kinds: set[str]) -> str:
    """Return the function that compares values of some kinds."""
    found = [SAME[kind] for kind in SAME if kind in kinds]
    if len(found) == 1:
        return SAME_HEAD + textwrap.indent(textwrap.dedent(found[0][1]), "    ")
    text = SAME_HEAD
    for number, (asked, code) in enumerate(found):
        last = number == len(found) - 1
        text += ("    else:\n" if last else f"    {'el' if number else ''}if {asked}:\n") + code
    return text


def _json(value: Any, indent: int = 0) -> str:
    """Write JSON with a column of a table on each line."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    deep = isinstance(value, (dict, list)) and any(isinstance(p, (dict, list)) for p in _in(value))
    if not deep or len(text) + indent <= WIDTH or _is_column(value):
        return text
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(k, ensure_ascii=False)}: {_json(p, indent + 1)}" for k, p in value.items()
        ]
        return "{\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "}"
    parts = [_json(part, indent + 1) for part in value]
    return "[\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "]"


def _in(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _is_column(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= {"series", "index", "array"}
