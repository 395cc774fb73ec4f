"""Samples that are arrays themselves: pictures as they were loaded, one input of the service."""

import sys
from pathlib import Path

import pytest
from conftest import MakeNotebook, Record
from test_libraries import packed, python, read

from mlship import saved
from mlship.interpreter import Interpreter

DRAW = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
draw = np.random.default_rng(0)
x, y = draw.integers(0, 200, size=(90, 8, 9)).astype('uint8'), np.arange(90) % 3
x[np.arange(90), y * 2] = 250
"""
LOAD = "import numpy as np\ndata = np.load('pictures.npz')\nx, y = data['x'], data['y']"
FIT = "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit(X, y)"
WHOLE = """
model = make_pipeline(
    FunctionTransformer(np.reshape, kw_args={'shape': (-1, 72)}), LogisticRegression(max_iter=999)
).fit(x, y)
"""
ASK = """
from app.app import create_app
from fastapi.testclient import TestClient
import json
example = json.load(open('model/example.json'))['instances'][0]
client = TestClient(create_app())
picture = example['x']
for sent in ([picture], picture[:-1], [row[:-1] for row in picture], [picture[0][:-1], *picture[1:]],
             [[256, *row[1:]] for row in picture], [[True, *row[1:]] for row in picture],
             [[0.5, *row[1:]] for row in picture], [["0", *row[1:]] for row in picture], None, "x"):
    answer = client.post('/predict', json={'instances': [{'x': sent}]})
    print(answer.status_code, *[e['field'] + ': ' + e['message'] for e in answer.json()['errors']])
print(client.get('/model').json()['limits'])
"""


@pytest.fixture
def pictures(make_notebook: MakeNotebook, science: Path) -> MakeNotebook:
    """Write a notebook beside a file of small pictures."""

    def make(*cells: str, name: str = "work.ipynb") -> Path:
        path = make_notebook(*cells, name=name)
        code = DRAW + "np.savez('pictures.npz', x=x, y=y)\nnp.save('pictures.npy', x)"
        python(science, path.parent, "-c", code)
        return path

    return make


@pytest.mark.parametrize(
    ("prepared", "code"),
    [
        ("X = (x / 255.0).reshape(len(x), -1)", "reshape(len(x), -1)"),
        ("X = x.reshape(90, 8 * 9).astype('float32')\nX /= 255", "reshape(-1, 8 * 9)"),
        ("X = np.reshape(x, (90, -1))", "np.reshape(x, (len(x), -1))"),
        ("X = x.reshape((x.shape[0], 72))", "reshape((x.shape[0], 72))"),
    ],
)
def test_pictures_are_asked_for_as_they_were_loaded(
    pictures: MakeNotebook, record: Record, tmp_path: Path, prepared: str, code: str
) -> None:
    with record(pictures(LOAD, prepared, FIT)) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert (handed["level"], handed["rows"], handed["inputs"]) == ("raw", 90, 1)
    assert handed["columns"] == ["x"]
    assert code in handed["code"]["features.py"]
    assert any("gives the same model" in note for note in handed["cut"]["notes"])


def test_data_set_of_keras_is_a_source(
    pictures: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    load = "from keras.datasets import mnist\n(x, y), (_, other) = mnist.load_data()"
    path = pictures(load, "X = x.reshape(len(x), -1) / 255", FIT)
    sets = path.parent / "keras" / "datasets"
    sets.mkdir(parents=True)
    for folder in (sets, sets.parent):
        (folder / "__init__.py").touch()
    code = "import numpy as np\ndef load_data():\n    data = np.load('pictures.npz')\n"
    pair = "(data['x'], data['y'])"
    (sets / "mnist.py").write_text(code + f"    return {pair}, {pair}\n")
    with record(path) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert (handed["level"], handed["cut"]["source"]) == ("raw", "mnist")
    assert handed["columns"] == ["x"]


def test_input_of_the_form_of_pictures_is_called_image(
    make_notebook: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    load = "from sklearn.datasets import load_digits\ndigits = load_digits()\ny = digits.target"
    shape = "images = digits.images\nX = images.reshape((len(images), -1))"
    with record(make_notebook(load, shape, FIT)) as run:
        assert run.hand_over(run.models[0], tmp_path)["columns"] == ["image"]


def test_samples_that_are_not_only_looked_at_alone_are_not_cut_at(
    pictures: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    centred = "X = (x - x.mean(axis=0)).reshape(len(x), -1)\nX = X / np.linalg.norm(X)"
    with record(pictures(LOAD, centred, FIT)) as run:
        handed = run.hand_over(run.models[0], tmp_path)
    learned = handed["code"].get("features.py", "")
    assert handed["level"] != "raw" or ("learned.value" in learned and "mean" in learned)


@pytest.mark.slow
def test_pictures_are_served_and_another_shape_is_refused_in_words(
    pictures: MakeNotebook,
    record: Record,
    rendered: Path,
    service: Path,
    tmp_path: Path,
) -> None:
    path = pictures(DRAW + LOAD, WHOLE)
    with record(path) as run:
        app = packed(run, path, rendered, service, tmp_path)
    signature = read(app / "model" / "signature.json")
    assert signature["level"] == "raw"
    described = signature["inputs"]["properties"]["x"]
    assert (described["x-shape"], described["x-dtype"]) == ([8, 9], "|u1")
    assert "array 8 x 9 of uint8" in (app / "model" / "MODEL_CARD.md").read_text()
    python(service, app, "-m", "app.openapi")
    python(service, app, "-m", "pytest", "-q", "tests", "-k", "not running_service")
    said = said_by(service, app)
    shape = "422 x: Input should be an array of shape 8 x 9; its shape is"
    kinds = "422 x: Input should hold whole numbers from 0 to 255 only"
    assert said[:4] == [
        f"{shape} 1 x 8 x 9",
        f"{shape} 7 x 9",
        f"{shape} 8 x 8",
        f"{shape} 8 x 8",
    ]
    assert said[4:8] == [kinds] * 4
    assert said[8:10] == ["422 x: A value is required here", f"{shape} a single value"]
    assert said[10] == "{'rows': 1000, 'bytes': 2000000}"


def said_by(service: Path, app: Path) -> list[str]:
    code = "import contextlib\nwith open('said', 'w') as file, contextlib.redirect_stdout(file):\n"
    python(service, app, "-c", code + "    exec(" + repr(ASK) + ")")
    return (app / "said").read_text().splitlines()


def test_of_many_pictures_some_are_proven_and_that_is_said(
    pictures: MakeNotebook, record: Record, tmp_path: Path
) -> None:
    larger = "x, y = np.tile(x, (400, 1, 1)), np.tile(y, 400)\nnp.savez('l.npz', x=x, y=y)"
    again = "x = np.load('l.npz')['x']"
    with record(pictures(DRAW + LOAD, larger, again, WHOLE)) as run:
        handed = run.hand_over(run.models[0], tmp_path, True)
    assert handed["rows"] == 18000
    assert "Of 36000 samples, 18000, evenly spaced, are proven." in handed["remarks"]


def test_saved_model_is_given_arrays(pictures: MakeNotebook, science: Path, tmp_path: Path) -> None:
    folder = pictures("pass").parent
    dump = "\nimport pickle\npickle.dump(model, open('model.pkl', 'wb'))"
    python(science, folder, "-c", DRAW + WHOLE + dump)
    taken = saved.read(folder / "model.pkl", folder / "pictures.npy", True, None)
    found = Interpreter(science, sys.version_info[:3], "the tests")
    facts = saved.hand_over(taken, found, tmp_path, synthetic=True)
    assert (facts["rows"], facts["inputs"]) == (90, 1)
    shapes = (
        "import pickle\nv = pickle.load(open('handover.pickle', 'rb'))\n"
        "assert v['rows'].shape == (90, 8, 9) and v['synthetic']['rows'].shape == (50, 8, 9)"
    )
    python(science, tmp_path, "-c", shapes)
