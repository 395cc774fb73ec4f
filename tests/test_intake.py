"""Taking a notebook in: which model it means, on which rows, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, MakeNotebook, Record

from mlship import intake, interpreter, notebook, uv
from mlship.errors import IntakeError, UsageError

IMPORTS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import GridSearchCV, train_test_split
"""
IRIS = "iris = load_iris(as_frame=True); X, y = iris.data, iris.target"
FIT = "model = LogisticRegression(max_iter=500).fit(X, y)"


def take(record: Record, path: Path, tmp_path: Path, wanted: str | None = None) -> dict[str, Any]:
    """Run a notebook and have its model handed over; say what pack would be told."""
    folder = tmp_path / "handover"
    folder.mkdir(exist_ok=True)
    with record(path) as run:
        model = intake.choose(run.models, wanted, None)
        return {"model": model, **run.hand_over(model, folder)}


def handed(science: Path, tmp_path: Path, expression: str) -> Any:
    """Evaluate an expression over the handover ``h`` where its libraries are installed."""
    code = f"import json, pickle; h = pickle.load(open('handover.pickle', 'rb')); print(json.dumps({expression}))"
    result = subprocess.run(
        [science, "-c", code], cwd=tmp_path / "handover", capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


def test_rows_as_loaded_are_raw(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    split = "X_train, X_test, y_train, y_test = train_test_split(X, y)"
    fit = (
        "model = LogisticRegression(max_iter=500).fit(X_train, y_train); p = model.predict(X_test)"
    )
    found = take(record, make_notebook(IMPORTS, IRIS, split, fit), tmp_path)
    assert found["level"] == "raw"
    assert found["rows"] == 150  # those it was fitted on and those it was asked for
    assert handed(science, tmp_path, "list(h['rows'].columns)[0]") == "sepal length (cm)"
    assert handed(science, tmp_path, "h['target']") == "target"


def test_rows_are_taken_from_before_they_are_prepared(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    facts = take(record, make_notebook(IMPORTS, IRIS, "X = X * 2", FIT), tmp_path)
    assert facts["level"] == "raw"
    assert "X = X * 2" in facts["code"]["features.py"]


def test_rows_changed_after_fitting_are_those_that_were_fitted(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    changed = "X.iloc[:, 0] = -1.0"
    take(record, make_notebook(IMPORTS, IRIS, FIT, changed), tmp_path)
    assert handed(science, tmp_path, "h['rows'].iloc[:, 0].min()") > 4


def test_csv_from_another_machine_is_found(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(
        IMPORTS, "df = pd.read_csv('C:\\\\Users\\\\me\\\\data.csv')",
        "model = LinearRegression().fit(df[['a']], df.b)",
    )  # fmt: skip
    (path.parent / "data").mkdir()
    (path.parent / "data" / "data.csv").write_text("a,b\n1,2\n2,4\n3,6\n")
    with record(path) as run:
        assert run.record["errors"] == []
        assert [file["name"] for file in run.record["files"]] == ["data.csv"]
        assert "data/data.csv" in run.record["notes"][0]["text"]


def test_csv_whose_name_is_spelled_otherwise_is_trained_on_again(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(
        IMPORTS, "df = pd.read_csv('data.CSV')",
        "model = LinearRegression().fit(df[['a']] * 2, df.b)",
    )  # fmt: skip
    (path.parent / "Data.csv").write_text("a,b\n1,2\n2,4\n3,6\n")
    assert "Training again gives the same model" in str(take(record, path, tmp_path))


def test_two_files_of_the_name_need_map(
    make_notebook: MakeNotebook, cli: Cli, science: Path, tmp_path: Path
) -> None:
    path = make_notebook(
        IMPORTS, "df = pd.read_csv('/content/data.csv')",
        "model = LinearRegression().fit(df[['a']], df.b)",
    )  # fmt: skip
    for name in ("one", "two"):
        (path.parent / name).mkdir()
        (path.parent / name / "data.csv").write_text("a,b\n1,2\n2,4\n3,6\n")
    refused = cli("inspect", path, "--python", science)
    assert refused.returncode == 5
    assert "--map data.csv=PATH" in refused.stdout + refused.stderr
    mapped = path.parent / "two" / "data.csv"
    taken = cli("inspect", path, "--python", science, "--map", f"data.csv={mapped}", "--json")
    assert taken.returncode == 0
    assert json.loads(taken.stdout)["handover"]["level"] == "raw"


def test_notebook_cannot_destroy_its_own_data(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, "df = pd.read_csv('d.csv'); open('d.csv', 'w').close()")
    (path.parent / "d.csv").write_text("a,b\n1,2\n")
    with record(path):
        pass
    assert (path.parent / "d.csv").read_text() == "a,b\n1,2\n"


def test_search_serves_its_best_estimator(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    search = """
search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {'logisticregression__C': [1, 9]})
search.fit(X, y)
best = search.best_estimator_
best.predict(X)
"""
    found = take(record, make_notebook(IMPORTS, IRIS, search), tmp_path)
    assert (found["model"].estimator, found["model"].served) == ("GridSearchCV", "Pipeline")
    assert handed(science, tmp_path, "type(h['estimator']).__name__") == "Pipeline"


def test_model_that_is_saved_comes_first(make_notebook: MakeNotebook, record: Record) -> None:
    other = "import joblib\nother = make_pipeline(LogisticRegression(max_iter=500)).fit(X, y); other.predict(X)"
    path = make_notebook(
        IMPORTS, IRIS, FIT, "import joblib; joblib.dump({'m': model}, 'm.joblib')", other
    )
    with record(path) as run:
        assert intake.choose(run.models, None, None).name == "model"
        assert intake.choose(run.models, "other", None).name == "other"


def test_toss_up_is_2_and_names_the_flag(
    make_notebook: MakeNotebook, cli: Cli, science: Path, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, IRIS, FIT, FIT.replace("model", "other"))
    result = cli("new", tmp_path / "x", "-n", path, "--python", science, "--defaults")
    assert result.returncode == 2
    assert "--estimator model" in result.stderr
    assert "--estimator other" in result.stderr
    assert list(tmp_path.glob("x")) == list(tmp_path.glob(".mlship-*")) == []


def test_unknown_estimator_lists_those_there_are(
    make_notebook: MakeNotebook, record: Record
) -> None:
    with (
        record(make_notebook(IMPORTS, IRIS, FIT)) as run,
        pytest.raises(UsageError, match="--estimator model"),
    ):
        intake.choose(run.models, "nothing", None)


def test_models_in_a_loop_have_names(make_notebook: MakeNotebook, record: Record) -> None:
    loop = "models = {}\nfor c in (1, 9):\n    models[c] = LogisticRegression(C=c, max_iter=500).fit(X, y)"
    with record(make_notebook(IMPORTS, IRIS, loop)) as run:
        assert {model.name for model in run.models} == {"models[1]", "models[9]"}


def test_clones_of_a_cross_validation_are_no_models(
    make_notebook: MakeNotebook, record: Record
) -> None:
    cross = "from sklearn.model_selection import cross_val_score\ncross_val_score(LogisticRegression(), X, y)"
    with record(make_notebook(IMPORTS, IRIS, FIT, cross)) as run:
        assert [model.name for model in run.models] == ["model"]


def test_scores_are_kept_with_their_cell(make_notebook: MakeNotebook, record: Record) -> None:
    metrics = "from sklearn.metrics import accuracy_score\np = model.predict(X[:50])\naccuracy_score(y[:50], p)"
    with record(make_notebook(IMPORTS, IRIS, FIT, metrics, "model.score(X, y)")) as run:
        first, second = run.models[0].metrics
    assert (first["name"], first["cell"], first["rows"]) == (
        "accuracy", 4, "some of its training rows",
    )  # fmt: skip
    assert (second["name"], second["cell"], second["rows"]) == ("accuracy", 5, "its training rows")


def test_predictions_before_the_last_fit_are_stale(
    make_notebook: MakeNotebook, record: Record
) -> None:
    with record(
        make_notebook(IMPORTS, IRIS, FIT, "model.predict(X)", "model.fit(X[:99], y[:99])")
    ) as run:
        assert run.models[0].stale_predictions == 1


def test_array_columns_get_the_names_of_the_frame_they_came_from(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    arrays = "A = X[['petal width (cm)', 'sepal width (cm)']].to_numpy()"
    take(record, make_notebook(IMPORTS, IRIS, arrays, FIT.replace("X, y", "A, y")), tmp_path)
    assert handed(science, tmp_path, "h['names']") == ["petal width (cm)", "sepal width (cm)"]


def test_array_columns_without_a_source_are_not_given_names(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    arrays = "A = np.random.default_rng(0).normal(size=(150, 4))"
    found = take(
        record, make_notebook(IMPORTS, IRIS, arrays, FIT.replace("X, y", "A, y")), tmp_path
    )
    assert found["level"] == "direct"
    assert handed(science, tmp_path, "h['names']") is None


def test_reordered_array_is_not_given_the_order_of_the_frame(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    arrays = "A = X.to_numpy()[:, ::-1]"
    take(record, make_notebook(IMPORTS, IRIS, arrays, FIT.replace("X, y", "A, y")), tmp_path)
    assert handed(science, tmp_path, "h['names']") in (
        None,
        ["petal width (cm)", "petal length (cm)", "sepal width (cm)", "sepal length (cm)"],
    )


def test_failed_cell_out_of_the_models_way_is_passed_over(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, IRIS, "import no_such_plots\nno_such_plots.draw(X)", FIT)
    with record(path) as run:
        assert [error["cell"] for error in run.record["errors"]] == [3, 3]
        assert run.hand_over(run.models[0], tmp_path)["level"] == "raw"


@pytest.mark.parametrize(
    "failing",
    [
        "X = X.assign(ratio=1 / 0)",
        "X['sepal length (cm)'] = undefined_name",
        "X.drop(columns='nothing', inplace=True)",
        "X = ",
    ],
)
def test_failed_cell_in_the_models_way_is_5(
    make_notebook: MakeNotebook, cli: Cli, science: Path, tmp_path: Path, failing: str
) -> None:
    path = make_notebook(IMPORTS, IRIS, failing, FIT)
    result = cli("new", tmp_path / "x", "-n", path, "--python", science, "--defaults")
    assert result.returncode == 5, result.stderr
    assert "Cell 3" in result.stderr
    assert "(X)" in result.stderr
    assert list(tmp_path.glob("x")) == list(tmp_path.glob(".mlship-*")) == []


def test_failure_that_a_later_cell_makes_good_does_not_matter(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, "X = pd.read_csv('gone.csv')", IRIS, FIT)
    assert take(record, path, tmp_path)["level"] == "raw"


def test_class_of_the_notebook_moves_into_the_project(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    own = "LIMIT = 4\nclass Own(LogisticRegression):\n    top = LIMIT"
    facts = take(
        record,
        make_notebook(
            IMPORTS, own, IRIS, FIT.replace("LogisticR", "Own(max_iter=500).fit(X, y) #")
        ),
        tmp_path,
    )
    assert "class Own(LogisticRegression):" in facts["code"]["own.py"]
    assert "LIMIT = 4" in facts["code"]["own.py"]
    assert "from .own import Own" in facts["code"]["train.py"]


def test_sparse_rows_are_made_again_from_those_that_were_loaded(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    sparse = "from scipy.sparse import csr_matrix\nm = LogisticRegression().fit(csr_matrix(X), y)"
    facts = take(record, make_notebook(IMPORTS, IRIS, sparse), tmp_path)
    assert facts["level"] == "raw"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["x = 1"], "fits no model"),
        ([IMPORTS, IRIS, "limit = X.shape[1]", "class Own(LogisticRegression): top = limit",
          "m = Own(max_iter=500).fit(X, y)"], "Own"),
        ([IMPORTS, IRIS, "from sklearn.preprocessing import FunctionTransformer as F",
          "m = make_pipeline(F(lambda x: x), LogisticRegression(max_iter=500)).fit(X, y)"], "lambda"),
        ([IMPORTS, "import os", "os._exit(3)"], "exit code 3"),
        ([IMPORTS, "X = input('which?')", IRIS.replace("X, y", "_, y"), FIT], "asks for input"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_5(
    make_notebook: MakeNotebook,
    cli: Cli,
    science: Path,
    tmp_path: Path,
    cells: list[str],
    said: str,
) -> None:
    result = cli(
        "new", tmp_path / "x", "-n", make_notebook(*cells), "--python", science, "--defaults"
    )
    assert result.returncode == 5, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.glob("x")) == list(tmp_path.glob(".mlship-*")) == []


def test_missing_import_is_named_with_its_cure(
    make_notebook: MakeNotebook, cli: Cli, science: Path
) -> None:
    result = cli("inspect", make_notebook("import seaborn, skimage"), "--python", science)
    assert result.returncode == 5
    assert "seaborn, skimage" in result.stderr
    assert "scikit-image seaborn" in result.stderr


def test_a_notebook_without_pandas_has_training_code(make_notebook: MakeNotebook, cli: Cli) -> None:
    path = make_notebook(
        "from sklearn.datasets import load_iris\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "X, y = load_iris(return_X_y=True)",
        "model = DecisionTreeClassifier(random_state=0).fit(X, y)",
    )
    result = cli("inspect", path)
    assert result.returncode == 0, result.stderr
    assert "Training again gives the same model" in result.stdout + result.stderr


def test_a_notebooks_own_python_without_pandas_is_enough(
    make_notebook: MakeNotebook, cli: Cli, tmp_path: Path
) -> None:
    uv.run(["venv", "--python", sys.executable, str(tmp_path / "venv")])
    python = tmp_path / "venv" / "bin" / "python"
    uv.run(["pip", "install", "--python", str(python), "scikit-learn"])
    path = make_notebook(
        "from sklearn.datasets import load_iris\n"
        "from sklearn.model_selection import train_test_split\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "X, y = load_iris(return_X_y=True)\n"
        "A, B, c, d = train_test_split(X, y, random_state=0)",
        "model = DecisionTreeClassifier(random_state=0).fit(A, c)\nmodel.score(B, d)",
    )
    result = cli("inspect", path, "--python", python)
    assert result.returncode == 0, result.stderr
    assert "raw: its rows are those of load_iris" in result.stdout + result.stderr


def test_helper_beside_the_notebook_is_imported(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, IRIS, "from helper import fit\nmodel = fit(X, y)")
    (path.parent / "helper.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "def fit(X, y):\n    return LogisticRegression(max_iter=500).fit(X, y)\n"
    )
    assert take(record, path, tmp_path)["model"].name == "model"


def test_inspect_writes_nothing(
    make_notebook: MakeNotebook, cli: Cli, science: Path, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, IRIS, FIT)
    before = sorted(tmp_path.rglob("*"))
    result = cli("inspect", path, "--python", science)
    assert result.returncode == 0
    assert "raw: its rows are those of load_iris, unchanged" in result.stdout
    assert sorted({*tmp_path.rglob("*")} - {tmp_path / "cwd"}) == before


@pytest.mark.parametrize(
    "arrays",
    [
        # the same numbers in either order of the columns
        "F = pd.DataFrame({'a': [0, 0, 1, 1] * 20, 'b': [0, 1, 0, 1] * 20}); A = F[['b', 'a']].values",
        # a grid: all rows differ, and still (a, b) may be (b, a)
        "F = pd.DataFrame([(a, b) for a in range(9) for b in range(9)], columns=['a', 'b']); A = F.values[:, ::-1]",
        # made of one column, with the values of another
        "F = pd.DataFrame({'age': range(80), 'sex': [0, 1] * 40}); A = (F[['age']] > 30).values.astype(int)",
    ],
)
def test_array_columns_are_not_named_where_two_could_be_meant(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path, arrays: str
) -> None:
    fit = "model = LinearRegression().fit(A, np.arange(len(A)))"
    found = take(record, make_notebook(IMPORTS, arrays, fit), tmp_path)
    assert found["level"] == "direct"
    assert handed(science, tmp_path, "h['names']") is None


def test_model_changed_after_it_predicted_is_refused(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(IMPORTS, IRIS, FIT, "model.predict(X)", "model.coef_ = -model.coef_")
    with pytest.raises(IntakeError, match="any more what the notebook saw"):
        take(record, path, tmp_path)


def test_every_data_set_of_scikit_learn_is_loaded_as_without_the_hooks(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    loading = """
from sklearn import datasets
from sklearn.datasets import load_breast_cancer, load_wine
data = load_breast_cancer()
X, y = load_wine(return_X_y=True, as_frame=True)
A, b = datasets.load_diabetes(return_X_y=True)
datasets.load_digits(n_class=3, as_frame=True)
"""
    path = make_notebook(IMPORTS, loading, FIT.replace("X, y", "data.data, data.target"))
    with record(path) as run:
        assert run.record["errors"] == []
    assert take(record, path, tmp_path)["level"] == "raw"


def test_arguments_may_be_given_by_name(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    path = make_notebook(
        IMPORTS, "df = pd.read_csv(filepath_or_buffer='d.csv')",
        "model = LinearRegression().fit(X=df[['a']], y=df.b)",
        "import pickle; pickle.dump(obj=model, file=open('m.pickle', 'wb'))",
    )  # fmt: skip
    (path.parent / "d.csv").write_text("a,b\n1,2\n2,4\n3,6\n")
    with record(path) as run:
        assert run.record["errors"] == []
        assert run.models[0].reasons[0] == "the notebook saves it"


def test_timed_line_and_stray_semicolon_run(make_notebook: MakeNotebook, record: Record) -> None:
    path = make_notebook(IMPORTS, IRIS + "\n;", "%time " + FIT)
    with record(path) as run:
        assert (run.record["errors"], run.models[0].name) == ([], "model")


@pytest.mark.parametrize(
    "failing",
    [
        "def clean(t):\n    t['ratio'] = 1\n    t.drop(columns='nothing', inplace=True)\nclean(X)",
        "other = X\nother.drop(columns='nothing', inplace=True)",
        "rows = list(range(99))\nrows.remove(-1)\nX = X.iloc[rows]",
        "print 'python 2'\nX=X.dropna()",
    ],
    ids=["in a function", "by another name", "of a list", "in a cell that is no Python"],
)
def test_failed_change_in_the_models_way_is_refused(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, failing: str
) -> None:
    fit = "model = LogisticRegression(max_iter=500).fit(X, y[:len(X)])"
    with pytest.raises(IntakeError, match="Cell 3 fails, and the model depends"):
        take(record, make_notebook(IMPORTS, IRIS, failing, fit), tmp_path)


def test_what_a_function_reads_counts_where_it_is_called(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    function = "def train():\n    return LogisticRegression(max_iter=500).fit(X, y)"
    path = make_notebook(IMPORTS, IRIS, function, "X = X.assign(ratio=1 / 0)", "model = train()")
    with pytest.raises(IntakeError, match="Cell 4 fails"):
        take(record, path, tmp_path)


@pytest.mark.parametrize(
    "failing",
    [
        "model.fit(X_all, y)",
        "model = LogisticRegression(nonsense=1)",
        "import pickle; pickle.dump(better, open('m', 'wb'))",
    ],
)
def test_failure_that_may_have_made_the_model_needs_a_person(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, failing: str
) -> None:
    path = make_notebook(IMPORTS, IRIS, FIT, failing)
    with pytest.raises(UsageError, match="may have made the model that is meant"):
        take(record, path, tmp_path)
    assert take(record, path, tmp_path, wanted="model")["level"] == "raw"


def test_two_tables_with_the_same_numbers_give_no_names(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    tables = "A = X.to_numpy(); other = pd.DataFrame(A, columns=list('abcd'))"
    take(record, make_notebook(IMPORTS, IRIS, tables, FIT.replace("X, y", "A, y")), tmp_path)
    assert handed(science, tmp_path, "h['names']") is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("np.log1p(X.iloc[:, 0])", "sepal length (cm) as the notebook transformed it"),
        ("X.iloc[:, 0]", "sepal length (cm)"),
        ("X.iloc[:, 0].to_numpy()", "sepal length (cm)"),
        ("(X.iloc[:, 0] * 2).rename('double')", "double"),
    ],
)
def test_target_is_called_what_it_is(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path,
    target: str, name: str | None,
) -> None:  # fmt: skip
    fit = f"model = LinearRegression().fit(X, {target})"
    take(record, make_notebook(IMPORTS, IRIS, fit), tmp_path)
    assert handed(science, tmp_path, "h['target']") == name


def test_texts_in_an_array_are_the_column_they_came_from(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path, science: Path
) -> None:
    path = make_notebook(
        IMPORTS, "from sklearn.feature_extraction.text import CountVectorizer",
        "df = pd.read_csv('mail.csv')",
        "model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(df['message'].values, df.spam)",
    )  # fmt: skip
    lines = [f"message number {i},{i % 2}" for i in range(20)]
    (path.parent / "mail.csv").write_text("\n".join(["message,spam", *lines]))
    assert take(record, path, tmp_path)["level"] == "raw"
    assert handed(science, tmp_path, "list(h['rows'].columns)") == ["message"]


def test_models_of_one_cell_have_labels_of_their_own(
    make_notebook: MakeNotebook, record: Record
) -> None:
    loop = "for c in (1, 9):\n    LogisticRegression(C=c, max_iter=500).fit(X, y).score(X, y)"
    with record(make_notebook(IMPORTS, IRIS, loop)) as run:
        labels = [model.label for model in run.models]
        assert labels == ["LogisticRegression@3", "LogisticRegression@3#2"]
        assert intake.choose(run.models, labels[1], None) is run.models[1]
        with pytest.raises(UsageError, match="Several models are called"):
            intake.choose(run.models, "LogisticRegression", None)


def test_unknown_import_is_not_installed_unasked(
    make_notebook: MakeNotebook, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stranger has put on the index under the name of a helper must never run."""
    path = make_notebook("from helpers_of_ours import clean\nimport pandas")
    result = cli("inspect", path)
    assert result.returncode == 5
    assert "helpers_of_ours, which mlship does not install unasked" in result.stderr


def test_module_in_a_folder_above_is_no_package(make_notebook: MakeNotebook) -> None:
    path = make_notebook("import sys; sys.path.append('..')\nfrom src.features import f")
    (path.parents[1] / "src").mkdir()
    (path.parents[1] / "src" / "features.py").touch()
    assert notebook.read(path).imports() == set()


def test_folder_with_odd_files_is_copied(make_notebook: MakeNotebook, record: Record) -> None:
    path = make_notebook("x = 1")
    os.mkfifo(path.parent / "pipe")
    (path.parent / "up").symlink_to(path.parent.parent)
    (path.parent / "gone").symlink_to("nowhere")
    with record(path) as run:
        assert run.record["errors"] == []


def test_notebook_beside_the_scratch_folder_is_run(
    make_notebook: MakeNotebook, tmp_path: Path, science: Path
) -> None:
    path = make_notebook("x = 1")
    found = interpreter.Interpreter(science, (3, 11, 0), "the tests")
    scratch = path.parent / "scratch"
    scratch.mkdir()
    with intake.run(notebook.read(path), found, {}, scratch) as run:
        assert run.record["errors"] == []


def test_cells_run_as_they_do_in_jupyter(make_notebook: MakeNotebook, record: Record) -> None:
    plain = "import dataclasses\n@dataclasses.dataclass\nclass P:\n    n: int\nassert dataclasses.fields(P)[0].type is int"
    future = "from __future__ import annotations\ndef f(x: nowhere): pass\nassert f.__annotations__ == {'x': 'nowhere'}"
    for cell in (plain, future):
        with record(make_notebook(cell)) as run:
            assert run.record["errors"] == []
