"""What k numbers a row mean, and what the classes are called that they are for."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, MakeNotebook, Record

NETWORK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from types import SimpleNamespace as Named
import numpy as np
from mlship.recorder import outputs
from mlship.recorder.models import Refused

ONE_HOT, SHARES = np.eye(3)[[0, 1, 2, 0]], np.full((4, 3), 1 / 3)
NUMBERS, CODES = np.arange(12.0).reshape(4, 3), np.array([0, 1, 2, 0])
MARKS = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]])
Network = type("Model", (), {"__module__": "keras.src.models.model"})

def said(activation, loss, target, answers):
    model = type("Sequential", (Network,), {})()
    model.layers = [Named(), Named(activation=Named(__name__=activation))]
    model.loss = loss
    try:
        return outputs.answered(model, target, answers)
    except Refused as refused:
        return str(refused)
print(json.dumps(said(%s)))
"""
"""A stand-in for a network of Keras, as far as it is looked at."""
REFUSED = "neither its last layer"


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("'softmax', 'categorical_crossentropy', ONE_HOT, SHARES", "probabilities"),
        ("'softmax', 'sparse_categorical_crossentropy', CODES, SHARES", "probabilities"),
        ("'softmax', len, ONE_HOT, SHARES", "probabilities"),
        ("'softmax', None, None, SHARES", "probabilities"),
        ("'linear', Named(name='SparseCategoricalCrossentropy'), None, NUMBERS", "scores"),
        ("'sigmoid', 'categorical_crossentropy', ONE_HOT, NUMBERS", "scores"),
        ("'sigmoid', 'binary_crossentropy', MARKS, SHARES", None),
        ("'sigmoid', None, None, SHARES", None),
        ("'linear', 'mse', NUMBERS, NUMBERS", None),
        ("'linear', len, NUMBERS, NUMBERS", None),
        ("'softmax', 'mse', NUMBERS, SHARES", None),
        ("'linear', len, None, NUMBERS", REFUSED),
        ("'relu', len, NUMBERS, NUMBERS", REFUSED),
        ("'linear', len, ONE_HOT, NUMBERS", REFUSED),
    ],
)
def test_network_is_understood_by_its_loss_its_last_layer_and_its_target(
    science: Path, given: str, answered: str | None
) -> None:
    command = [str(science), "-c", NETWORK % given, str(ROOT / "src")]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert said == answered or (answered == REFUSED and REFUSED in said)


START = """
import numpy as np, pandas as pd, lightgbm as lgb
from sklearn.model_selection import train_test_split
df = pd.read_csv('kinds.csv')
"""
FIT = """
train = lgb.Dataset(X, label=np.asarray(Y).argmax(axis=1))
model = lgb.train({'objective': 'multiclass', 'num_class': 3, 'verbose': -1}, train, 2)
"""
"""LightGBM stands in for what is fitted on numbers of classes, since it is there in any case."""


@pytest.mark.parametrize(
    "encoding",
    [
        "X, Y = df[['size']], pd.get_dummies(df.kind).values",
        "from sklearn.preprocessing import LabelBinarizer\n"
        "X, Y = df[['size']], LabelBinarizer().fit_transform(df.kind)",
        "from sklearn.preprocessing import OneHotEncoder\n"
        "X, Y = df[['size']], OneHotEncoder().fit_transform(df[['kind']]).toarray()",
        "from sklearn.preprocessing import LabelEncoder\n"
        "codes = LabelEncoder().fit_transform(df.kind)\n"
        "X, _, y, _ = train_test_split(df[['size']], codes, random_state=1)\nY = np.eye(3)[y]",
        "X, _, Y, _ = train_test_split(df[['size']], pd.get_dummies(df.kind).values, random_state=1)",
    ],
    ids=["dummies", "binarizer", "one-hot", "split, then one-hot", "one-hot, then split"],
)
def test_classes_are_called_as_the_notebook_encoded_them(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, encoding: str
) -> None:
    path = make_notebook(START, encoding, FIT)
    kinds = ["oak", "ash", "elm", "ash"] * 20
    lines = [f"{(7 * i) % 80 / 8},{kind}" for i, kind in enumerate(kinds)]
    (path.parent / "kinds.csv").write_text("\n".join(["size,kind", *lines]) + "\n")
    with record(path) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert handed["labels"] == ["ash", "elm", "oak"]


CATBOOST = """
import catboost
model = catboost.CatBoost({'loss_function': LOSS, 'iterations': 3, 'verbose': 0,
                           'allow_writing_files': False}).fit(df[['size', 'age']], df[TARGET])
model.predict(df[['size', 'age']]KIND)
"""
MNLOGIT = """
import statsmodels.api as sm
model = sm.MNLogit(CODES, df[['size', 'age']]).fit(disp=0)
model.predict(df[['size', 'age']])
"""
KINDS = ["ash", "elm", "oak"]
NO_PROBABILITY = "The model answers a score for each class, which is no probability"


@pytest.mark.parametrize(
    ("fit", "labels", "remarked"),
    [
        (
            CATBOOST.replace("LOSS", "'MultiClass'")
            .replace("TARGET", "'kind'")
            .replace("KIND", ", prediction_type='Probability'"),
            KINDS,
            False,
        ),
        (
            CATBOOST.replace("LOSS", "'MultiClass'")
            .replace("TARGET", "'kind'")
            .replace("KIND", ""),
            KINDS,
            True,
        ),
        (
            CATBOOST.replace("LOSS", "'MultiRMSE'")
            .replace("TARGET", "['heavy', 'high']")
            .replace("KIND", ""),
            None,
            False,
        ),
        (MNLOGIT.replace("CODES", "df.kind.astype('category').cat.codes"), KINDS, False),
        (
            "from sklearn.preprocessing import LabelEncoder\n"
            + MNLOGIT.replace("CODES", "LabelEncoder().fit_transform(df.kind)"),
            KINDS,
            False,
        ),
    ],
    ids=["CatBoost's probabilities", "its scores", "its values", "MNLogit", "MNLogit, encoded"],
)
def test_numbers_of_classes_are_told_from_values_and_scores_from_probabilities(
    make_notebook: MakeNotebook,
    record: Record,
    tmp_path: Path,
    fit: str,
    labels: list[str] | None,
    remarked: bool,
) -> None:
    path = make_notebook("import pandas as pd\ndf = pd.read_csv('kinds.csv')", fit)
    lines = [
        f"{(7 * i) % 80 / 8},{(11 * i) % 60},{KINDS[i * 5 % 7 % 3]},{i % 9},{i % 7}"
        for i in range(80)
    ]
    (path.parent / "kinds.csv").write_text("\n".join(["size,age,kind,heavy,high", *lines]) + "\n")
    with record(path) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert handed["labels"] == labels
    assert any(NO_PROBABILITY in remark for remark in handed["remarks"]) == remarked
