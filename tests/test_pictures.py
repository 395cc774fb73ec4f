"""Pictures that a notebook opens file by file: their files are what the service takes."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeNotebook, Record
from test_libraries import packed, python, read

from mlship.errors import IntakeError

DRAW = """
import csv, os, random
from PIL import Image, ImageDraw
dice, rows = random.Random(3), []
for folder in ("all", "shapes/circle", "shapes/square"):
    os.makedirs(folder)
for number in range(48):
    kind = ("circle", "square")[number % 2]
    size = dice.randint(40, 70), dice.randint(40, 70)
    image = Image.new("RGB", size, tuple(dice.randint(150, 255) for _ in "rgb"))
    draw = getattr(ImageDraw.Draw(image), "ellipse" if number % 2 else "rectangle")
    x, y = dice.randint(2, 20), dice.randint(2, 20)
    draw([x, y, x + 18, y + 18], fill=(dice.randint(0, 90), dice.randint(0, 90), 120))
    name, options = f"{number:02}." + ("jpg" if number % 3 else "png"), {}
    if number % 5 == 0:
        turned = Image.Exif()
        turned[0x112] = 6
        options = {"exif": turned}
    image.save(f"all/{name}", **options)
    image.save(f"shapes/{kind}/{name}", **options)
    rows.append((name, kind))
dice.shuffle(rows)
with open("labels.csv", "w") as file:
    csv.writer(file).writerows([("file", "kind"), *rows])
image.save("all/first.gif")
with open("shapes/circle/notes.txt", "w") as file:
    file.write("no picture")
"""
IMPORTS = (
    "import glob, os\nimport cv2\nimport numpy as np\nimport pandas as pd\nfrom PIL import Image\n"
    "import matplotlib.pyplot as plt"
)
FIT = """
from sklearn.model_selection import train_test_split
from sklearn.linear_model import LogisticRegression
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = LogisticRegression(max_iter=2000).fit(X_train, y_train)
model.predict(X_test)
"""
FOLDERS = """
images = []
labels = []
for folder in sorted(os.listdir("shapes")):
    for file in sorted(os.listdir(os.path.join("shapes", folder))):
        path = os.path.join("shapes", folder, file)
        img = cv2.imread(path)
        if img is None:
            continue
        # the same size for all
        img = cv2.resize(img, (12, 12))
        images.append(img)
        labels.append(folder)
"""
PIXELS = "X = np.array(images).reshape(len(images), -1) / 255.0\ny = np.array(labels)"
TABLE = """
df = pd.read_csv("labels.csv")
images = []
for name in df["file"]:
    with Image.open("all/" + name) as picture:
        images.append(np.asarray(picture.convert("L").resize((9, 9))).ravel())
X = np.array(images)
y = df["kind"]
"""
FUNCTION = """
def load_image(path, size=16):
    '''Read a small picture.'''
    return cv2.resize(cv2.imread(path, cv2.IMREAD_GRAYSCALE), (size, size)).flatten()
paths = sorted(glob.glob("shapes/*/*.png"))
X = np.array([load_image(path, size=8) for path in paths if "notes" not in path])
y = ["circle" in path for path in paths]
"""
WHOLE = """
def load_data(folder, size=(10, 10), verbose=False):
    images, labels = [], []
    for label in sorted(os.listdir(folder)):
        for name in os.listdir(os.path.join(folder, label)):
            try:
                img = cv2.imread(os.path.join(folder, label, name), 0)
                img = cv2.resize(img, size)
                images.append(img)
                labels.append(label)
            except Exception as error:
                print(error)
    return np.array(images), np.array(labels)
data, y = load_data("shapes", size=(7, 7))
X = data.reshape(len(data), -1)
"""
TWICE = """
data, y = [], []
for path in glob.glob("shapes/circle/*.png"):
    data.append(cv2.resize(plt.imread(path)[:, :, :3], (6, 6)))
    y.append(0)
for path in glob.glob("shapes/square/*.png"):
    data.append(cv2.resize(plt.imread(path)[:, :, :3], (6, 6)))
    y.append(1)
X = np.array(data).reshape(len(data), -1)
"""
STYLES = {
    "a folder for each label": (
        FOLDERS + PIXELS, 48, "img = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)",
    ),
    "a table of names": (TABLE, 48, "with Image.open(BytesIO(content)) as picture:"),
    "a function for one": (FUNCTION, 16, "[load_image(content, size=8) for content in pictures]"),
    "a function for all": (WHOLE, 48, "data = load_data(pictures, size=(7, 7))"),
    "a loop for each label": (TWICE, 16, 'plt.imread(BytesIO(content), format="png")'),
}  # fmt: skip
OTHERS = {
    "the name counts": (
        FOLDERS.replace("(img)", "(img * len(file))") + PIXELS,
        "cell 2: what is made of a picture depends on its name or its folder",
    ),
    "a picture is left out later": (
        FOLDERS.replace("        images.append", "        if img.sum() % 2: continue\n        images.append")
        + PIXELS,
        "of 48 pictures that it opens, 32 are in images",
    ),
    "other forms": (
        "images = [np.asarray(Image.open(p).convert('L').resize((8, 8))) for p in glob.glob('all/*')]\n"
        "X = np.array(images).reshape(len(images), -1)\ny = np.arange(len(X)) % 2",
        "1 of its pictures are no PNG, JPEG, BMP, PGM or PPM",
    ),
    "pairs": (
        FOLDERS.replace("images.append(img)", "pairs.append([img, folder])").replace(
            "images = []", "pairs = []"
        )
        + "X = np.array([img for img, _ in pairs]).reshape(len(pairs), -1)\ny = labels",
        "cell 2: what is made of a picture depends on its name or its folder",
    ),
}  # fmt: skip
ASK = """
import base64, io, json, struct
import numpy as np
from PIL import Image
from app.app import create_app
from app import pictures
from fastapi.testclient import TestClient
client = TestClient(create_app())
said = []
def ask(sent):
    answer = client.post("/predict", json={"instances": [{"image": sent}]})
    said.append([answer.status_code, *[e["message"] for e in answer.json().get("errors", [])]])
def text(data): return base64.b64encode(data).decode()
def drawn(kind):
    file = io.BytesIO()
    Image.new("RGB", (50, 50), "red").save(file, kind)
    return file.getvalue()
head = struct.pack(">I4sIIBBBBB", 13, b"IHDR", 50000, 50000, 8, 2, 0, 0, 0)
for data in (drawn("PNG"), drawn("JPEG"), drawn("GIF"), drawn("BMP"), drawn("PNG")[:60], b"",
             pictures.PNG + head + bytes(99)):
    ask(text(data))
for sent in ("no base64!", None, 5, [1], "-" + text(drawn("PNG")), "A" * 13_400_000):
    ask(sent)
for kind in [pictures.Kind("image/png", 31, 17, c) for c in (0, 2, 3, 4, 6)] + [
    pictures.Kind("image/jpeg", 61, 47, 1), pictures.Kind("image/jpeg", 5, 9, 3),
    pictures.Kind("image/bmp", 31, 17, 24), pictures.Kind("image/x-portable-anymap", 9, 8, 5),
    pictures.Kind("image/x-portable-anymap", 9, 8, 6),
]:
    grey = pictures.grey(kind)
    image = Image.open(io.BytesIO(grey))
    assert image.size == (kind.width, kind.height), kind
    assert set(np.unique(np.asarray(image.convert("RGB")))) == {128}, kind
    found = pictures.kind_of(grey)
    assert (found.media_type, found.width, found.height) == (kind.media_type, *image.size), kind
json.dump(said, open("said", "w"))
"""


@pytest.fixture
def shapes(make_notebook: MakeNotebook, science: Path) -> MakeNotebook:
    """Write a notebook beside folders of small pictures."""

    def make(*cells: str, name: str = "work.ipynb") -> Path:
        path = make_notebook(*cells, name=name)
        python(science, path.parent, "-c", DRAW)
        return path

    return make


@pytest.mark.parametrize("style", STYLES)
def test_the_files_are_asked_for(
    shapes: MakeNotebook, record: Record, tmp_path: Path, style: str
) -> None:
    source, rows, code = STYLES[style]
    with record(shapes(IMPORTS, source, FIT)) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert (handed["level"], handed["rows"], handed["inputs"]) == ("raw", rows, 1)
    assert handed["columns"] == ["image"]
    assert handed["cut"]["source"] == f"the files of {rows} pictures"
    written = handed["code"]["features.py"]
    assert code in written
    # Labels that are made of the paths afterwards are not taken along with the pictures.
    said = "There is no training code" if style == "a function for one" else "gives the same model"
    assert any(said in note for note in handed["cut"]["notes"]), handed["cut"]["notes"]
    assert "listdir" not in written
    assert "glob(" not in written
    assert "opencv-python-headless" in handed["packages"] or "PIL" in written


def test_comments_in_a_loop_are_kept(shapes: MakeNotebook, record: Record, tmp_path: Path) -> None:
    with record(shapes(IMPORTS, FOLDERS + PIXELS, FIT)) as run:
        written = run.hand_over(run.models[0], tmp_path)["code"]["features.py"]
    assert "        # the same size for all\n        img = cv2.resize" in written


@pytest.mark.parametrize("kind", OTHERS)
def test_where_a_file_is_not_enough_its_pixels_are_asked_for_and_it_is_said_why(
    shapes: MakeNotebook, record: Record, tmp_path: Path, kind: str
) -> None:
    source, reason = OTHERS[kind]
    with record(shapes(IMPORTS, source, FIT)) as run:
        assert run.record["errors"] == []
        handed = run.hand_over(run.models[0], tmp_path)
    assert handed["level"] == "direct"
    assert any(reason in said for said in handed["blocked"]), handed["blocked"]
    assert any(reason in said for said in handed["remarks"]), handed["remarks"]


def test_pictures_are_not_made_up(shapes: MakeNotebook, record: Record, tmp_path: Path) -> None:
    with (
        record(shapes(IMPORTS, FOLDERS + PIXELS, FIT)) as run,
        pytest.raises(IntakeError, match="Pictures cannot be made up"),
    ):
        run.hand_over(run.models[0], tmp_path, True)


@pytest.mark.slow
def test_files_are_answered_as_in_the_notebook_and_others_are_refused_in_words(
    shapes: MakeNotebook, record: Record, rendered: Path, service: Path, tmp_path: Path
) -> None:
    path = shapes(IMPORTS, FOLDERS + PIXELS, FIT)
    with record(path) as run:
        app = packed(run, path, rendered, service, tmp_path)
    described = read(app / "model" / "signature.json")["inputs"]["properties"]["image"]
    assert described["contentEncoding"] == "base64"
    assert (described["contentMediaType"], described["x-media-types"]) == (
        "image/*",
        ["image/jpeg", "image/png"],
    )
    assert "the file of a JPEG or PNG picture" in (app / "model" / "MODEL_CARD.md").read_text()
    rows: list[dict[str, Any]] = read(app / "tests" / "parity" / "rows.json")
    real = {file.read_bytes() for file in (path.parent / "all").iterdir()}
    assert {base64.b64decode(row["instance"]["image"]) for row in rows} <= real
    example = read(app / "model" / "example.json")["instances"][0]["image"]
    assert base64.b64decode(example) not in real
    python(service, app, "-m", "app.openapi")
    published = read(app / "model" / "openapi.json")["components"]["schemas"]["Instance"]
    assert published["properties"]["image"]["contentMediaType"] == "image/*"
    tests = [f"tests/test_{name}.py" for name in ("api", "contract", "parity", "requests")]
    python(service, app, "-m", "pytest", "-q", *tests, "-k", "not running_service")
    python(service, app, "-c", ASK)
    form = "Input should be the file of a JPEG or PNG picture"
    assert json.loads((app / "said").read_text()) == [
        [200],
        [200],
        [422, form],
        [422, form],
        [422, "the model cannot take this row (error in inputs, line 18)"],
        [422, form],
        [422, "Input should be a picture of at most 12500000 pixels"],
        [422, "Input should be a file as base64"],
        [422, "A value is required here"],
        [422, f"{form}, as base64"],
        [422, f"{form}, as base64"],
        [422, "Input should be a file as base64"],
        [413],
    ]
    names = sorted(path.parent.glob("shapes/*/*[!t]"))
    table = "".join(f"{name.parent.name}/{name.name},{name.parent.name}\n" for name in names)
    (path.parent / "shapes" / "pictures.csv").write_text("file,labels\n" + table)
    data = str(path.parent / "shapes" / "pictures.csv")
    python(service, app, "-m", "app.pack", "--train", "--data", data)
    python(service, app, "-m", "pytest", "-q", "tests/test_parity.py", "-k", "model_answers")
    assert read(app / "model" / "receipt.json")["parity"]["reference"] == "training"
    features = app / "model" / "src" / "app_model" / "features.py"
    features.write_text(features.read_text().replace("IMREAD_COLOR)", "IMREAD_COLOR)[:, :, ::-1]"))
    with pytest.raises(AssertionError, match="test_model_answers_as_recorded"):
        python(service, app, "-m", "pytest", "-q", "tests/test_parity.py", "-k", "model_answers")
