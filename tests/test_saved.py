"""A saved model instead of a notebook: every format, the rows that go with it, what is refused."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from mlship import saved, uv
from mlship.errors import IntakeError, UsageError
from mlship.interpreter import Interpreter, find_for_model

SAVE = """
import json, os, pickle, warnings
import joblib, numpy as np, pandas as pd
warnings.simplefilter("ignore")
import catboost, lightgbm, xgboost
from skops import io
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

X, y = load_iris(return_X_y=True, as_frame=True)
table = X.iloc[:, ::-1].assign(id=range(150), species=y)  # another order, and more columns
table.to_csv("iris.csv", index=False)
X.to_json("iris.json", orient="records")
X.to_json("iris.jsonl", orient="records", lines=True)
np.save("iris.npy", X.to_numpy())
rng = np.random.default_rng(0)
homes = pd.DataFrame({"size": rng.normal(size=200), "town": pd.Categorical(rng.choice(["u", "v", "w"], 200)),
                      "rooms": pd.Categorical(rng.choice([1, 2, 5], 200))})
price = homes["size"] + homes.town.cat.codes + rng.normal(size=200) / 9
homes.assign(price=price).iloc[::-1].to_csv("homes.csv", index=False)  # "w" comes first
texts = pd.DataFrame({"review": ["good day", "bad night", "good", "bad"] * 5, "stars": [1, 0] * 10})
texts.to_csv("texts.csv", index=False)
expected = {}

def keep(name, answers):
    expected[name] = np.asarray(answers).tolist()

pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
io.dump(pipe, "pipe.skops")
joblib.dump(pipe, "pipe.joblib", compress=3)
for suffix in ("pkl", "pickle", "sav"):
    with open(f"pipe.{suffix}", "wb") as file:
        pickle.dump(pipe, file)
    keep(f"pipe.{suffix}", pipe.predict_proba(X))
keep("pipe.skops", pipe.predict_proba(X))
keep("pipe.joblib", pipe.predict_proba(X))
search = GridSearchCV(LogisticRegression(max_iter=900), {"C": [1, 9]}).fit(X, y)
joblib.dump(search, "search.joblib")
keep("search.joblib", search.predict_proba(X))

forest = xgboost.XGBClassifier(n_estimators=4).fit(X, y)
for name in ("boost.json", "boost.ubj"):
    forest.save_model(name)
    keep(name, forest.predict_proba(X))
bare = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, y == 1), 4)
bare.save_model("bare.ubj")
keep("bare.ubj", np.c_[1 - bare.predict(xgboost.DMatrix(X)), bare.predict(xgboost.DMatrix(X))])
margin = xgboost.train({"objective": "binary:logitraw"}, xgboost.DMatrix(X, y == 1), 4)
margin.save_model("margin.ubj")
data = xgboost.DMatrix(X, y == 1)
early = xgboost.train({"objective": "binary:logistic", "eta": 1}, data, 40, [(xgboost.DMatrix(X, rng.permutation(y == 1)), "e")],
                      early_stopping_rounds=9, verbose_eval=False)
early.save_model("early.ubj")
keep("early.ubj", np.c_[1 - early.predict(data), early.predict(data)])
kinds = xgboost.XGBRegressor(n_estimators=4, enable_categorical=True).fit(homes, price)
kinds.save_model("kinds.ubj")
keep("kinds.ubj", kinds.predict(homes.iloc[::-1]))

quiet = {"verbose": -1, "n_estimators": 4}
light = lightgbm.LGBMClassifier(**quiet).fit(X, y)
light.booster_.save_model("light.txt")
keep("light.txt", light.predict_proba(X))
two = lightgbm.LGBMClassifier(**quiet).fit(X, y == 1)
joblib.dump(two.booster_, "two.joblib")
keep("two.joblib", two.predict_proba(X))
kinds = lightgbm.LGBMRegressor(**quiet).fit(homes, price)
kinds.booster_.save_model("lightkinds.txt")
keep("lightkinds.txt", kinds.predict(homes.iloc[::-1]))

cat = catboost.CatBoostClassifier(iterations=4, verbose=0, allow_writing_files=False)
cat.fit(X, np.array(["setosa", "versicolor", "virginica"])[y]).save_model("cat.cbm")
keep("cat.cbm", cat.predict_proba(X))

review = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts.review, texts.stars)
io.dump(review, "review.skops")
keep("review.skops", review.predict_proba(texts.review))
plain = LinearRegression().fit(X.to_numpy(), y)
io.dump(plain, "plain.skops")
keep("plain.skops", plain.predict(X.to_numpy()))

array = lightgbm.LGBMClassifier(**quiet).fit(X.to_numpy(), y)
array.booster_.save_model("array.txt")
keep("array.txt", array.predict_proba(X.to_numpy()))
array = catboost.CatBoostRegressor(iterations=4, verbose=0, allow_writing_files=False)
array.fit(X.to_numpy(), y).save_model("array.cbm")
keep("array.cbm", array.predict(X.to_numpy()))

class Own(LogisticRegression):
    pass

for name, value in {
    "unfitted": LogisticRegression(), "dict": {"model": pipe, "scaler": 1}, "scaler": StandardScaler().fit(X),
    "own": Own().fit(X, y), "outputs": LinearRegression().fit(X, np.c_[y, y]), "text": "a model",
}.items():
    with open(f"{name}.pkl", "wb") as file:
        pickle.dump(value, file)
io.dump(make_pipeline(FunctionTransformer(os.system), LinearRegression()), "evil.skops")
with open("expected.json", "w") as file:
    json.dump(expected, file)
"""
"""Saves a model in each format, the rows for it, and what it answers."""
ANSWERS = """
import json, pickle
with open("handover.pickle", "rb") as file:
    h = pickle.load(file)
wanted = h["answers"] if h["probabilities"] is None else h["probabilities"]
again = getattr(h["estimator"], "predict" if h["probabilities"] is None else "predict_proba")(h["rows"])
names = h["names"] or list(h["rows"].columns)
print(json.dumps([wanted.tolist(), again.tolist(), names, type(h["rows"]).__name__, h["target"]]))
"""
IRIS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]


class Evil:
    """Makes the file that it is told when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


class HandedOver:
    """What the loader wrote."""

    def __init__(self, science: Path, folder: Path, facts: dict[str, Any]) -> None:
        done = subprocess.run(
            [science, "-c", ANSWERS], cwd=folder, capture_output=True, text=True, check=True
        )
        self.facts = facts
        self.answers, self.again, self.names, self.container, self.target = json.loads(done.stdout)


Load = Callable[..., HandedOver]


@pytest.fixture(scope="module")
def models(science: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in every format."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([science, "-c", SAVE], cwd=folder, capture_output=True, text=True, check=True)
    return folder


@pytest.fixture
def load(science: Path, models: Path, tmp_path: Path) -> Load:
    """Load a model in the scientific environment and ask it its rows."""

    def start(
        model: str | Path, rows: str | Path = "iris.csv", target: str | None = None
    ) -> HandedOver:
        taken = saved.read(models / model, models / rows, True, target)
        python = Interpreter(science, sys.version_info[:3], "the tests")
        facts = saved.hand_over(taken, python, tmp_path)
        return HandedOver(science, tmp_path, facts)

    return start


@pytest.mark.parametrize(
    ("model", "rows", "estimator"),
    [
        ("pipe.skops", "iris.csv", "Pipeline"),
        ("pipe.joblib", "iris.csv", "Pipeline"),
        ("pipe.pkl", "iris.csv", "Pipeline"),
        ("pipe.pickle", "iris.csv", "Pipeline"),
        ("pipe.sav", "iris.csv", "Pipeline"),
        ("search.joblib", "iris.csv", "LogisticRegression"),
        ("boost.json", "iris.csv", "XGBClassifier"),
        ("boost.ubj", "iris.csv", "XGBClassifier"),
        ("bare.ubj", "iris.csv", "XGBClassifier"),
        ("early.ubj", "iris.csv", "XGBClassifier"),
        ("kinds.ubj", "homes.csv", "XGBRegressor"),
        ("light.txt", "iris.csv", "LGBMClassifier"),
        ("two.joblib", "iris.csv", "LGBMClassifier"),
        ("lightkinds.txt", "homes.csv", "LGBMRegressor"),
        ("cat.cbm", "iris.csv", "CatBoostClassifier"),
    ],
)
def test_model_of_each_format_answers_as_where_it_was_saved(
    load: Load, models: Path, model: str, rows: str, estimator: str
) -> None:
    handed = load(model, rows)
    expected = json.loads((models / "expected.json").read_text())[model]
    assert handed.facts["estimator"] == estimator
    assert handed.facts["level"] == "raw"
    assert handed.names == (IRIS if rows == "iris.csv" else ["size", "town", "rooms"])
    assert handed.again == handed.answers
    assert flat(handed.answers) == pytest.approx(flat(expected), abs=1e-6)


def flat(answers: list[Any]) -> list[float]:
    """Write a table of probabilities, or a list of values, as one list."""
    return [float(v) for row in answers for v in (row if isinstance(row, list) else [row])]


def test_columns_that_the_model_does_not_take_are_dropped_with_a_note(load: Load) -> None:
    handed = load("pipe.skops", target="species")
    assert "The model does not take these columns of iris.csv: id." in handed.facts["notes"]
    assert handed.target == "species"


@pytest.mark.parametrize("rows", ["iris.json", "iris.jsonl", "iris.npy"])
def test_rows_of_each_kind_of_file_are_the_same(load: Load, models: Path, rows: str) -> None:
    handed = load("pipe.skops", rows)
    assert handed.answers == load("pipe.skops", "iris.csv").answers
    assert handed.names == IRIS


@pytest.mark.parametrize("model", ["plain.skops", "array.txt", "array.cbm"])
def test_model_without_names_takes_the_columns_in_order(
    load: Load, models: Path, tmp_path: Path, model: str
) -> None:
    lines = [line.split(",") for line in (models / "iris.csv").read_text().splitlines()]
    ordered = tmp_path / "ordered.csv"
    ordered.write_text("\n".join(",".join([*line[3::-1], line[5]]) for line in lines))
    with pytest.raises(IntakeError, match=r"takes 4 columns .* ordered\.csv has 5: .*--target"):
        load(model, ordered)
    handed = load(model, ordered, "species")
    assert (handed.names, handed.container) == (IRIS, "ndarray")
    expected = json.loads((models / "expected.json").read_text())[model]
    assert flat(handed.answers) == pytest.approx(flat(expected))


def test_texts_are_handed_over_as_a_list(load: Load) -> None:
    handed = load("review.skops", "texts.csv", "stars")
    assert (handed.names, handed.container) == (["review"], "list")


def test_more_rows_than_are_needed_are_left_out(load: Load, models: Path, tmp_path: Path) -> None:
    head, *lines = (models / "iris.csv").read_text().splitlines()
    (tmp_path / "many.csv").write_text("\n".join([head, *(lines * 700)]))
    handed = load("pipe.skops", tmp_path / "many.csv")
    assert handed.facts["rows"] == 100_000
    assert "Only the first 100000 rows of many.csv are taken." in handed.facts["notes"]


def test_target_with_holes_is_noted(load: Load, tmp_path: Path) -> None:
    (tmp_path / "holes.csv").write_text(f"{','.join(IRIS)},kind\n1,2,3,4,0\n5,6,7,8,\n")
    handed = load("pipe.skops", tmp_path / "holes.csv", "kind")
    assert handed.facts["notes"] == ["holes.csv has no 'kind' in 1 rows; the proof needs none."]


@pytest.mark.parametrize("command", [["new", "x", "--defaults"], ["inspect"]])
def test_pickle_is_never_opened_unasked(
    cli: Cli, models: Path, tmp_path: Path, science: Path, command: list[str]
) -> None:
    canary, model = tmp_path / "canary", tmp_path / "m.pkl"
    model.write_bytes(pickle.dumps(Evil(canary)))
    arguments = ["--model", model, "--rows", models / "iris.csv", "--python", science]
    result = cli(*command, *arguments)
    assert result.returncode == 5, result.stderr
    assert "add --allow-pickle" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not canary.exists()
    cli("inspect", *arguments, "--allow-pickle")
    assert canary.exists(), "the trap would have caught it"


@pytest.mark.parametrize(
    "name", ["m.joblib", "m.sav", "m.pkl.gz", "m.bin", "m.json", "m.txt", "m.cbm", "m.skops"]
)
def test_pickle_is_known_by_its_bytes(models: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Evil(tmp_path / "canary")))
    with pytest.raises(IntakeError, match="add --allow-pickle"):
        saved.read(tmp_path / name, models / "iris.csv", False, None)
    (tmp_path / "MLmodel").write_text(f"flavors: {{sklearn: {{pickled_model: {name}}}}}")
    with pytest.raises(IntakeError, match="add --allow-pickle"):
        saved.read(tmp_path, models / "iris.csv", False, None)
    assert not (tmp_path / "canary").exists()


def test_pickle_in_the_rows_is_never_opened(load: Load, tmp_path: Path, science: Path) -> None:
    canary = tmp_path / "canary"
    code = (
        "import numpy, os, sys\nclass Evil:\n    def __reduce__(self): return os.mkdir, (sys.argv[1],)\n"
        "numpy.save(sys.argv[2], numpy.array([[Evil()]], dtype=object), allow_pickle=True)"
    )
    rows = tmp_path / "rows.npy"
    subprocess.run([science, "-c", code, str(canary), str(rows)], check=True)
    with pytest.raises(IntakeError, match="cannot be read as npy"):
        load("pipe.skops", rows)
    assert not canary.exists()


def test_skops_file_that_names_a_function_is_refused_unless_trusted(
    models: Path, science: Path, tmp_path: Path
) -> None:
    taken = saved.read(models / "evil.skops", models / "iris.csv", False, None)
    with pytest.raises(IntakeError, match=r"names posix\.system, which could run code"):
        saved.hand_over(taken, Interpreter(science, sys.version_info[:3], "the tests"), tmp_path)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("unfitted.pkl", "LogisticRegression in the file is not fitted"),
        ("dict.pkl", r"holds a dict \(model, scaler\), no model"),
        ("scaler.pkl", "holds a StandardScaler, which does not predict"),
        ("text.pkl", "holds a str, which does not predict"),
        ("own.pkl", "made of Own, which only the notebook or script that saved it has"),
        ("margin.ubj", "learned binary:logitraw, whose answer is no probability"),
    ],
)
def test_model_that_cannot_be_served_is_refused(load: Load, model: str, said: str) -> None:
    with pytest.raises(IntakeError, match=said):
        load(model)


def test_bytes_that_are_no_model_are_refused(load: Load, models: Path, tmp_path: Path) -> None:
    for name in ("pipe.pkl", "pipe.skops", "boost.ubj", "boost.json", "light.txt", "cat.cbm"):
        whole = (models / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(IntakeError, match=f"{name} (cannot be loaded|is truncated)"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.pkl", None, "does not exist"),
        ("m.pkl", b"", "is empty"),
        ("m.skops", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("m.keras", b"PK\x03\x04", "truncated or damaged"),
        ("m.pt", b"\x00", "is a PyTorch model"),
        ("m.bin", b"binf", "no model that mlship knows"),
    ],
)
def test_file_of_another_kind_is_refused(
    models: Path, tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(IntakeError, match=said):
        saved.read(tmp_path / name, models / "iris.csv", True, None)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,b\n1,2\n", "lacks 4 of the 4 columns that the model takes: sepal length"),
        (f"{','.join(IRIS)}\n", "holds no rows"),
        (f"{','.join(IRIS)}\n1,2,,4\n", r"refuses the rows .* some rows: petal length \(cm\)\)"),
        (f"{','.join(IRIS)}\n1,2,long,4\n", "refuses the rows of rows.csv: ValueError"),
        (f"{','.join(IRIS[:3])},petal width cm\n1,2,3,4\n", r"Did you mean 'petal width cm'\?"),
    ],
)
def test_rows_that_are_not_for_the_model_are_refused(
    load: Load, tmp_path: Path, rows: str, said: str
) -> None:
    (tmp_path / "rows.csv").write_text(rows)
    with pytest.raises(IntakeError, match=said):
        load("pipe.skops", tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.csv", None, "does not exist"),
        ("rows.csv", "", "is empty"),
        ("rows.txt", "a", "is none of .csv"),
        ("rows.csv", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_file_that_holds_no_rows_is_refused(
    models: Path, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(IntakeError, match=said):
        saved.read(models / "pipe.skops", tmp_path / name, False, None)


def test_category_that_the_model_does_not_know_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text("size,town,rooms\n1,u,1\n2,z,2\n")
    for model in ("kinds.ubj", "lightkinds.txt"):
        with pytest.raises(IntakeError, match=r"'town' of homes\.csv holds z, .* only u, v, w"):
            load(model, tmp_path / "homes.csv")


def test_target_that_is_no_column_is_refused(load: Load) -> None:
    with pytest.raises(IntakeError, match=r"no column 'specie'.* Did you mean 'species'\?"):
        load("pipe.skops", target="specie")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "m.skops"],
        ["--rows", "r.csv"],
        ["--allow-pickle"],
        ["--model", "m.skops", "--rows", "r.csv", "--estimator", "forest"],
    ],
)
def test_options_that_do_not_go_together_are_2(
    cli: Cli, models: Path, arguments: list[str]
) -> None:
    arguments = [str(models / "pipe.skops") if a == "m.skops" else a for a in arguments]
    for command in (["new", "x", "--defaults"], ["inspect"]):
        result = cli(*command, *arguments)
        assert result.returncode == 2, result.stderr
        assert "model" in result.stderr
    assert cli("new", "--model", "m.skops", "--notebook", "n.ipynb").returncode == 2


def mlflow_folder(models: Path, folder: Path, flavour: str, file: str, **known: str) -> Path:
    """Write an MLflow model's folder as MLflow 3 does."""
    folder.mkdir()
    (folder / Path(file).name).write_bytes((models / file).read_bytes())
    rows = json.loads((models / "iris.json").read_text())[:7]
    example = {"columns": IRIS, "data": [[row[name] for name in IRIS] for row in rows]}
    (folder / "input_example.json").write_text(json.dumps(example))
    inputs = [{"type": "double", "name": name, "required": True} for name in IRIS]
    content = {
        "flavors": {
            "python_function": {"loader_module": f"mlflow.{flavour}", "python_version": "3.11.7"},
            flavour: known,
        },
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": "dataframe"},
        "signature": {"inputs": json.dumps(inputs)},
    }
    (folder / "MLmodel").write_text(json.dumps(content))  # JSON is YAML
    return folder


@pytest.mark.parametrize(
    ("flavour", "key", "file"),
    [
        ("sklearn", "pickled_model", "pipe.pkl"),
        ("sklearn", "pickled_model", "pipe.skops"),
        ("xgboost", "data", "boost.ubj"),
        ("lightgbm", "data", "light.txt"),
        ("catboost", "data", "cat.cbm"),
    ],
)
def test_mlflow_folder_brings_its_own_rows(
    load: Load, models: Path, tmp_path: Path, science: Path, flavour: str, key: str, file: str
) -> None:
    folder = mlflow_folder(models, tmp_path / "mlflow", flavour, file, **{key: file})
    taken = saved.read(folder, None, True, None)
    python = Interpreter(science, sys.version_info[:3], "the tests")
    handed = HandedOver(science, tmp_path, saved.hand_over(taken, python, tmp_path))
    assert (handed.facts["rows"], handed.names) == (7, IRIS)
    assert taken.name == f"mlflow/{file}"
    expected = json.loads((models / "expected.json").read_text())[file][:7]
    assert flat(handed.answers) == pytest.approx(flat(expected), abs=1e-6)


def test_mlflow_signature_names_the_columns_of_a_model_that_does_not(
    models: Path, tmp_path: Path, science: Path
) -> None:
    folder = mlflow_folder(
        models, tmp_path / "m", "sklearn", "plain.skops", pickled_model="plain.skops"
    )
    taken = saved.read(folder, models / "iris.csv", False, None)
    python = Interpreter(science, sys.version_info[:3], "the tests")
    handed = HandedOver(science, tmp_path, saved.hand_over(taken, python, tmp_path))
    assert (handed.names, handed.container) == (IRIS, "ndarray")
    expected = json.loads((models / "expected.json").read_text())["plain.skops"]
    assert handed.answers == pytest.approx(expected)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "without an MLmodel file"),
        ("- a", "cannot be read"),
        ("flavors: {python_function: {}}", "flavours python_function; mlship serves sklearn"),
        ("flavors: {xgboost: {data: ../../m.ubj}}", "which is not in its folder"),
    ],
)
def test_folder_that_is_no_mlflow_model_is_refused(
    tmp_path: Path, content: str | None, said: str
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    if content:
        (folder / "MLmodel").write_text(content)
    with pytest.raises(IntakeError, match=said):
        saved.read(folder, None, True, None)


def test_mlflow_folder_without_an_example_needs_rows(models: Path, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: pipe.skops}}")
    (tmp_path / "pipe.skops").write_bytes((models / "pipe.skops").read_bytes())
    with pytest.raises(UsageError, match="--model needs --rows FILE"):
        saved.read(tmp_path, None, True, None)


OTHER = "1.5.2"
"""A version of scikit-learn that the scientific environment does not have."""


@pytest.mark.parametrize("name", ["pipe.skops", "pipe.pkl", "pipe.joblib"])
def test_version_is_read_from_the_file_without_opening_it(
    models: Path, science: Path, name: str
) -> None:
    code = "import sklearn; print(sklearn.__version__)"
    version = subprocess.run([science, "-c", code], capture_output=True, text=True, check=True)
    taken = saved.read(models / name, models / "iris.csv", True, None)
    assert taken.versions["scikit-learn"] == version.stdout.strip()
    assert "sklearn" in taken.modules


@pytest.mark.slow
def test_other_version_of_scikit_learn_is_built_and_never_mixed(
    models: Path, science: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (models / "pipe.pkl").read_bytes()
    version = saved.read(models / "pipe.pkl", models / "iris.csv", True, None).versions
    old = tmp_path / "old.pkl"
    old.write_bytes(content.replace(version["scikit-learn"].encode(), OTHER.encode()))
    taken = saved.read(old, models / "iris.csv", True, None)
    with pytest.raises(IntakeError, match=rf"saved with scikit-learn {OTHER}, .* Leave out --pyth"):
        find_for_model(taken, science, tmp_path)
    python = Interpreter(science, sys.version_info[:3], "the tests")
    with pytest.raises(IntakeError, match=f"saved with scikit-learn {OTHER}"):
        saved.hand_over(taken, python, tmp_path)
    monkeypatch.setenv("VIRTUAL_ENV", str(science.parent.parent))
    built = find_for_model(taken, None, tmp_path)
    assert f"with scikit-learn {OTHER}, as it was saved" in built.found
    handover = tmp_path / "handover"  # apart from the environment, as in the commands
    handover.mkdir()
    facts = saved.hand_over(taken, built, handover)
    assert facts["packages"]["scikit-learn"] == OTHER


def test_version_that_cannot_be_had_is_refused(models: Path, tmp_path: Path) -> None:
    content = (models / "pipe.pkl").read_bytes()
    version = saved.read(models / "pipe.pkl", models / "iris.csv", True, None).versions
    old = tmp_path / "old.pkl"
    old.write_bytes(content.replace(version["scikit-learn"].encode(), b"0.0.1"))
    taken = saved.read(old, models / "iris.csv", True, None)
    with pytest.raises(IntakeError, match=r"No environment could be made .* scikit-learn 0\.0\.1"):
        find_for_model(taken, None, tmp_path)


def test_inspect_describes_a_saved_model(cli: Cli, models: Path, science: Path) -> None:
    arguments = [
        "--model",
        models / "light.txt",
        "--rows",
        models / "iris.csv",
        "--python",
        science,
    ]
    shown = cli("inspect", *arguments)
    assert shown.returncode == 0, shown.stderr
    assert "rows      150 x 4 inputs" in shown.stdout
    result = json.loads(cli("inspect", *arguments, "--json").stdout)
    assert (result["model"]["format"], result["chosen"]) == ("lightgbm", "LGBMClassifier")


@pytest.mark.slow
def test_project_of_a_saved_model_passes_its_own_tests(
    cli: Cli, models: Path, tmp_path: Path
) -> None:
    """The Python is built from what the file says of itself."""
    result = cli(
        "new", tmp_path / "iris", "--model", models / "pipe.skops", "--rows", models / "iris.csv",
        "--target", "species", "--defaults", "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["level"] == "raw"
    project = tmp_path / "iris"
    assert json.loads((project / "model/receipt.json").read_text())["parity"]["reference"] == (
        "saved model"
    )
    provenance = json.loads((project / "model/signature.json").read_text())["provenance"]
    assert (provenance["model_file"], "cell" in provenance) == ("pipe.skops", False)
    for page in ("README.md", "model/MODEL_CARD.md"):
        text = (project / page).read_text()
        assert "150 one at a time are answered as the saved model did" in text
        assert "notebook" not in text
        assert "training saw" not in text
    assert not (project / "notebooks").exists()
    uv.run(["run", "poe", "check"], cwd=project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "rows"), [("lightkinds.txt", "homes.csv"), ("kinds.ubj", "homes.csv"), ("cat.cbm", "iris.csv")]
)  # fmt: skip
def test_boosters_are_packed_and_proven(
    cli: Cli, models: Path, science: Path, tmp_path: Path, model: str, rows: str
) -> None:
    arguments = [
        "--rows",
        models / rows,
        "--python",
        science,
        "--defaults",
        "--no-install",
        "--json",
    ]
    result = cli("new", tmp_path / "made", "--model", models / model, *arguments)
    assert result.returncode == 0, result.stderr
    parity = json.loads(result.stdout)["parity"]
    assert parity["rows"] == parity["single_rows"] > 100
