"""Networks of PyTorch: trained by a loop of the notebook's own, served as ONNX without PyTorch."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeNotebook
from test_libraries import PARITY, packed, python, read

from mlship import intake, interpreter, notebook, uv
from mlship.errors import IntakeError

SYSTEM = Path("/usr/bin/python3")
"""Debian's Python, which has Debian's PyTorch: a fifth of the size of any other."""
START = """
import numpy as np, pandas as pd, torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, StandardScaler
torch.manual_seed(0)
df = pd.read_csv('people.csv')
"""
FULL_BATCH = """
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(9):
    opt.zero_grad()
    loss = loss_fn(model(X_t), y_t)
    loss.backward()
    opt.step()
"""
REGRESSION = (
    START + "X = pd.get_dummies(df[['age', 'rooms', 'town']], columns=['town']).astype(float)\n"
    "X_scaled = StandardScaler().fit_transform(X)",
    "X_t = torch.tensor(X_scaled, dtype=torch.float32)\n"
    "y_t = torch.tensor(df['income'].values, dtype=torch.float32).view(-1, 1)\n"
    "model = nn.Sequential(nn.Linear(X_t.shape[1], 8), nn.ReLU(), nn.Linear(8, 1))\n"
    "loss_fn = nn.MSELoss()",
    FULL_BATCH,
    "model.eval()\nwith torch.no_grad():\n    pred = model(X_t).numpy().ravel()\n"
    "from sklearn.metrics import mean_absolute_error\nmean_absolute_error(df['income'], pred)",
)
BINARY = (
    START
    + """
df['town'] = df['town'].map({'a': 0, 'b': 1, 'c': 2})
X, y = df[['age', 'income', 'rooms', 'town']], df['sick']
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
scaler = StandardScaler()
X_train = scaler.fit_transform(X_train)
X_test = scaler.transform(X_test)
device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
train_ds = TensorDataset(torch.FloatTensor(X_train), torch.FloatTensor(y_train.values))
loader = DataLoader(train_ds, batch_size=32, shuffle=True)
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(8, 1)
    def forward(self, x):
        return self.last(self.drop(torch.relu(self.norm(self.first(x))))).squeeze(1)
net = Net(X_train.shape[1]).to(device)
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(net.parameters())
def train(model, loader, epochs):
    model.train()
    for epoch in range(epochs):
        for xb, yb in loader:
            xb, yb = xb.to(device), yb.to(device)
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
""",
    "train(net, loader, 3)",
    """
net.eval()
with torch.no_grad():
    probs = torch.sigmoid(net(torch.FloatTensor(X_test).to(device)))
    pred = (probs > 0.5).int().numpy()
from sklearn.metrics import accuracy_score
accuracy_score(y_test, pred)
torch.save(net.state_dict(), 'net.pth')
""",
)
CLASSES = (
    START
    + """
import torch.nn.functional as F
y = LabelEncoder().fit_transform(df['kind'])
X = df[['age', 'income', 'rooms']]
model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3))
loss_fn = F.cross_entropy
X_t = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
y_t = torch.from_numpy(y).long()
""",
    FULL_BATCH,
    "pred = model(X_t).argmax(dim=1)",
)
CASES: dict[str, tuple[tuple[str, ...], list[str], dict[str, Any], str | None]] = {
    "a sequence on all rows at once": (
        REGRESSION, ["age", "rooms", "town"], {"task": "regression"}, "mean_absolute_error",
    ),
    "a class, a loader, dropout and batch normalisation": (
        BINARY, ["age", "income", "rooms", "town"], {"labels": [0, 1], "probabilities": True},
        "accuracy",
    ),
    "classes by their names": (
        CLASSES, ["age", "income", "rooms"],
        {"labels": ["high", "low", "mid"], "x-encoded": [0, 1, 2], "probabilities": True}, None,
    ),
}  # fmt: skip
"""The notebook, the columns that are asked for, a part of what is answered, and a metric."""

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def pytorch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment on top of Debian's PyTorch."""
    there = (
        SYSTEM.exists()
        and not subprocess.run(
            [SYSTEM, "-c", "import torch"], capture_output=True, check=False
        ).returncode
    )
    if not there:
        message = f"{SYSTEM} has no PyTorch (Debian: apt-get install python3-torch)"
        if os.environ.get("MLSHIP_ALL_TIERS"):
            pytest.fail(message)
        pytest.skip(message)
    home = tmp_path_factory.mktemp("pytorch") / "venv"
    uv.run(["venv", "--system-site-packages", "--python", str(SYSTEM), str(home)])
    packages = ["numpy<2", "pandas<3", "scikit-learn<1.8"]
    uv.run(["pip", "install", "--python", str(home / "bin/python"), *packages])
    return home / "bin" / "python"


@pytest.fixture
def start(make_notebook: MakeNotebook, pytorch: Path, tmp_path: Path) -> Start:
    """Run a notebook of cells beside a table of people."""

    @contextmanager
    def run(*cells: str) -> Iterator[tuple[intake.Run, Path]]:
        path = make_notebook(*cells)
        draw = random.Random(1)
        lines = ["age,income,rooms,town,sick,kind"]
        for _ in range(300):
            age = draw.randint(18, 80)
            lines.append(
                f"{age},{age + 90 * draw.random():.3f},{draw.randint(1, 5)},{draw.choice('abc')},"
                f"{draw.random() < age / 100:d},{['low', 'mid', 'high'][min(2, age // 28)]}"
            )
        (path.parent / "people.csv").write_text("\n".join(lines) + "\n")
        found = interpreter.Interpreter(pytorch, sys.version_info[:3], "the tests")
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        with intake.run(notebook.read(path), found, {}, scratch) as started:
            assert started.record["errors"] == []
            yield started, path

    return run


def handed(start: Start, pytorch: Path, folder: Path, *cells: str) -> tuple[Any, Any]:
    """Return what is known of the likeliest model of a notebook, and what was handed over."""
    with start(*cells) as (run, _):
        facts = run.hand_over(intake.choose(run.models, None, None), folder)
    code = (
        "import json, pickle, numpy as np\nh = pickle.load(open('handover.pickle', 'rb'))\n"
        "print(json.dumps({k: np.asarray(h[k]).tolist() for k in ('answers', 'probabilities')}"
        "| {'options': h['options'], 'labels': h['labels'], 'target': h['target']}))"
    )
    done = subprocess.run(
        [pytorch, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert (folder / "model.onnx").is_file()
    return facts, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_network_is_served_from_raw_rows_without_pytorch(
    start: Start, rendered: Path, service: Path, tmp_path: Path, case: str
) -> None:
    cells, columns, outputs, metric = CASES[case]
    with start(*cells) as (run, path):
        assert metric is None or metric in [m["name"] for m in run.models[0].metrics]
        app = packed(run, path, rendered, service, tmp_path)
    signature = read(app / "model" / "signature.json")
    assert (signature["artifact"]["file"], signature["level"]) == ("model.onnx", "raw")
    assert list(signature["inputs"]["properties"]) == columns
    assert {**signature["outputs"], **outputs} == signature["outputs"]
    pins = (app / "model" / "pyproject.toml").read_text()
    assert "onnxruntime==" in pins
    assert "torch" not in pins
    parity = read(app / "model" / "receipt.json")["parity"]
    assert (parity["rows"], parity["tolerance"]) == (300, 1e-5)
    python(service, app, *PARITY)
    rows = read(app / "tests" / "parity" / "rows.json")
    said = rows[3]["prediction"]
    if "probabilities" in said:
        said["probabilities"] = dict.fromkeys(said["probabilities"], 0.5)
    else:
        said["value"] *= 1.001
    (app / "tests" / "parity" / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(AssertionError, match="failed"):
        python(service, app, *PARITY)


SMALL = START + "X = df[['age', 'rooms']].to_numpy(dtype='float32') / 100\nX_t = torch.tensor(X)\n"
KIND = "y_t = torch.from_numpy(LabelEncoder().fit_transform(df['kind']))\n"
SICK = "y_t = torch.tensor(df['sick'].values).float().view(-1, 1)\n"


@pytest.mark.parametrize(
    ("make", "labels", "total"),
    [
        (KIND + "model = nn.Sequential(nn.Linear(2, 3), nn.LogSoftmax(1))\nloss_fn = nn.NLLLoss()", 3, 1),
        (KIND + "model = nn.Sequential(nn.Linear(2, 3), nn.Softmax(1))\nloss_fn = nn.CrossEntropyLoss()", 3, 1),
        (KIND + "model = nn.Linear(2, 3)\nloss_fn = lambda z, y: nn.NLLLoss()(z.log_softmax(1), y)", 3, 1),
        (SICK + "model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())\nloss_fn = nn.BCELoss()", 2, 1),
        (SICK + "model = nn.Linear(2, 1)\nloss_fn = lambda z, y: nn.BCELoss()(z.sigmoid(), y)", 2, 1),
        (SICK + "model = nn.Linear(2, 1)\nloss_fn = lambda z, y: ((z - y) ** 2).mean()", None, None),
    ],
    ids=["nll", "softmax twice", "log-softmax outside", "bce", "sigmoid outside", "own loss"],
)  # fmt: skip
def test_loss_tells_what_the_numbers_mean(
    start: Start, pytorch: Path, tmp_path: Path, make: str, labels: int | None, total: int | None
) -> None:
    facts, given = handed(start, pytorch, tmp_path, SMALL + make, FULL_BATCH, "model(X_t)")
    assert given["options"].get("classes") == (labels and list(range(labels)))
    if labels is None:
        assert any("what the notebook makes of them is not known" in r for r in facts["remarks"])
        return
    for label, row in zip(given["answers"], given["probabilities"], strict=True):
        assert sum(row) == pytest.approx(total, abs=1e-5)
        assert label == row.index(max(row))


def test_rows_in_a_data_set_of_the_notebooks_own_are_found(
    start: Start, pytorch: Path, tmp_path: Path
) -> None:
    own = """
class People(Dataset):
    def __init__(self, X, y):
        self.X, self.y = torch.tensor(X, dtype=torch.float32), torch.tensor(y).float()
    def __len__(self):
        return len(self.X)
    def __getitem__(self, i):
        return self.X[i], self.y[i]
X = StandardScaler().fit_transform(df[['age', 'income']])
loader = DataLoader(People(X, df['sick'].values), batch_size=50, shuffle=True)
model = nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), 0.1)
for xb, yb in loader:
    opt.zero_grad(); nn.functional.binary_cross_entropy_with_logits(model(xb)[:, 0], yb).backward()
    opt.step()
"""
    facts, given = handed(start, pytorch, tmp_path, START + own)
    assert (facts["level"], facts["rows"], facts["columns"]) == ("raw", 300, ["age", "income"])
    assert given["options"]["classes"] == [0, 1]
    assert any("There is no training code: a loop" in note for note in facts["cut"]["notes"])


def test_network_asked_in_training_mode_is_served_in_evaluation_mode(
    start: Start, pytorch: Path, tmp_path: Path
) -> None:
    make = SICK + "model = nn.Sequential(nn.Linear(2, 9), nn.Dropout(0.5), nn.Linear(9, 1))\n"
    cells = (SMALL + make + "loss_fn = nn.MSELoss()", FULL_BATCH, "pred = model(X_t).detach()")
    facts, _ = handed(start, pytorch, tmp_path, *cells)
    assert any("training mode, without eval()" in remark for remark in facts["remarks"])


def test_weights_that_are_loaded_after_the_training_are_the_ones_that_answer(
    start: Start, pytorch: Path, tmp_path: Path
) -> None:
    make = SICK + "model = nn.Linear(2, 1)\nloss_fn = nn.MSELoss()\n"
    best = "best = {k: torch.zeros_like(v) for k, v in model.state_dict().items()}\n"
    _, given = handed(
        start, pytorch, tmp_path, SMALL + make, FULL_BATCH, "model(X_t)",
        best + "model.load_state_dict(best)", "model(X_t)",
    )  # fmt: skip
    assert set(given["answers"]) == {0.0}


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (SICK + "class Two(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
         "        self.a = nn.Linear(1, 1)\n    def forward(self, x, z): return self.a(x) + z\n"
         "both = Two()\nmodel = lambda x: both(x[:, :1], x[:, 1:])\nmodel.parameters = both.parameters\n"
         "loss_fn = nn.MSELoss()", "is called with Tensor, Tensor; one table"),
        (SICK + "inner, outer = nn.Linear(2, 2), nn.Linear(2, 1)\nmodel = lambda x: outer(inner(x))\n"
         "model.parameters = lambda: [*inner.parameters(), *outer.parameters()]\nloss_fn = nn.MSELoss()",
         "another network (answers|learns from)"),
        (SICK + "class Fixed(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
         "        self.a = nn.Linear(2, 1)\n    def forward(self, x): return self.a(x.view(300, 2))\n"
         "model = Fixed()\nloss_fn = nn.MSELoss()", "does not answer a row alone: RuntimeError"),
    ],
    ids=["two inputs", "two networks", "a fixed number of rows"],
)  # fmt: skip
def test_network_that_cannot_be_served_is_refused(
    start: Start, tmp_path: Path, cells: str, said: str
) -> None:
    with start(SMALL + cells, FULL_BATCH) as (run, _):
        assert run.models
        for model in run.models:
            with pytest.raises(IntakeError, match=said):
                run.hand_over(model, tmp_path)


def test_network_without_an_optimizer_is_named(start: Start) -> None:
    with start(SMALL + "net = nn.Linear(2, 1)\nnet(X_t)") as (run, _):
        assert run.models == []
        with pytest.raises(IntakeError, match="net of PyTorch was not seen to be trained"):
            intake.choose(run.models, None, None, unserved=run.record["unserved"])
