"""What the notebook tried: its models and scores, its pictures, its trackers, its own words."""

import importlib.util
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import MLSHIP, ROOT, Cli, MakeNotebook, Record, notebook_of

from mlship import intake, links
from mlship.notebook import Cell

IMPORTS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
"""
IRIS = "iris = load_iris(as_frame=True); X, y = iris.data, iris.target"
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)"
FIT = "model = LogisticRegression(max_iter=500).fit(X_train, y_train)"
PLOTS = "import matplotlib.pyplot as plt"
PNG = b"\x89PNG\r\n\x1a\n"


def tried(record: Record, path: Path) -> list[dict[str, Any]]:
    with record(path) as run:
        assert run.record["errors"] == []
        found: list[dict[str, Any]] = run.record["experiments"]
        return found


def figures(record: Record, path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    with record(path) as run:
        files = {file.name: file.read_bytes() for file in run.figures.iterdir()}
        return run.record["figures"], files


def test_every_fit_is_listed_with_what_was_set_and_measured(
    make_notebook: MakeNotebook, record: Record
) -> None:
    """One object that is fitted anew in a loop is as many models as it had parameters."""
    loop = """
knn = KNeighborsClassifier()
for k in (1, 50):
    knn.set_params(n_neighbors=k).fit(X_train, y_train)
    knn.score(X_test, y_test)
"""
    path = make_notebook(IMPORTS, IRIS, SPLIT, loop, FIT)
    with record(path) as run:
        first, second, last = run.record["experiments"]
        (knn,) = (model for model in run.models if model.name == "knn")
    assert [first["parameters"], second["parameters"]] == ["n_neighbors=1", "n_neighbors=50"]
    assert first["scores"][0]["value"] > second["scores"][0]["value"]
    assert (first["name"], first["cell"], first["rows"]) == ("knn", 4, 112)
    assert [first["model"], second["model"]] == [None, knn.index]
    assert [score["value"] for score in knn.metrics] == [second["scores"][0]["value"]]
    assert (last["parameters"], last["scores"]) == ("max_iter=500", [])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("X_test, y_test", "other rows"),
        ("X_train, y_train", "its training rows"),
        ("X_train[:50], y_train[:50]", "some of its training rows"),
        ("X_train.to_numpy()[:50], y_train[:50]", "rows that could not be compared"),
        ("X, y", "mostly its training rows"),
        ("X_train.reset_index(drop=True), y_train", "its training rows"),
        ("X_test.reset_index(drop=True), y_test", "other rows"),
    ],
)
def test_score_says_on_which_rows_it_was_measured(
    make_notebook: MakeNotebook, record: Record, rows: str, said: str
) -> None:
    (model,) = tried(record, make_notebook(IMPORTS, IRIS, SPLIT, FIT, f"model.score({rows})"))
    assert [score["rows"] for score in model["scores"]] == [said]


def test_scores_of_arrays_say_their_rows_too(make_notebook: MakeNotebook, record: Record) -> None:
    arrays = IRIS + "; X = X.to_numpy()"
    cell = "model.score(X_train[5:40], y_train[5:40]); model.score(X_test, y_test)"
    (model,) = tried(record, make_notebook(IMPORTS, arrays, SPLIT, FIT, cell))
    assert [s["rows"] for s in model["scores"]] == ["some of its training rows", "other rows"]


def test_metrics_are_found_whatever_they_are_given(
    make_notebook: MakeNotebook, record: Record
) -> None:
    metrics = """
p = model.predict(X_test)
accuracy_score(p, y_test)
f1_score(y_test, p, average='macro')
roc_auc_score(y_test == 0, model.predict_proba(X_test)[:, 0])
"""
    (model,) = tried(record, make_notebook(IMPORTS, IRIS, SPLIT, FIT, metrics))
    assert [score["name"] for score in model["scores"]] == ["accuracy", "f1 (macro)", "roc_auc"]


def test_search_tells_what_it_found_best(make_notebook: MakeNotebook, record: Record) -> None:
    search = """
search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {'ridge__alpha': [0.1, 1, 9]},
                      scoring='neg_mean_absolute_error').fit(X_train, y_train)
search.score(X_test, y_test)
best = GridSearchCV(Ridge(), {'alpha': [2]}).fit(X_train, y_train)
"""
    first, second = tried(record, make_notebook(IMPORTS, IRIS, SPLIT, search))
    assert (first["estimator"], first["best"]) == ("GridSearchCV", "Pipeline")
    assert first["search"]["best"].startswith("ridge__alpha=")
    assert first["search"]["tried"] == 3
    assert first["search"]["scoring"] == first["scores"][0]["name"] == "mean_absolute_error"
    assert 0 < first["search"]["score"] < 1
    assert first["parameters"].startswith("StandardScaler(), Ridge(")
    assert second["search"]["scoring"] == "r2"


def test_cross_validation_stands_with_its_model(
    make_notebook: MakeNotebook, record: Record
) -> None:
    cells = """
cross_val_score(model, X, y, cv=4)
other = make_pipeline(StandardScaler(), Ridge())
cross_validate(other, X, y, scoring=['r2', 'neg_mean_squared_error'])
"""
    model, other = tried(record, make_notebook(IMPORTS, IRIS, SPLIT, FIT, cells))
    (validation,) = model["cross_validations"]
    assert (validation["name"], validation["folds"], validation["cell"]) == ("accuracy", 4, 5)
    assert 0.9 < validation["mean"] <= 1
    assert (other["name"], other["fits"], other["model"]) == ("other", 0, None)
    assert [item["name"] for item in other["cross_validations"]] == ["r2", "mean_squared_error"]
    assert other["cross_validations"][1]["mean"] > 0


def test_what_has_no_finite_score_has_none(make_notebook: MakeNotebook, record: Record) -> None:
    """NaN is no JSON, and pack would fail to write it."""
    cell = "cross_val_score(model, X, y, scoring=lambda *a: float('nan'))"
    (model,) = tried(record, make_notebook(IMPORTS, IRIS, SPLIT, FIT, cell))
    assert model["cross_validations"] == []


def test_clusters_are_not_scored_as_if_they_were_numbers(
    make_notebook: MakeNotebook, record: Record
) -> None:
    cell = "from sklearn.cluster import KMeans\nKMeans(3, n_init=1).fit(X).score(X)"
    (model,) = tried(record, make_notebook(IMPORTS, IRIS, cell))
    assert model["scores"][0]["name"] == "score"


def test_figures_that_are_shown_or_left_open_are_kept(
    make_notebook: MakeNotebook, record: Record
) -> None:
    path = make_notebook(
        PLOTS,
        "plt.plot([1, 2]); plt.title('One'); plt.show(); plt.plot([2, 1])",
        "fig, axes = plt.subplots(1, 2); fig.suptitle('Two of\\nthem')",
        "plt.figure()",  # empty, as seaborn leaves them
        "plt.plot([1]); plt.savefig('x.png'); plt.close()",  # not shown
        "assert plt.get_fignums() == []",
    )
    found, files = figures(record, path)
    assert [(item["file"], item["cell"], item["title"]) for item in found["kept"]] == [
        ("cell-02-1.png", 2, "One"),
        ("cell-02-2.png", 2, None),
        ("cell-03-1.png", 3, "Two of them"),
    ]
    assert found["left_out"] == []
    assert all(content.startswith(PNG) for content in files.values())
    assert set(files) == {item["file"] for item in found["kept"]}


def test_huge_figure_becomes_a_picture_of_sane_size(
    make_notebook: MakeNotebook, record: Record
) -> None:
    cell = "import random\nplt.figure(figsize=(90, 70)); plt.plot([random.random() for _ in range(9999)])"
    found, files = figures(record, make_notebook(PLOTS, cell))
    (content,) = files.values()
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert 300 < width <= 1300
    assert height <= 1700
    assert found["kept"][0]["bytes"] == len(content) < 400_000


def test_too_many_figures_leave_the_last(make_notebook: MakeNotebook, record: Record) -> None:
    many = "for i in range(6):\n    plt.figure(figsize=(1, 1)); plt.plot([1, 2])"
    found, files = figures(record, make_notebook(PLOTS, *[many] * 6))
    assert len(files) == len(found["kept"]) == 20
    assert [item["cell"] for item in found["kept"]] == [3] * 4 + [4] * 4 + [5] * 4 + [6] * 4 + [
        7
    ] * 4
    said = intake.left_out(found)
    assert "4 figures of cell 2 (later ones are kept instead)" in said
    assert "2 figures of cell 7 (a cell's first 4 are kept)" in said


def test_figure_that_cannot_be_drawn_is_left_out_and_breaks_nothing(
    make_notebook: MakeNotebook, record: Record
) -> None:
    broken = "plt.plot([1, 2]); plt.title('$\\\\broken{$'); plt.show()\nafter = 1"
    slow = "class Slow(plt.Line2D):\n    def draw(self, renderer):\n        while True: pass\nplt.gca().add_line(Slow([0, 1], [0, 1]))"
    path = make_notebook(PLOTS, broken, slow, "plt.plot([after])")
    with record(path) as run:
        assert run.record["errors"] == []
        found = run.record["figures"]
    assert [item["cell"] for item in found["kept"]] == [4]
    assert [item["cell"] for item in found["left_out"]] == [2, 3]
    assert found["left_out"][1]["why"] == "drawing took too long"


TRACKED = """
import mlflow as mf, wandb
from mlflow import set_tracking_uri
PROJECT = 'churn'
set_tracking_uri('https://ada:secret@mlflow.example.org/base?token=secret')
mf.set_experiment(experiment_name='Churn')
with mf.start_run():
    pass
with mf.start_run(run_name=f'run {PROJECT}'):
    pass
wandb.init(project=PROJECT, entity='telecom')
wandb.init()
print('see https://wandb.ai/telecom/churn/reports/1, https://example.org/x')
"""


def test_trackers_are_read_from_the_code_without_their_secrets() -> None:
    found = links.find([Cell(1, "this is not python"), Cell(2, TRACKED), Cell(3, TRACKED)])
    assert [(link.tracker, link.what, link.name, link.url) for link in found] == [
        ("MLflow", "tracking server", "https://mlflow.example.org/base",
         "https://mlflow.example.org/base"),
        ("MLflow", "experiment", "Churn", None),
        ("Weights & Biases", "project", "telecom/churn", "https://wandb.ai/telecom/churn"),
        ("Weights & Biases", "project", None, None),
        ("Weights & Biases", "address", "https://wandb.ai/telecom/churn/reports/1",
         "https://wandb.ai/telecom/churn/reports/1"),
    ]  # fmt: skip
    assert {link.cell for link in found} == {2}


@pytest.mark.parametrize("uri", ["postgresql://ada:secret@db/mlflow", "http://ada:secret@[::1"])
def test_tracking_server_that_is_no_address_is_named_by_its_kind(uri: str) -> None:
    (link,) = links.find([Cell(1, f"import mlflow; mlflow.set_tracking_uri({uri!r})")])
    assert link.url is None
    assert "secret" not in str(link.name)


def test_inspect_shows_scores_figures_and_trackers(
    make_notebook: MakeNotebook, cli: Cli, science: Path
) -> None:
    path = make_notebook(
        IMPORTS + PLOTS, IRIS, SPLIT, FIT + "\nmodel.score(X_train, y_train)", "plt.plot([1])",
        "cross_val_score(KNeighborsClassifier(3), X, y)",
        "if False:\n    mlflow.set_experiment('irises')",
    )  # fmt: skip
    people = cli("inspect", path, "--python", science)
    assert people.returncode == 0, people.stderr
    assert re.search(r"accuracy [\d.]+ on its training rows \(cell 4\)", people.stdout)
    assert re.search(r"cell 6: KNeighborsClassifier: accuracy [\d.]+ cross-val", people.stdout)
    assert "figures   1 (cell 5)" in people.stdout
    assert "link      MLflow experiment irises (cell 7)" in people.stdout
    told = json.loads(cli("inspect", path, "--python", science, "--json").stdout)
    assert [item["estimator"] for item in told["experiments"]] == [
        "LogisticRegression", "KNeighborsClassifier",
    ]  # fmt: skip
    assert (len(told["figures"]["kept"]), told["links"][0]["name"]) == (1, "irises")


@pytest.fixture(scope="module")
def writing() -> ModuleType:
    """The generated project's module that writes the experiments."""
    path = ROOT / "template" / "src" / "{{ package }}" / "experiments.py"
    spec = importlib.util.spec_from_file_location("experiments", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(name: str, cell: int = 1, served: bool = False, **scores: float) -> dict[str, Any]:
    return {
        "estimator": "Ridge", "best": None, "name": name, "cell": cell, "fits": 1, "rows": 9,
        "parameters": "", "search": None, "cross_validations": [], "served": served,
        "scores": [{"name": kind, "value": value, "cell": cell, "rows": "other rows"}
                   for kind, value in scores.items()],
    }  # fmt: skip


def test_readme_ranks_by_the_score_that_most_have(writing: ModuleType) -> None:
    models = [
        row("worse", mean_absolute_error=3, r2=0.9),
        row("none"),
        row("best", mean_absolute_error=1),
        row("served", served=True, mean_absolute_error=2),
    ]
    assert [item["name"] for item in writing.ranked(models)] == ["served", "best", "worse", "none"]
    models = [row("low", accuracy=0.1), row("high", accuracy=0.9), row("zero", accuracy=0)]
    assert [item["name"] for item in writing.ranked(models)] == ["high", "low", "zero"]


def test_readme_shows_at_most_ten_models_and_two_pictures(
    writing: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "notebooks" / "figures"
    folder.mkdir(parents=True)
    pictures = [
        {"file": f"{cell}-{n}.png", "cell": cell, "title": None, "bytes": 1}
        for cell in (1, 4, 5, 6)
        for n in (1, 2)
    ]
    for item in pictures:
        (folder / str(item["file"])).touch()
    models = [row(f"m{n}", cell=5, served=n == 7) for n in range(14)]
    experiments = {"models": models, "figures": pictures}
    readme = writing.for_readme(experiments, tmp_path)
    assert readme.count("| Ridge `m") + readme.count("| **Ridge `m7`**, served") == 10
    assert "4 more are in the [model card]" in readme
    assert re.findall(r"\(notebooks/figures/(.*)\)", readme) == ["5-2.png", "6-2.png"]
    (folder / "6-2.png").unlink()
    card = "\n".join(writing.for_card(experiments, tmp_path))
    assert card.count("../notebooks/figures/") == 7, "what the team removed is not shown"
    assert card.count("| Ridge `m") + 1 == 14


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a | b",
        "`code`",
        "[x](javascript:y)",
        "two\nlines",
        "<!-- /experiments -->",
    ],
)
def test_names_and_titles_cannot_break_the_markdown(
    writing: ModuleType, tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "notebooks" / "figures"
    folder.mkdir(parents=True)
    (folder / "a.png").touch()
    experiments = {
        "models": [row(text) | {"parameters": text}],
        "figures": [{"file": "a.png", "cell": 1, "title": text, "bytes": 1}],
        "left_out": [text],
    }
    for said in (
        writing.for_readme(experiments, tmp_path),
        "\n\n".join(writing.for_card(experiments, tmp_path)),
    ):
        assert writing.END not in said
        (line,) = (line for line in said.splitlines() if line.startswith("| Ridge"))
        assert len(re.findall(r"(?<!\\)\|", line)) == 5
        assert line.count("`") == 4
        prose = re.sub(r"`[^`]*`", "", said)
        assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(java", prose)


def test_retrained_model_keeps_the_notebooks_history_as_history(
    writing: ModuleType, tmp_path: Path
) -> None:
    assert writing.kept(tmp_path) == {}
    (tmp_path / "model").mkdir()
    experiments: Mapping[str, Any] = {"models": [row("old", served=True)], "links": []}
    receipt = tmp_path / "model" / "receipt.json"
    receipt.write_text(json.dumps({"experiments": experiments}))
    kept = writing.kept(tmp_path)
    readme = writing.for_readme(kept, tmp_path)
    assert "served now was trained later" in readme
    assert "**" not in readme


WINE = [
    IMPORTS + PLOTS,
    "from sklearn.datasets import load_wine\nwine = load_wine(as_frame=True); X, y = wine.data, wine.target",
    SPLIT,
    "knn = KNeighborsClassifier(7).fit(X_train, y_train); knn.score(X_test, y_test)",
    "search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {'logisticregression__C': [0.1, 1]})\n"
    "search.fit(X_train, y_train); search.score(X_test, y_test); search.predict(X_test)",
    "cross_val_score(knn, X, y)",
    "plt.bar(X.columns, search.best_estimator_[-1].coef_[0]); plt.title('Weights | <b>')",
    "if False:\n    wandb.init(project='wine', entity='vineyard')",
]


@pytest.mark.slow
def test_project_tells_what_the_notebook_tried(science: Path, tmp_path: Path) -> None:
    words = "# Wine\n\nWhich cultivar?\n\n## Goal\n\n- one\n\n![logo](logo.png)<script>alert(1)</script>"
    content: Any = notebook_of(WINE)
    opening = {"cell_type": "markdown", "id": "words", "metadata": {}, "source": words}
    content["cells"].insert(0, opening)
    path = tmp_path / "wine.ipynb"
    path.write_text(json.dumps(content))
    options = ["--python", str(science), "--defaults", "--no-install"]
    result = subprocess.run(
        [*MLSHIP, "new", "cellar", "-n", str(path), *options],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "notebooks/figures/ holds 1 of the notebook's pictures" in result.stderr
    project = tmp_path / "cellar"
    picture = project / "notebooks" / "figures" / "cell-07-1.png"
    assert picture.read_bytes().startswith(PNG)
    readme = (project / "README.md").read_text()
    card = (project / "model" / "MODEL_CARD.md").read_text()
    for text, place in ((readme, project), (card, project / "model")):
        served = r"\| \*\*GridSearchCV of Pipeline `search`\*\*, served \| `StandardScaler\(\), "
        assert re.search(served, text), text
        assert re.search(r"best of 2 searched: `logisticregression__C=[\d.]+`, accuracy 0", text)
        assert re.search(r"Classifier `knn` \| `n_neighbors=7` \| accuracy [\d.]+ on other", text)
        assert re.search(r"accuracy [\d.]+ ± [\d.]+, cross-validated 5-fold \(cell 6\)", text)
        assert r"Cell 7: Weights \| \<b\>" in text
        (shown,) = re.findall(r"!\[.*\]\((.*)\)", text)
        assert (place / shown).resolve() == picture
        assert "<https://wandb.ai/vineyard/wine> (cell 8)" in text
        assert "<script" not in text
    assert "\nWhich cultivar?\n\n### Goal\n\n- one\n\n## Experiments\n" in readme


def test_a_run_reports_to_no_tracker_unless_the_user_says_where_to(
    make_notebook: MakeNotebook, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "raise ValueError(os.environ['WANDB_MODE'] + ' ' + os.environ['MLFLOW_TRACKING_URI'])"
    path = make_notebook("import os", said)
    for name in ("WANDB_MODE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    with record(path) as run:
        (error,) = run.record["errors"]
    assert re.fullmatch(r"ValueError: offline file:///.*/scratch/run/.*/mlruns", error["error"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    with record(path) as run:
        (error,) = run.record["errors"]
    assert error["error"] == "ValueError: offline sqlite:///mine.db"
