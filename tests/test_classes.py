"""The names of classes that a notebook gave its model as codes: proven on every row, or none."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

IMPORTS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, OrdinalEncoder, StandardScaler
"""
SPLIT = "A, B, a, b = train_test_split(X, y, stratify=y)"
FIT = "model = LogisticRegression(max_iter=500).fit(X, y)"
FIT_PART = "model = LogisticRegression(max_iter=500).fit(A, a); model.score(B, b)"
SPECIES = ["setosa", "versicolor", "virginica"]


FLOWERS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_iris
d = load_iris()
f = pd.DataFrame(d.data, columns=['sl', 'sw', 'pl', 'pw'])
f['species'] = d.target_names[d.target]
f.to_csv('iris.csv', index=False)
f['tall'] = np.where(f.pl > 4, 'yes', 'no')
f['size'] = np.where(f.pl > 4, 8, 3)
f.sample(frac=1, random_state=0).to_csv('mixed.csv', index=False)
"""
"""Fisher's flowers, sorted by species as they always are, and once more, shuffled."""


RUN_EACH = """
import json, os, sys
import numpy, pandas, sklearn.datasets, sklearn.ensemble, sklearn.linear_model
import sklearn.model_selection, sklearn.preprocessing
sys.path.insert(0, sys.argv[1])
from mlship.recorder.run import Recorder
for case, cells in json.load(open('cases.json')).items():
    if os.fork():
        os.wait()
        continue
    job = {'cells': list(enumerate(cells, 1)), 'folder': '.', 'origin': '.', 'maps': {},
           'cell_seconds': 0}
    recorder = Recorder(job, lambda message: None)
    recorder.run()
    candidates = recorder.candidates()
    failed = [s.error for s in recorder.statements if s.error]
    os.mkdir(case)
    recorder.hand_over(next(c for c in candidates if c.name == 'model'), case)
    values = pandas.read_pickle(os.path.join(case, 'handover.pickle'))
    with open(os.path.join(case, 'found.json'), 'w') as file:
        json.dump([failed, values['labels'], values['target']], file)
    os._exit(0)
"""
"""Runs each case in a process of its own, as ``intake`` does, but imports the libraries once."""


@pytest.fixture(scope="module")
def found(science: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return, for each case, the class names and the target's name that are handed over."""
    folder = tmp_path_factory.mktemp("classes")
    subprocess.run([science, "-c", FLOWERS], cwd=folder, check=True)
    cases = {name: [IMPORTS, *cells] for name, cells in CASES.items()}
    (folder / "cases.json").write_text(json.dumps(cases))
    source = ROOT / "src"
    subprocess.run([science, "-c", RUN_EACH, source], cwd=folder, check=True)
    read = {name: json.loads((folder / name / "found.json").read_text()) for name in CASES}
    assert {name: failed for name, (failed, *_) in read.items() if failed} == {}
    return {name: tuple(rest) for name, (_, *rest) in read.items()}


IRIS = "df = pd.read_csv('iris.csv'); X = df[['sl', 'sw', 'pl', 'pw']]"
MIXED = "df = pd.read_csv('mixed.csv'); X = df[['sl', 'sw', 'pl', 'pw']]"
ARRAY = "df = pd.read_csv('iris.csv'); X = df.iloc[:, :4].values; y = df.iloc[:, 4].values"
CODES = "{'setosa': 0, 'versicolor': 1, 'virginica': 2}"


ENCODED = {
    "encoder": (IRIS, "y = LabelEncoder().fit_transform(df.species)", SPLIT, FIT_PART),
    "encoder of an array": (ARRAY, "y = LabelEncoder().fit_transform(y)", SPLIT, FIT_PART),
    "two splits": (
        ARRAY, "y = LabelEncoder().fit_transform(y)", "X = StandardScaler().fit_transform(X)",
        SPLIT, "C, D, c, d = train_test_split(A, a)", "model = LogisticRegression().fit(C, c)",
    ),
    "ordinal encoder": (
        IRIS, "df[['species']] = OrdinalEncoder().fit_transform(df[['species']])",
        "y = df.species", SPLIT, FIT_PART,
    ),
    "encoder after the split": (
        ARRAY, SPLIT, "e = LabelEncoder(); a = e.fit_transform(a); b = e.transform(b)", FIT_PART,
    ),
    "map": (IRIS, f"y = df.species.map({CODES})", SPLIT, FIT_PART),
    "replace": (IRIS, f"df['species'] = df.species.replace({CODES}).astype(int)",
                "y = df['species']", SPLIT, FIT_PART),
    "replace in the frame": (IRIS, f"df = df.replace({{'species': {CODES}}}).infer_objects()",
                             "y = df['species']", SPLIT, FIT_PART),
    "factorize": (IRIS, "y, known = pd.factorize(df.species)", SPLIT, FIT_PART),
    "category codes": (IRIS, "y = df.species.astype('category').cat.codes", FIT),
    "category codes of a mixed table": (
        MIXED, "y = df.species.astype('category').cat.codes",
        "X = StandardScaler().fit_transform(X)", FIT,
    ),
    "data set": ("d = load_iris(); X, y = d.data, d.target", SPLIT, FIT_PART),
    "data set in two": ("X, y = load_iris(return_X_y=True, as_frame=True)", SPLIT, FIT_PART),
}  # fmt: skip
BY_HAND = {
    "where": (MIXED, "y = np.where(df.tall == 'yes', 1, 0)", SPLIT, FIT_PART),
    "comparison": (MIXED, "y = (df.tall == 'yes').astype(int)", SPLIT, FIT_PART),
    "apply": (MIXED, "y = df.tall.apply(lambda v: 1 if v == 'yes' else 0)", SPLIT, FIT_PART),
}
WITHOUT_NAMES = {
    "as loaded": (MIXED, "y = df['size']", SPLIT, FIT_PART),
    "no bijection": (MIXED, "y = (df.species == 'setosa').astype(int)", SPLIT, FIT_PART),
    "another column with these codes": (
        MIXED, "f = df.species.map({'setosa': 0, 'versicolor': 1, 'virginica': 1})",
        "y = (df.sl > 5.8).astype(int)", SPLIT, FIT_PART,
    ),
    "shuffled and numbered again": (
        IRIS, "df['species'] = LabelEncoder().fit_transform(df['species'])",
        "df = df.sample(frac=1, random_state=1).reset_index(drop=True)",
        "X, y = df.drop(columns='species'), df.species", FIT,
    ),
    # sorted the other way round, and numbered again: each row would have a wrong name
    "in blocks": (
        "df = pd.read_csv('iris.csv').sort_values('species', ascending=False, kind='stable')",
        "df = df.reset_index(drop=True); X = StandardScaler().fit_transform(df.iloc[:, :4])",
        "y = (df.species != 'setosa').astype(int) + (df.species == 'virginica').astype(int)",
        FIT,
    ),
    "digits": ("d = load_digits(n_class=3); X, y = d.data, d.target", FIT),
    "booleans": (MIXED, "y = df.tall == 'yes'", SPLIT, FIT_PART),
    "two columns of words": (
        MIXED, "df.assign(high=df.tall.map({'yes': 'high', 'no': 'low'})).to_csv('two.csv')",
        "df = pd.read_csv('two.csv'); y = np.where(df.tall == 'yes', 1, 0)", FIT,
    ),
}  # fmt: skip
NUMBERS = (MIXED, "y = LabelEncoder().fit_transform(df['size'])", SPLIT, FIT_PART)
SAME_SPLIT = """
import sklearn.model_selection
for seed in (None, 3):
    np.random.seed(5)
    one, after_one = train_test_split(X, y, random_state=seed), np.random.rand()
    np.random.seed(5)
    two, after_two = train_test_split.__wrapped__(X, y, random_state=seed), np.random.rand()
    assert after_one == after_two and len(one) == len(two) == 4
    assert all((a == b).all() for a, b in zip(one, two))
"""
CASES = {
    **ENCODED,
    **BY_HAND,
    **WITHOUT_NAMES,
    "numbers": NUMBERS,
    "same split": ("X, y = load_iris(return_X_y=True)", SAME_SPLIT, FIT),
}


@pytest.mark.parametrize("case", ENCODED)
def test_codes_have_the_names_that_the_notebook_encoded(found: dict[str, Any], case: str) -> None:
    labels, target = found[case]
    assert labels == SPECIES
    if "df." in str(ENCODED[case][1:]):
        assert target == "species"


@pytest.mark.parametrize("case", BY_HAND)
def test_codes_made_by_hand_have_the_names_of_the_column(found: dict[str, Any], case: str) -> None:
    assert found[case] == (["no", "yes"], "tall")


def test_numbers_that_were_encoded_come_back(found: dict[str, Any]) -> None:
    assert found["numbers"] == ([3, 8], "size")


@pytest.mark.parametrize("case", WITHOUT_NAMES)
def test_codes_without_a_proven_name_stay(found: dict[str, Any], case: str) -> None:
    assert found[case][0] is None


def test_a_split_is_drawn_as_without_the_recorder(found: dict[str, Any]) -> None:
    assert found["same split"][0] == SPECIES, "and its cells did not fail"
