"""A saved ONNX graph: what its inputs and outputs mean, what is refused, and what is served."""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from mlship import saved
from mlship.errors import IntakeError
from mlship.interpreter import Interpreter

SAVE = """
import json
import numpy as np, pandas as pd, onnx
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import IsolationForest, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

X, y = load_iris(return_X_y=True)
names = load_iris().target_names
table = pd.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
table.assign(species=names[y]).to_csv("iris.csv", index=False)
X = X.astype(np.float32)
expected = {}

def keep(name, graph, answers, probabilities=None):
    with open(name, "wb") as file:
        file.write(graph.SerializeToString())
    expected[name] = [np.asarray(answers).tolist(),
                      None if probabilities is None else np.asarray(probabilities).tolist()]

def exported(model, data=X[:1], **options):
    return to_onnx(model, data, options={id(model): options} if options else None,
                   target_opset={"": 17, "ai.onnx.ml": 3})

pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, names[y])
keep("zipmap.onnx", exported(pipe), pipe.predict(X), pipe.predict_proba(X))
keep("tensor.onnx", exported(pipe, zipmap=False), pipe.predict(X), pipe.predict_proba(X))
forest = RandomForestRegressor(9, random_state=0).fit(X, y)
keep("forest.onnx", exported(forest), forest.predict(X))
svc = LinearSVC().fit(X, y)
keep("svc.onnx", exported(svc), svc.predict(X))
outliers = IsolationForest(n_estimators=5, random_state=0).fit(X)
keep("outliers.onnx", exported(outliers), outliers.predict(X))
two = LinearRegression().fit(X, np.c_[y, y])
keep("two.onnx", exported(two), two.predict(X))

rng = np.random.default_rng(0)
homes = pd.DataFrame({"size": rng.normal(size=200).round(3), "town": rng.choice(["u", "v"], 200),
                      "rooms": rng.integers(1, 6, 200)})
homes.assign(price=1).iloc[:, ::-1].to_csv("homes.csv", index=False)
price = homes["size"] + (homes.town == "u") + homes.rooms
columns = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["size", "rooms"]))
mixed = make_pipeline(columns, LinearRegression()).fit(homes, price)
types = [("size", FloatTensorType([None, 1])), ("town", StringTensorType([None, 1])),
         ("rooms", Int64TensorType([None, 1]))]
graph = to_onnx(mixed, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3})
keep("columns.onnx", graph, mixed.predict(homes))

weights = rng.normal(size=(4, 3)).astype(np.float32)

def network(name, shape, *nodes, kind=TensorProto.FLOAT, dims=(None, 3)):
    graph = helper.make_graph(
        list(nodes), "net", [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, list(dims))],
        [helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    scores = X @ weights
    soft = np.exp(scores - scores.max(1, keepdims=True))
    keep(name, model, scores.argmax(1), soft / soft.sum(1, keepdims=True))

times = helper.make_node("MatMul", ["input", "w"], ["z"])
soft = helper.make_node("Softmax", ["z"], ["output"], axis=1)
network("soft.onnx", ["n", 4], times, soft)
network("scores.onnx", ["n", 4], helper.make_node("MatMul", ["input", "w"], ["output"]))
network("one.onnx", [1, 4], times, soft, dims=(1, 3))
network("image.onnx", ["n", 3, 8, 8], helper.make_node("Identity", ["input"], ["output"]),
        dims=("n", 3, 8, 8))
network("complex.onnx", ["n", 4], helper.make_node("Cast", ["input"], ["output"], to=1),
        kind=TensorProto.FLOAT16, dims=("n", 4))
with open("expected.json", "w") as file:
    json.dump(expected, file)
"""
"""Exports models to ONNX, with what they answer where they were fitted."""


@pytest.fixture(scope="module")
def graphs(science: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with graphs of every kind, and rows for them."""
    folder = tmp_path_factory.mktemp("graphs")
    done = subprocess.run(
        [science, "-c", SAVE], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def handed(graphs: Path, science: Path, folder: Path, model: str, rows: Path, **more: Any) -> Any:
    """Return what is known of a graph, its options, answers and probabilities."""
    taken = saved.read(graphs / model, rows, False, more.get("target"))
    facts = saved.hand_over(taken, Interpreter(science, sys.version_info[:3], "the tests"), folder)
    assert (folder / "model.onnx").read_bytes() == (graphs / model).read_bytes()
    code = (
        "import json, pickle\nh = pickle.load(open('handover.pickle', 'rb'))\n"
        "p = h['probabilities']\n"
        "print(json.dumps([h['options'], h['answers'].tolist(), None if p is None else p.tolist()]))"
    )
    done = subprocess.run(
        [science, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return facts, *json.loads(done.stdout)


SPECIES = ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(
    ("model", "rows", "classes"),
    [
        ("zipmap.onnx", "iris.csv", SPECIES),
        ("tensor.onnx", "iris.csv", SPECIES),
        ("soft.onnx", "iris.csv", [0, 1, 2]),
        ("forest.onnx", "iris.csv", None),
        ("svc.onnx", "iris.csv", None),
        ("outliers.onnx", "iris.csv", None),
        ("columns.onnx", "homes.csv", None),
    ],
)
def test_graph_answers_as_the_model_that_it_was_made_of(
    graphs: Path, science: Path, tmp_path: Path, model: str, rows: str, classes: Any
) -> None:
    target = "species" if rows == "iris.csv" else "price"
    facts, options, answers, probabilities = handed(
        graphs, science, tmp_path, model, graphs / rows, target=target
    )
    expected, table = json.loads((graphs / "expected.json").read_text())[model]
    assert facts["level"] == "raw"
    assert "onnxruntime" in facts["packages"]
    assert "scikit-learn" not in facts["packages"]
    assert options.get("classes") == classes
    if isinstance(expected[0], float):
        assert answers == pytest.approx(expected, rel=1e-5, abs=1e-5)
    else:
        assert answers == expected
    assert (probabilities is None) == (classes is None)
    for row, wanted in zip(probabilities or [], table or [], strict=True):
        assert row == pytest.approx(wanted, abs=1e-5)


def test_scores_that_are_no_probabilities_are_left_out_with_a_note(
    graphs: Path, science: Path, tmp_path: Path
) -> None:
    facts, *_ = handed(graphs, science, tmp_path, "svc.onnx", graphs / "iris.csv", target="species")
    assert (
        "What svc.onnx calls probabilities is no probability: it is not served." in facts["notes"]
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("two.onnx", "answers 2 numbers a row that are no probabilities"),
        ("scores.onnx", "answers 3 numbers a row that are no probabilities .* with a Softmax"),
        ("one.onnx", r"\[1, 4\], a fixed number of rows.* \(dynamic_axes"),
        ("image.onnx", r"takes input: tensor\(float\) \[any, 3, 8, 8\]\. One table is served"),
        ("complex.onnx", r"takes input: tensor\(float16\) .* Tables of numbers and texts"),
    ],
)
def test_graph_that_cannot_be_served_is_refused(
    graphs: Path, science: Path, tmp_path: Path, model: str, said: str
) -> None:
    with pytest.raises(IntakeError, match=said):
        handed(graphs, science, tmp_path, model, graphs / "iris.csv", target="species")


def test_columns_of_probabilities_without_names_need_rows_of_each_class(
    graphs: Path, science: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "some.csv"
    rows.write_text("\n".join((graphs / "iris.csv").read_text().splitlines()[:60]))
    with pytest.raises(IntakeError, match=r"3 probabilities without names, .* with 2 labels"):
        handed(graphs, science, tmp_path, "tensor.onnx", rows, target="species")
    _, options, *_ = handed(graphs, science, tmp_path, "zipmap.onnx", rows, target="species")
    assert options["classes"] == SPECIES


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("size,town\n1,u\n", "lacks 1 of the 3 columns that the model takes: rooms"),
        ("size,town,rooms\n1,u,1.5\n", "whole numbers are taken"),
        ("size,town,rooms\n1,7,1\n", "texts are taken"),
        ("size,town,rooms\nmuch,u,1\n", "refuses the rows: could not convert string to float"),
    ],
)
def test_rows_that_are_not_for_the_graph_are_refused(
    graphs: Path, science: Path, tmp_path: Path, rows: str, said: str
) -> None:
    (tmp_path / "rows.csv").write_text(rows)
    with pytest.raises(IntakeError, match=said):
        handed(graphs, science, tmp_path, "columns.onnx", tmp_path / "rows.csv")


def test_bytes_that_are_no_graph_are_refused(graphs: Path, science: Path, tmp_path: Path) -> None:
    (tmp_path / "half.onnx").write_bytes((graphs / "forest.onnx").read_bytes()[:500])
    taken = saved.read(tmp_path / "half.onnx", graphs / "iris.csv", False, None)
    with pytest.raises(IntakeError, match=r"half\.onnx cannot be loaded as onnx"):
        saved.hand_over(taken, Interpreter(science, sys.version_info[:3], "the tests"), tmp_path)
    (tmp_path / "pickle.onnx").write_bytes(pickle.dumps({}))
    with pytest.raises(IntakeError, match="cannot be loaded as onnx"):
        saved.hand_over(
            saved.read(tmp_path / "pickle.onnx", graphs / "iris.csv", False, None),
            Interpreter(science, sys.version_info[:3], "the tests"),
            tmp_path,
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "rows"), [("tensor.onnx", "iris.csv"), ("columns.onnx", "homes.csv"), ("soft.onnx", "iris.csv")]
)  # fmt: skip
def test_graph_is_packed_and_proven(
    cli: Cli, graphs: Path, science: Path, tmp_path: Path, model: str, rows: str
) -> None:
    target = "species" if rows == "iris.csv" else "price"
    result = cli(
        "new", tmp_path / "made", "--model", graphs / model, "--rows", graphs / rows,
        "--target", target, "--python", science, "--defaults", "--no-install", "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    parity = json.loads(result.stdout)["parity"]
    assert (parity["rows"], parity["tolerance"]) == (150 if rows == "iris.csv" else 200, 1e-5)
    assert parity["rows"] == parity["single_rows"]
    pins = (tmp_path / "made" / "model" / "pyproject.toml").read_text()
    assert "onnxruntime==" in pins
    assert "scikit-learn" not in pins
