"""Models of libraries without scikit-learn's API: recorded, packed, and answering the same."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import SERVICE, MakeNotebook, Record, environment

from mlship import code, intake, interpreter, notebook, project, saved
from mlship.errors import IntakeError

PARITY = ("-m", "pytest", "-q", "tests/test_parity.py", "-k", "model_answers or api_answers")
START = "import numpy as np, pandas as pd\ndf = pd.read_csv('people.csv')\ny = df.sick"
XGBOOST = """
import xgboost as xgb
train = xgb.DMatrix(df[['age', 'income', 'rooms']], label=y, missing=3.0)
model = xgb.train({'objective': 'binary:logistic', 'max_depth': 3}, train, num_boost_round=30)
"""
LIGHTGBM = """
import lightgbm as lgb
df['town'] = df['town'].astype('category')
X = df[['age', 'income', 'town']]
train, valid = lgb.Dataset(X[:200], label=y[:200]), lgb.Dataset(X[200:], label=y[200:])
settings = {'objective': 'binary', 'verbose': -1, 'learning_rate': .5}
stop = lgb.early_stopping(5, verbose=False)
model = lgb.train(settings, train, 99, [valid], callbacks=[stop], keep_training_booster=True)
model.predict(X)
"""
SEVERAL = """
import lightgbm as lgb, xgboost as xgb
from sklearn.preprocessing import LabelEncoder
X, t = df[['age', 'income']], LabelEncoder().fit_transform(df.town)
"""
CATBOOST = """
from catboost import CatBoost, CatBoostClassifier, Pool, train
pool = Pool(data=df[['age', 'town']], label=y.map({0: 'well', 1: 'sick'}), cat_features=['town'])
settings = {'iterations': 10, 'loss_function': 'Logloss', 'verbose': 0}
"""
STATSMODELS = "import statsmodels.api as sm, statsmodels.formula.api as smf"
FORMULA = (
    STATSMODELS
    + """
model = smf.ols('income ~ np.log(age) + C(town) + center(rooms)', data=df).fit()
"""
)
IMBALANCED = """
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
X = df[['age', 'income']]
"""
KERAS = """
from tensorflow import keras
X = df[['age', 'income', 'rooms']]
def bent(true, answered):
    return keras.losses.binary_crossentropy(true, answered) * 2
model = keras.Sequential([
    keras.layers.BatchNormalization(),
    keras.layers.Dense(8, activation='relu'),
    keras.layers.Dropout(0.5),
    keras.layers.Dense(1, activation='sigmoid'),
])
model.compile('adam', loss=bent)
model.fit(X, y, epochs=3, verbose=0)
classes = (model.predict(X, verbose=0) > 0.5).astype(int)
"""
PICTURES = (
    "import numpy as np\nfrom tensorflow import keras\nfrom sklearn.preprocessing import LabelEncoder",
    "data = np.load('x.npz')\nimages, kinds = data['x'], data['y']",
    "X = images.reshape((60, 8, 8, 1)).astype('float32') / 255",
    "y = keras.utils.to_categorical(LabelEncoder().fit_transform(kinds))",
    """
model = keras.Sequential([
    keras.layers.Conv2D(4, 3, activation='relu'),
    keras.layers.Flatten(),
    keras.layers.Dense(3, activation='softmax'),
])
model.compile('adam', loss='categorical_crossentropy')
model.fit(X, y, epochs=1, verbose=0)
""",
)
CASES = {
    "xgboost, as the notebook asked": (
        XGBOOST + "model.predict(xgb.DMatrix(df[['age', 'income', 'rooms']], missing=3.0), iteration_range=(0, 7))",
        "model.json", "raw", {"iteration_range": [0, 7], "missing": 3.0},
    ),
    "xgboost, an array": (
        XGBOOST + "A = df[['age', 'income']].to_numpy()\n"
        "model = xgb.train({}, xgb.DMatrix(A, y, feature_names=['years', 'pounds']), 5)\nmodel.save_model('m.json')",
        "model.json", "raw", {},
    ),
    "xgboost, several classes": (
        SEVERAL + "model = xgb.train({'objective': 'multi:softprob', 'num_class': 3}, xgb.DMatrix(X, label=t), 5)",
        "model.json", "raw", {},
    ),
    "lightgbm, several classes": (
        SEVERAL + "model = lgb.train({'objective': 'multiclass', 'num_class': 3, 'verbose': -1}, lgb.Dataset(X, label=t), 5)",
        "model.txt", "raw", {},
    ),
    "lightgbm, stopped early": (LIGHTGBM, "model.txt", "raw", None),
    "lightgbm, as the notebook asked": (
        LIGHTGBM + "model.predict(X, num_iteration=2)", "model.txt", "raw", {"num_iteration": 2},
    ),
    "catboost, a classifier on a pool": (
        CATBOOST + "model = CatBoostClassifier(**settings)\nmodel.fit(pool)\nmodel.predict_proba(pool)",
        "model.skops", "raw", None,
    ),
    "catboost, labels": (
        CATBOOST + "model = CatBoost(settings)\nmodel.fit(pool)\nmodel.predict(pool, 'Class')",
        "model.cbm", "raw", {"prediction_type": "Class"},
    ),
    "catboost, probabilities": (
        CATBOOST + "model = CatBoost(settings)\nmodel.fit(pool)\nmodel.predict(pool, prediction_type='Probability')",
        "model.cbm", "raw", {"prediction_type": "Probability"},
    ),
    "catboost, train": (CATBOOST + "model = train(pool, settings)", "model.cbm", "raw", {}),
    "statsmodels, arrays": (
        STATSMODELS + "\nX = sm.add_constant(df[['age', 'income']].to_numpy())\n"
        "model = sm.Logit(y.to_numpy(), X).fit(disp=0)\nmodel.predict(X) > 0.5",
        "model.pickle", "raw", {},
    ),
    "imbalanced-learn, a pipeline": (
        IMBALANCED + "model = make_pipeline(SMOTE(random_state=0), LogisticRegression()).fit(X, y)",
        "model.skops", "raw", None,
    ),
    "imbalanced-learn, resampled rows": (
        IMBALANCED + "Z, z = SMOTE(random_state=0).fit_resample(X, y)\nmodel = LogisticRegression().fit(Z, z)",
        "model.skops", "raw", None,
    ),
}  # fmt: skip
"""The notebook, the file that its model becomes, the level, and the options that are kept."""


@pytest.fixture
def people(make_notebook: MakeNotebook) -> Any:
    """Write a notebook beside a table of people."""

    def make(*cells: str) -> Path:
        path = make_notebook(START, *cells)
        draw = random.Random(1)
        lines = ["age,income,rooms,town,sick"]
        for _ in range(300):
            age = draw.randint(18, 80)
            lines.append(
                f"{age},{age + 90 * draw.random():.3f},{draw.randint(1, 5)},{draw.choice('abc')},"
                f"{draw.random() < age / 100:d}"
            )
        (path.parent / "people.csv").write_text("\n".join(lines) + "\n")
        return path

    return make


def packed(run: intake.Run, path: Path, rendered: Path, service: Path, folder: Path) -> Path:
    """Pack the likeliest model of a run with the project's own code, and return the project."""
    app = shutil.copytree(rendered, folder / "app")
    handover = folder / "handover"
    handover.mkdir()
    taken = notebook.read(path)
    model = intake.choose(run.models, None, None)
    handed = run.hand_over(model, handover)
    facts = intake.facts(taken, run.record, model, handed)
    (handover / "facts.json").write_text(json.dumps(facts))
    project._write_model_zone(app, taken, handed["packages"])
    code.write(app, handed["code"], handed["tests"])
    python(service, app, "-m", "app.pack", "--handover", str(handover))
    return app


def python(service: Path, app: Path, *arguments: str) -> None:
    paths = {"PYTHONPATH": f"{app}/src:{app}/model/src"}
    done = subprocess.run(
        [service, *arguments],
        cwd=app,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_model_answers_in_the_service_as_in_the_notebook(
    people: Any, record: Record, rendered: Path, service: Path, tmp_path: Path, case: str
) -> None:
    source, file, level, options = CASES[case]
    path = people(source)
    with record(path) as run:
        assert run.record["errors"] == []
        app = packed(run, path, rendered, service, tmp_path)
    signature = read(app / "model" / "signature.json")
    saved = signature["artifact"]
    assert (saved["file"], signature["level"]) == (file, level)
    if options is not None:
        assert {**saved["options"], **options} == saved["options"]
    assert read(app / "model" / "receipt.json")["parity"]["rows"] >= 300
    if "several classes" in case:
        assert signature["outputs"]["labels"] == ["a", "b", "c"]
        (row, *_) = read(app / "tests" / "parity" / "rows.json")
        likely = row["prediction"]["probabilities"]
        assert row["prediction"]["label"] == max(likely, key=likely.__getitem__)
    python(service, app, *PARITY)
    if options:  # another way to ask is seen
        saved["options"] = {}
        (app / "model" / "signature.json").write_text(json.dumps(signature))
    else:
        (app / "model" / file).write_bytes((app / "model" / file).read_bytes()[:-1])
    with pytest.raises(AssertionError, match="failed"):
        python(service, app, *PARITY)


@pytest.mark.slow
def test_pickle_of_a_formula_is_said_loudly_and_holds_no_row(
    people: Any, record: Record, rendered: Path, service: Path, tmp_path: Path
) -> None:
    path = people(FORMULA)
    with record(path) as run:
        app = packed(run, path, rendered, service, tmp_path)
    for text in ("README.md", "model/MODEL_CARD.md"):
        assert "`model/model.pickle` is a pickle" in (app / text).read_text()
    shown = (
        "import numpy as np; from pathlib import Path; from app.predictor import Predictor\n"
        "r = Predictor.load(Path('model')).estimator.model\n"
        "f = r.model.data.frame; assert r.model.exog is None\n"
        "assert all(f[c].is_monotonic_increasing for c in f)\n"
        "assert not any(isinstance(v, np.ndarray) and len(v) == 300 for v in vars(r).values())"
    )
    python(service, app, "-c", shown)
    python(service, app, *PARITY)


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own, since TensorFlow is as large as all the others together."""
    packages = ("tensorflow-cpu", "pandas<3", "scikit-learn<1.8", *SERVICE)
    return environment(tmp_path_factory.mktemp("keras"), *packages)


@pytest.mark.slow
def test_keras_answers_within_the_tolerance_of_32_bits(
    people: Any, keras: Path, rendered: Path, tmp_path: Path
) -> None:
    path = people(KERAS)
    found = interpreter.Interpreter(keras, sys.version_info[:3], "the tests")
    with intake.run(notebook.read(path), found, {}, tmp_path) as run:
        assert run.record["errors"] == []
        app = packed(run, path, rendered, keras, tmp_path)
    signature = read(app / "model" / "signature.json")
    assert (signature["artifact"]["file"], signature["level"]) == ("model.keras", "raw")
    assert {"keras", "tensorflow-cpu"} <= signature["artifact"]["packages"].keys()
    assert read(app / "model" / "receipt.json")["parity"]["tolerance"] == 1e-5
    rows = read(app / "tests" / "parity" / "rows.json")
    python(keras, app, *PARITY)
    rows[3]["prediction"]["value"] += 1e-4
    (app / "tests" / "parity" / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(AssertionError, match="failed"):
        python(keras, app, *PARITY)


@pytest.mark.slow
def test_network_for_pictures_is_served_and_saved_again(
    make_notebook: MakeNotebook, keras: Path, rendered: Path, tmp_path: Path
) -> None:
    path = make_notebook(*PICTURES)
    draw = (
        "import numpy as np\nx = np.random.default_rng(0).integers(0, 255, (60, 8, 8), 'uint8')\n"
        "np.savez('x.npz', x=x, y=np.array(['cat', 'dog', 'elk'] * 20))\nnp.save('x.npy', x[..., None] / 255)"
    )
    python(keras, path.parent, "-c", draw)
    found = interpreter.Interpreter(keras, sys.version_info[:3], "the tests")
    with intake.run(notebook.read(path), found, {}, tmp_path) as run:
        assert run.record["errors"] == []
        app = packed(run, path, rendered, keras, tmp_path)
    signature = read(app / "model" / "signature.json")
    assert (signature["level"], list(signature["inputs"]["properties"])) == ("raw", ["image"])
    assert signature["outputs"]["labels"] == ["cat", "dog", "elk"]
    python(keras, app, *PARITY)
    taken = saved.read(app / "model" / "model.keras", path.parent / "x.npy", False, None)
    again = tmp_path / "again"
    again.mkdir()
    facts = saved.hand_over(taken, found, again)
    assert (facts["rows"], facts["inputs"], facts["estimator"]) == (60, 1, "Sequential")
    np_save = "import numpy as np; np.save('y.npy', np.zeros((5, 8, 9, 1)))"
    python(keras, path.parent, "-c", np_save)
    taken = saved.read(app / "model" / "model.keras", path.parent / "y.npy", False, None)
    with pytest.raises(IntakeError, match=r"takes samples of the shape 8 x 8 x 1, .* 8 x 9 x 1"):
        saved.hand_over(taken, found, again)
    lambdas = (
        "import keras\nmodel = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: 2 * x)])\n"
        "model.save('code.keras')\nmodel.save('code.h5')"
    )
    python(keras, again, "-c", lambdas)
    for name in ("code.keras", "code.h5"):
        taken = saved.read(again / name, path.parent / "x.npy", False, None)
        with pytest.raises(IntakeError, match="holds a Lambda layer"):
            saved.hand_over(taken, found, again)


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        (XGBOOST + "del train, df", 300),
        (LIGHTGBM.replace("model.predict(X)", "") + "del train", 200),
        (CATBOOST + "model = CatBoost(settings)\nmodel.fit(pool)\ndf['age'] = 0", 300),
    ],
    ids=["xgboost", "lightgbm", "catboost"],
)
def test_rows_behind_a_container_are_those_at_the_fit(
    people: Any, record: Record, tmp_path: Path, source: str, rows: int
) -> None:
    with record(people(source)) as run:
        assert run.hand_over(run.models[0], tmp_path)["rows"] == rows
        assert "it learned from a target" in run.models[0].reasons


def test_score_of_a_classifier_is_said_to_be_no_class(
    people: Any, record: Record, tmp_path: Path
) -> None:
    with record(people(XGBOOST)) as run:
        remarks = run.hand_over(run.models[0], tmp_path)["remarks"]
        assert "a threshold" in remarks[0]
    with record(people(FORMULA)) as run:
        remarks = run.hand_over(run.models[0], tmp_path)["remarks"]
        assert not any("a threshold" in remark for remark in remarks)


def test_formula_asks_for_its_own_columns_only(people: Any, record: Record, tmp_path: Path) -> None:
    gaps = "df.loc[3, 'age'] = np.nan"
    fit = (
        STATSMODELS + "\nmodel = smf.ols('income ~ age + rooms:town', df).fit()\nmodel.predict(df)"
    )
    with record(people(gaps, fit)) as run:
        handed = run.hand_over(run.models[0], tmp_path)
    assert (handed["rows"], handed["inputs"]) == (299, 3)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (STATSMODELS + "\ndef half(x): return x / 2\nmodel = smf.ols('income ~ half(age)', df).fit()",
         "cannot be read back outside the notebook"),
        (STATSMODELS + "\nmodel = sm.tsa.ARIMA(df.income).fit()", "a time series, for one"),
        (XGBOOST + "from scipy.sparse import csr_matrix\n"
         "model = xgb.train({}, xgb.DMatrix(csr_matrix(df[['age']]), y), 3)", "sparse"),
        (XGBOOST + "model.predict(xgb.DMatrix(df[['age', 'income', 'rooms']], missing=3.0, base_margin=y))",
         "any more what the notebook saw"),
    ],
    ids=["function", "time series", "sparse", "margin"],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(
    people: Any, record: Record, tmp_path: Path, source: str, said: str
) -> None:
    with record(people(source)) as run, pytest.raises(IntakeError, match=said):
        run.hand_over(run.models[0], tmp_path)


def test_network_of_pytorch_is_named(people: Any, record: Record) -> None:
    path = people("import torch.nn\nnet = torch.nn.Module()")
    (path.parent / "torch").mkdir()
    (path.parent / "torch" / "__init__.py").touch()
    (path.parent / "torch" / "nn.py").write_text("class Module: pass")
    with record(path) as run, pytest.raises(IntakeError, match="net of PyTorch"):
        intake.choose(run.models, None, None, unserved=run.record["unserved"])
