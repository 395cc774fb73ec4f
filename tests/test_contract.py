"""What the contract makes of columns, targets and words; the template's own modules are run."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import MLSHIP, ROOT, notebook_of

from mlship import described, uv
from mlship.recorder import personal, synthetic

TEMPLATE = ROOT / "template" / "src" / "{{ package }}"

CONTRACT = """
import json, sys
import numpy as np, pandas as pd
from contract import instances, predictor, proof, schema, signature
from contract.artifact import ModelError

def inputs(rows, **more):
    found = signature.infer_inputs(rows, **more)
    made = instances.from_rows(rows, found)
    again = instances.to_rows(json.loads(json.dumps(made)), found)
    kind = schema.request_type(found, len(made))
    asked = kind.model_validate({"instances": json.loads(json.dumps(made))})
    assert [i.model_dump(by_alias=True) for i in asked.instances] == made
    if isinstance(rows, pd.DataFrame):
        pd.testing.assert_frame_equal(again, rows.reset_index(drop=True))
    return found["properties"], signature.example(found, made), made

def accepts(properties, instance):
    body = {"instances": [instance]}
    try:
        return bool(schema.request_type({"properties": properties}, 1).model_validate(body))
    except ValueError:
        return False
"""
"""What each script starts with: describe rows, and take them there and back again."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's package under a name that can be imported."""
    folder = tmp_path_factory.mktemp("contract")
    shutil.copytree(TEMPLATE, folder / "contract", ignore=shutil.ignore_patterns("*.jinja"))
    return folder


@pytest.fixture
def say(package: Path, science: Path) -> Any:
    """Run a script on the template's modules and return what it prints as JSON."""

    def run(script: str) -> Any:
        done = subprocess.run(
            [science, "-c", CONTRACT + script],
            cwd=package,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_whole_numbers_with_missing_ones_are_integers(say: Any) -> None:
    properties, example, rows = say("""
frame = pd.DataFrame({"age": [3.0, None, 40.0], "fare": [3.5, None, 4.0], "rooms": [1.0, 2.0, 3.0],
                      "huge": [1e300, None, 1.0]})
print(json.dumps(inputs(frame)))
""")
    assert {name: schema["type"] for name, schema in properties.items()} == {
        "age": ["integer", "null"],
        "fare": ["number", "null"],
        "rooms": "number",
        "huge": ["number", "null"],
    }
    assert properties["age"]["x-dtype"] == "float64"
    assert properties["age"]["x-observed"] == {"missing": 0.3333, "minimum": 3, "maximum": 40}
    assert json.dumps([row["age"] for row in rows]) == "[3, null, 40]"
    assert json.dumps(example["age"]) == "21"


def test_nullable_and_narrow_types_come_back(say: Any) -> None:
    properties, *_ = say("""
frame = pd.DataFrame({
    "count": pd.array([1, None, 3], dtype="Int64"), "flag": pd.array([True, None, False], "boolean"),
    "yes": [True, False, True], "bit": [0, 1, 1], "small": np.array([1, 2, 3], dtype="int8")})
print(json.dumps(inputs(frame)))
""")
    assert {name: schema["type"] for name, schema in properties.items()} == {
        "count": ["integer", "null"],
        "flag": ["boolean", "null"],
        "yes": "boolean",
        "bit": "integer",
        "small": "integer",
    }


def test_days_are_dates_and_moments_are_not(say: Any) -> None:
    properties, example, accepted = say("""
frame = pd.DataFrame({
    "day": pd.to_datetime(["2020-01-31", None, "2021-03-01"]),
    "moment": pd.to_datetime(["2020-01-31 10:00", "2020-01-31 00:00", "2021-03-01 00:00"]),
    "zoned": pd.to_datetime(["2020-01-31", "2020-01-31", "2021-03-01"]).tz_localize("UTC"),
    "text": ["2020-01-31", "2020-02-01", "2021-03-01"]})
found, example, rows = inputs(frame)
days = {"day": found["day"]}
tried = ["2020-02-29", None, "2020-02-30", "2020-01-31T00:00:00", "2020-W05-5", "20200131", "soon"]
print(json.dumps([found, example, [accepts(days, {"day": day}) for day in tried]]))
""")
    assert {name: schema.get("format") for name, schema in properties.items()} == {
        "day": "date",
        "moment": "date-time",
        "zoned": "date-time",
        "text": None,
    }
    assert properties["day"]["x-observed"]["minimum"] == "2020-01-31"
    assert example["day"] == "2021-03-01"
    assert accepted == [True, True, False, False, False, False, False]


COLUMNS = {
    "embarked": (["S", "C", "Q"] * 60, True),
    "house": ([f"{kind} house" for kind in ("town", "farm", "row", "tree")] * 9, True),
    "car name": ([f"brand {i} model" for i in range(90)] * 3, True),
    "year": ([str(2000 + i) for i in range(12)] * 20, True),
    "room number": (["one", "two", "three"] * 9, True),
    "zipcode": ([str(98100 + i) for i in range(70)] * 30, False),
    "area": ([str(98100 + i) for i in range(70)] * 30, False),
    "customer_id": ([f"C{i}" for i in range(60)] * 4, False),
    "pid": ([f"PED{i:03d}" for i in range(129)] * 3, False),
    "Ticket": ([f"PC {i}" for i in range(150)] * 2 + [f"{i}" for i in range(40)], False),
    "Note": ([f"note {i}" for i in range(200)], False),
    "review": (["It was a film of which I shall tell my friends, and theirs, and my mother too, all of it"] * 9, False),
    "when": ([f"2020-01-{1 + i % 28:02d}" for i in range(280)], False),
    "mostly once": ([f"word {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)] + ["word aa"] * 90, False),
}  # fmt: skip


def test_few_texts_are_a_choice_and_names_tickets_and_codes_are_not(say: Any) -> None:
    """The recorder, which makes up rows, must see the same categories as the contract."""
    columns = {name: values for name, (values, _) in COLUMNS.items()}
    found = say(f"""
columns = json.loads({json.dumps(json.dumps(columns))})
print(json.dumps({{n: "enum" in inputs(pd.DataFrame({{n: v}}))[0][n] for n, v in columns.items()}}))
""")
    assert found == {name: expected for name, (_, expected) in COLUMNS.items()}
    assert found == {name: synthetic.is_category(name, v) for name, v in columns.items()}


def test_personal_columns_show_no_value(say: Any) -> None:
    properties, example, rows = say("""
n = 40
frame = pd.DataFrame({
    "mail": ["a@b.org", "c@d.org"] * (n // 2), "phone": [4915112345678 + i for i in range(n)],
    "birth": pd.to_datetime(["1950-05-17", "1977-07-23"] * (n // 2)), "town": ["A", "B"] * (n // 2),
    "PassengerId": range(1001, 1001 + n)})
told = {"mail": "its values look like e-mail addresses", "phone": "by its name", "birth": "by its name"}
print(json.dumps(inputs(frame, personal=told)))
""")
    for name in ("mail", "phone", "birth"):
        assert "enum" not in properties[name]
        assert not {"minimum", "maximum"} & set(properties[name]["x-observed"])
        assert example[name] not in [row[name] for row in rows]
    assert properties["phone"]["x-personal"] == "by its name"
    assert properties["town"]["enum"] == ["A", "B"]
    assert example["birth"] == "1977-01-01"
    assert example["PassengerId"] == 1000, "a number that tells rows apart is only about as large"


def test_the_api_says_which_columns_look_personal(say: Any) -> None:
    published = say("""
column = {"type": "string", "x-personal": "by its name", "x-dtype": "object"}
print(json.dumps(schema.published(column)))
""")
    assert published == {"type": "string", "x-personal": "by its name", "maxLength": 100_000}


def test_no_refusal_repeats_a_value(say: Any) -> None:
    values = ["canary-5f1c", "2020-02-30", "\ud800"]
    said = say(f"""
columns = {{"day": {{"type": "string", "format": "date"}},
           "moment": {{"type": "string", "format": "date-time", "x-dtype": "datetime64[ns]"}},
           "text": {{"type": "string"}}, "kind": {{"type": "string", "enum": ["a", "b"]}},
           "number": {{"type": "number"}}, "count": {{"type": "integer"}}, "member": {{"type": "boolean"}}}}
kind = schema.request_type({{"properties": columns}}, 9)
said = []
for value in json.loads({json.dumps(json.dumps(values))}):
    try:
        kind.model_validate({{"instances": [dict.fromkeys(columns, value)]}})
    except ValueError as error:
        said += [problem["msg"] for problem in error.errors()]
print(json.dumps(said))
""")
    assert len(said) == 6 + 6 + 7, "of these, the first two are texts"
    assert not [(value, what) for value in values for what in said if value in what]


OUTPUTS = """
class Forest:
    _estimator_type = "classifier"
    def __init__(self, classes): self.classes_ = classes
    def predict_proba(self, rows): ...
class Line:
    _estimator_type = "regressor"
def answer(outputs, answers, probabilities=None):
    said = predictor.predictions(answers, probabilities, outputs)
    body = {"predictions": said, "model": {"name": "m", "version": "1"}}
    kind = schema.response_type(outputs)
    assert json.loads(kind.model_validate(body).model_dump_json(by_alias=True)) == body
    return said
"""


def test_codes_are_answered_by_their_names(say: Any) -> None:
    outputs, said, listed = say(
        OUTPUTS
        + """
outputs = signature.infer_outputs(Forest(np.array([0, 1])), np.array([0, 1]), "churn", ["no", "yes"])
kind = json.dumps(schema.response_type(outputs).model_json_schema())
said = answer(outputs, np.array([1, 0]), np.array([[0.25, 0.75], [1.0, 0.0]]))
print(json.dumps([outputs, said, '"enum": ["no", "yes"]' in kind]))
"""
    )
    assert outputs["labels"] == ["no", "yes"]
    assert outputs["x-encoded"] == [0, 1]
    assert said[0] == {"label": "yes", "probabilities": {"no": 0.25, "yes": 0.75}}
    assert listed, "OpenAPI lists the names"


def test_a_code_without_a_name_is_no_answer(say: Any) -> None:
    said = say(
        OUTPUTS
        + """
outputs = signature.infer_outputs(Forest(np.array([0, 1])), np.array([0, 1]), "churn", ["no", "yes"])
try:
    print(json.dumps(predictor.predictions(np.array([2]), None, outputs)))
except ValueError as error:
    print(json.dumps(str(error)))
"""
    )
    assert said == "The model answered 2, which is none of its classes."


def test_several_numbers_are_answered_by_name(say: Any) -> None:
    outputs, said, differences = say(
        OUTPUTS
        + """
answers = np.array([[1.0, 5e-9], [2.0, 1e-9]])
outputs = signature.infer_outputs(Line(), answers, ["load", "odd name (kWh)"])
said = answer(outputs, answers)
other = answer(outputs, np.array([[1.0, 5e-9], [2.0, 2e-9]]))
print(json.dumps([outputs, said, [proof.largest_difference(one, said) > 1e-9 for one in (said, other)]]))
"""
    )
    assert [target["name"] for target in outputs["targets"]] == ["load", "odd name (kWh)"]
    assert said[0] == {"values": {"load": 1.0, "odd name (kWh)": 5e-9}}
    assert differences == [False, True], "each target is compared by its own size"


def test_several_labels_are_answered_by_name(say: Any) -> None:
    outputs, said, differences = say(
        OUTPUTS
        + """
answers = np.array([["a", "x"], ["b", "y"]], dtype=object)
forest = Forest([np.array(["a", "b"]), np.array(["x", "y", "z"])])
outputs = signature.infer_outputs(forest, answers, None)
tables = [np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0, 0.0], [0.25, 0.5, 0.25]])]
said = answer(outputs, answers, tables)
wrong = [{**said[0], "labels": {"y0": "a", "y1": "z"}}, said[1]]
print(json.dumps([outputs, said, [proof.largest_difference(one, said) for one in (said, wrong)]]))
"""
    )
    assert outputs["probabilities"] is True
    assert [target["labels"] for target in outputs["targets"]] == [["a", "b"], ["x", "y", "z"]]
    assert said[1]["labels"] == {"y0": "b", "y1": "y"}
    assert said[1]["probabilities"]["y1"] == {"x": 0.25, "y": 0.5, "z": 0.25}
    assert differences == [0.0, float("inf")]


def test_texts_are_one_column(say: Any) -> None:
    (series, *_), (texts, *_) = say("""
letters = [f"text number {i}" for i in range(9)]
print(json.dumps([inputs(pd.Series(letters, name="message")), inputs(letters, names=["mail"])]))
""")
    assert {name: schema["type"] for name, schema in series.items()} == {"message": "string"}
    assert list(texts) == ["mail"]


NAMES = {
    "Name": True, "first_name": True, "customerName": True, "CustomerName": True, "E-mail": True,
    "ip_address": True, "DateOfBirth": True, "SSN": True, "Zip Code": True, "street": True,
    "car name": False, "company_name": False, "Age": False, "ship": False, "zipper": False,
    "recipe": False, "trip_distance": False, "birth rate": False, "year_of_birth": True,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_of_personal_columns(name: str) -> None:
    assert (list(personal.columns(["x"], [name])) == [name]) is NAMES[name]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["ada@example.org", "bob@example.com", "none"], "e-mail addresses"),
        (["+49 151 1234567", "(030) 1234-567"], "phone numbers"),
        (["555-123-4567", "555-987-6543"], "phone numbers"),
        (["10.0.0.1", "192.168.1.7"], "IP addresses"),
        (["2020-01-31", "2020-02-28"], None),
        (["12345678", "87654321"], None),
        (["1.25", "3.50"], None),
    ],
)
def test_values_of_personal_columns(values: list[str], kind: str | None) -> None:
    expected = {"column": f"its values look like {kind}"} if kind else {}
    assert personal.columns(values, ["column"]) == expected


SYNTHETIC = """
import json, sys; sys.path.insert(0, sys.argv[1])
import numpy as np, pandas as pd
from mlship.recorder import synthetic, tables
n = 300
dice = np.random.default_rng(0)
frame = pd.DataFrame({
    "Name": [f"Person {i}" for i in range(n)], "port": dice.choice(["C", "Q", "S"], n),
    "fare": dice.gamma(2, 20, n).round(2), "age": np.where(dice.random(n) < 0.2, np.nan, dice.integers(1, 80, n)),
    "rooms": dice.integers(1, 5, n), "member": dice.random(n) < 0.5,
    "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(dice.integers(0, 900, n), "D"),
    "kind": pd.Categorical(dice.choice(["a", "b"], n))})
made = synthetic.rows(frame, personal={"Name"})
again = synthetic.rows(frame, personal={"Name"})
pd.testing.assert_frame_equal(made, again)
assert list(made.dtypes) == list(frame.dtypes) and list(made.columns) == list(frame.columns)
real = {name: set(frame[name].dropna()) for name in frame}
joined = pd.concat([frame, made]).drop(columns="Name").duplicated().sum()
array = synthetic.rows(frame[["fare", "rooms"]].to_numpy())
print(json.dumps({
    "rows": len(made), "names": len(real["Name"] & set(made["Name"])), "same": int(joined),
    "ports": sorted(set(made["port"]) - real["port"]), "missing": int(made["age"].isna().sum()),
    "whole": bool((made["age"].dropna() % 1 == 0).all()),
    "fares": bool(made["fare"].between(frame["fare"].min(), frame["fare"].max()).all()),
    "new fares": len(set(made["fare"]) - real["fare"]), "rooms": sorted(set(made["rooms"].tolist()) - real["rooms"]),
    "days": bool((made["day"].dt.normalize() == made["day"]).all()),
    "array": [str(array.dtype), list(array.shape)],
    "texts": len(set(synthetic.rows(frame["Name"].tolist())) & real["Name"]),
}))
"""


def test_made_up_rows_are_like_the_real_ones_and_none_of_them(science: Path) -> None:
    done = subprocess.run(
        [science, "-c", SYNTHETIC, str(ROOT / "src")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("new fares") > 25
    assert 0 < found.pop("missing") < 25
    assert found == {
        "rows": 50, "names": 0, "same": 0, "ports": [], "whole": True, "fares": True, "rooms": [],
        "days": True, "array": ["float64", [50, 2]], "texts": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("real", "form"),
    [
        ([f"{900 + 7 * i} sqft" for i in range(60)], r"\d+ sqft"),
        ([f"{10 + i % 80}" for i in range(80)], r"\d+"),
        ([f"{i % 5 + 1} BHK, {60 + i} m2" for i in range(60)], r"\d+ BHK, \d+ m\d+"),
        ([f"2021-{i % 12 + 1:02}-{i % 28 + 1:02} 10:{i:02}" for i in range(60)], r"2021-[-: 0-9]+"),
    ],
)
def test_made_up_texts_have_the_form_of_real_ones_and_are_none(real: list[str], form: str) -> None:
    made = synthetic.rows(real, ["note"])
    assert all(re.fullmatch(form, text) for text in made)
    assert not set(made) & set(real)


def test_a_made_up_text_keeps_no_word_of_one_row() -> None:
    names = ("Braund", "Cumings", "Heikkinen", "Futrelle", "Allen", "Moran")
    real = [f"{names[i % 6]}{'abcdefghij'[i // 6]}, Mr. {names[i // 6 % 6]}" for i in range(60)]
    words = set(re.findall(r"[A-Z]\w+", " ".join(synthetic.rows(real, ["Name"]))))
    assert "Mr" in words
    assert not words & {name.partition(",")[0] for name in real}


def test_rows_that_are_all_combinations_cannot_be_made_up() -> None:
    with pytest.raises(ValueError, match="each combination"):
        synthetic.rows(["yes", "no"] * 9, ["answer"])


DICTIONARY = """
# The data
- **Age**: age in years
- `Fare` - price of the ticket (in pounds)
- living_area (square feet) -> what can be lived in
- Pclass: ticket class
"""


def test_a_list_that_explains_columns_is_taken() -> None:
    names = ["Age", "Fare", "Pclass", "Living Area", "Cabin"]
    assert described.columns([DICTIONARY], names) == {
        "Age": {"description": "age in years", "unit": "years"},
        "Fare": {"description": "price of the ticket (in pounds)", "unit": "pounds"},
        "Living Area": {"description": "what can be lived in", "unit": "square feet"},
        "Pclass": {"description": "ticket class"},
    }


def test_a_table_that_explains_columns_is_taken() -> None:
    table = (
        "| column | unit | what it is |\n|---|:-:|---|\n| sqft | m2 | **living** area |\n"
        "| bedrooms | | how [many](http://x) |\n| other | | no column |"
    )
    assert described.columns([table], ["sqft", "bedrooms", "price"]) == {
        "sqft": {"description": "living area", "unit": "m2"},
        "bedrooms": {"description": "how many"},
    }


def test_the_description_of_a_data_set_is_taken() -> None:
    text = "    :Attributes:\n        - MedInc        median income in block group\n        - HouseAge      median house age in years\n"
    assert described.columns([text], ["MedInc", "HouseAge"]) == {
        "MedInc": {"description": "median income in block group"},
        "HouseAge": {"description": "median house age in years", "unit": "years"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "- Age: fill with the median\n- Fare: highly skewed, so we take its logarithm",
        "- Age: 177 missing values\n- Cabin: drop it",
        "- Age: the only column that is explained",
        "| Age | Fare |\n|---|---|\n| 22 | 7.25 |\n| 38 | 71.3 |",
        "Age and Fare matter most.\n\nThe **Age** is in years",
        "    Age:    0.1  2.5   1.20   0.76\n    Fare:   1.0  6.9   3.76  1.76",
        "- Age: age in years\n- Fare: fare in pounds\n\nAll are mean centered and scaled.",
    ],
)
def test_notes_are_no_description(text: str) -> None:
    assert described.columns([text], ["Age", "Fare", "Cabin"]) == {}


def test_what_was_prepared_is_not_in_the_unit_that_is_told() -> None:
    found = described.columns([DICTIONARY], ["Age", "Pclass"], prepared=["Age", "Pclass"])
    assert found == {"Pclass": {"description": "ticket class"}}


PEOPLE = """
import numpy as np, pandas as pd
dice, n = np.random.default_rng(0), 300
f = pd.DataFrame({
    "Name": [f"Person {i}" for i in range(n)],
    "Age": np.where(dice.random(n) < 0.15, np.nan, dice.integers(1, 80, n)),
    "Fare": dice.gamma(2, 20, n).round(2), "Port": dice.choice(["C", "Q", "S"], n),
    "Joined": (pd.Timestamp("2019-01-01") + pd.to_timedelta(dice.integers(0, 900, n), "D")).strftime("%Y-%m-%d")})
f["Churn"] = np.where(f.Fare + dice.normal(0, 10, n) > 40, "churned", "stayed")
f["Load"], f["Peak"] = (f.Fare * 2 + dice.normal(0, 1, n)).round(3), (f.Fare * 1e-3).round(6)
f.to_csv("people.csv", index=False)
"""
IMPORTS = """
import numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder
df = pd.read_csv("people.csv", parse_dates=["Joined"])
X = df[["Name", "Age", "Fare", "Port", "Joined"]]
prepare = make_column_transformer(
    (SimpleImputer(), ["Age", "Fare"]),
    (OneHotEncoder(handle_unknown="ignore"), ["Name", "Port", "Joined"]))
"""
CHURN = """
y = LabelEncoder().fit_transform(df["Churn"])
A, B, a, b = train_test_split(X, y, random_state=0)
model = make_pipeline(prepare, RandomForestClassifier(20, random_state=0)).fit(A, a)
model.score(B, b)
"""
LOADS = "model = make_pipeline(prepare, RandomForestRegressor(9)).fit(X, df[['Load', 'Peak']])"
SAID = "# Who leaves?\n\n- **Age**: age in years\n- Fare: what was paid\n- Load: what was drawn, in kWh\n"


def generate(folder: Path, science: Path, cell: str, *options: str) -> tuple[Path, str]:
    """Make a project from a notebook about people; return it with what was said."""
    subprocess.run([science, "-c", PEOPLE], cwd=folder, check=True)
    notebook: dict[str, Any] = notebook_of([IMPORTS, cell])
    notebook["cells"].insert(
        0, {"cell_type": "markdown", "id": "said", "metadata": {}, "source": SAID}
    )
    (folder / "work.ipynb").write_text(json.dumps(notebook))
    command = [
        "new",
        "people",
        "-n",
        "work.ipynb",
        "--python",
        str(science),
        "--defaults",
        *options,
    ]
    done = subprocess.run(
        [*MLSHIP, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "people", done.stderr


@pytest.mark.slow
def test_project_answers_names_and_holds_no_real_row(science: Path, tmp_path: Path) -> None:
    project, said = generate(tmp_path, science, CHURN, "--synthetic-rows")
    assert "These columns look personal: Name (by its name)." in said
    signature = json.loads((project / "model" / "signature.json").read_text())
    assert signature["outputs"]["labels"] == ["churned", "stayed"]
    assert signature["outputs"]["x-encoded"] == [0, 1]
    properties = signature["inputs"]["properties"]
    assert properties["Age"]["type"] == ["integer", "null"]
    assert (properties["Age"]["description"], properties["Age"]["x-unit"]) == (
        "age in years",
        "years",
    )
    assert properties["Joined"]["format"] == "date"
    card = (project / "model" / "MODEL_CARD.md").read_text()
    assert "`churned`, `stayed` (encoded in the notebook as 0, 1)" in card
    assert "look personal: `Name` (by its name)" in card
    kept = (project / "tests" / "parity" / "rows.json").read_text()
    rows = json.loads(kept)
    assert len(rows) == 50
    assert {row["prediction"]["label"] for row in rows} == {"churned", "stayed"}
    assert not {row["instance"]["Name"] for row in rows} & {f"Person {i}" for i in range(300)}
    shown = "test_the_button_shows_what_the_service_answers"
    uv.run(["run", "poe", "check"], cwd=project)
    page = uv.run(["run", "--frozen", "pytest", "-k", shown, "-v"], cwd=project / "ui")
    assert "1 passed" in page


@pytest.mark.slow
def test_labels_stay_where_the_notebook_reads_another_file_too(
    science: Path, tmp_path: Path
) -> None:
    (tmp_path / "others.csv").write_text("Name,Age\nPerson 301,7\n")
    project, _ = generate(tmp_path, science, f"others = pd.read_csv('others.csv')\n{CHURN}")
    data = str((tmp_path / "people.csv").rename(tmp_path / "our people.csv"))
    said = uv.run(["run", "poe", "train", "--data", data], cwd=project)
    assert "on the same data: the same answers as before to 50 rows" in said
    outputs = json.loads((project / "model" / "signature.json").read_text())["outputs"]
    assert (outputs["labels"], outputs["x-encoded"]) == (["churned", "stayed"], [0, 1])


@pytest.mark.slow
def test_labels_stay_where_training_reads_no_file_but_the_notebook_does(
    science: Path, tmp_path: Path
) -> None:
    cell = "from sklearn.datasets import load_iris\niris = load_iris()\n"
    cell += "model = RandomForestClassifier(5, random_state=0).fit(iris.data, iris.target)"
    project, _ = generate(tmp_path, science, cell)
    said = uv.run(["run", "poe", "train"], cwd=project)
    assert "on the same data: the same answers as before to 50 rows" in said


@pytest.mark.slow
def test_columns_keep_their_names_where_the_model_learned_from_an_array(
    science: Path, tmp_path: Path
) -> None:
    cell = "A = df.iloc[:, 2:3].values\nb = df.Load\n"
    cell += "model = RandomForestRegressor(5, random_state=0).fit(A, b)"
    project, _ = generate(tmp_path, science, cell)
    data = str(tmp_path / "people.csv")
    said = uv.run(["run", "poe", "train", "--data", data], cwd=project)
    assert "on the same data: the same answers as before to 50 rows" in said
    signature = json.loads((project / "model" / "signature.json").read_text())
    assert list(signature["inputs"]["properties"]) == ["Fare"]


@pytest.mark.slow
def test_project_of_several_targets_passes_its_own_checks(science: Path, tmp_path: Path) -> None:
    project, _ = generate(tmp_path, science, LOADS)
    outputs = json.loads((project / "model" / "signature.json").read_text())["outputs"]
    assert [(target["name"], target["unit"]) for target in outputs["targets"]] == [
        ("Load", "kWh"),
        ("Peak", None),
    ]
    document = json.loads((project / "model" / "openapi.json").read_text())
    values = document["components"]["schemas"]["Value"]
    assert set(values["properties"]) == {"Load", "Peak"}
    uv.run(["run", "poe", "check"], cwd=project)


WARNING = """
import sys, types, warnings
from pathlib import Path
service = types.ModuleType("service"); service.__path__ = [sys.argv[1]]; sys.modules["service"] = service
model = Path(sys.argv[2]) / "demo_model"; model.mkdir()
(model / "__init__.py").write_text("")
(model / "learned.py").write_text("class Learned:\\n    def __init__(self, known): pass\\n")
(model / "features.py").write_text(
    "import warnings\\ndef features(rows, learned):\\n    warnings.warn('of the notebook', FutureWarning)\\n    return rows\\n")
sys.path.insert(0, sys.argv[2])
import pandas as pd
from service import features
entry = {"module": "demo_model.features", "columns": ["a"], "filled": {}}
prepare = features.of(entry, {}, {})
for _ in range(3):
    with warnings.catch_warnings():  # as pandas does, which makes Python forget what it has said
        pass
    prepare(pd.DataFrame({"a": [1]}))
warnings.warn("of the service", FutureWarning)
"""


def test_what_the_notebook_is_warned_of_does_not_fill_the_log(
    science: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [science, "-c", WARNING, TEMPLATE, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "of the service" in done.stderr
    assert "of the notebook" not in done.stderr
