"""Make a project of a small messy notebook and show its cells beside the code that came of them.

    python docs/cells.py            run it and write pages/cells.md
    python docs/cells.py --check    run it and fail if the page says something else

The notebook and its data are made here, the same every time; the code, the learned values and the
receipt are what ``mlship new`` wrote.
"""

import difflib
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tutorial import PAGES, stage

PAGE = PAGES / "cells.md"
CELLS = (
    'import numpy as np\nimport pandas as pd\n\ndf = pd.read_csv("rentals.csv")\ndf.head()',
    '# some rents are missing, they are no use\ndf = df.dropna(subset=["rent"])\ndf["area"].hist()',
    'df["area"] = df["area"].fillna(df["area"].median())\n'
    'df["heating"].fillna("unknown", inplace=True)\n'
    'df["per_room"] = df["area"] / df["rooms"]',
    'df = pd.get_dummies(df, columns=["heating", "district"])\n'
    'df["floor"] = df["floor"].replace({"ground": 0, "first": 1, "second": 2, "third": 3})\n'
    'df["floor"] = df["floor"].astype(int)',
    "from sklearn.linear_model import Ridge\n"
    "from sklearn.model_selection import train_test_split\n"
    "from sklearn.preprocessing import StandardScaler\n\n"
    'X = df.drop(["rent", "id"], axis=1)\n'
    'y = df["rent"]\n'
    "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)\n"
    "scaler = StandardScaler()\n"
    "X_train = scaler.fit_transform(X_train)\n"
    "X_test = scaler.transform(X_test)\n"
    "model = Ridge().fit(X_train, y_train)\n"
    "model.score(X_test, y_test)",
)
REMARKS = (
    "The file becomes the service's input. Its loader goes into the training code.",
    "Rows without a rent are left out of training only; a request has no rent to begin with.",
    "The median is found among the rows of training and kept by name. The plot is not on the way.",
    "A request of one row has one kind of heating; its columns are those of training all the same. "
    "`astype` changed nothing in the run, so it is not in the code.",
    "The scaler was fitted to the rows of training only, and serving uses that one.",
)
TEXT = """\
# Five cells and their code

This page is made by `python docs/cells.py`, which makes a project of the notebook below with
`mlship new` and pastes what that wrote. A client of the service sends rows as they are in the
file; the service prepares them with the code on this page.

{cells}
## The code

`model/src/rentals_model/features.py`, complete:

```python
{features}```

## What was learned

`model/learned.json`, the values that the code above asks for by name. A fitted estimator,
here the scaler, is in `model/learned.skops`.

```json
{learned}
```

## The proof

From `model/receipt.json`: the service was asked the rows as they were loaded, and its answers were
compared with those that the notebook's model gave.

```json
{receipt}
```

What the command said of it:

```text
{said}
```
"""


def write_notebook(folder: Path) -> None:
    """Write the notebook and the file that it reads."""
    code: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    cells = [{**code, "id": f"cell-{at}", "source": cell} for at, cell in enumerate(CELLS)]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    (folder / "rentals.ipynb").write_text(json.dumps(notebook), "utf-8")
    draw = random.Random(3)  # noqa: S311 - made-up flats
    lines = ["id,area,rooms,floor,heating,district,rent"]
    for number in range(240):
        rooms = draw.randint(1, 5)
        area = round(rooms * 18 + draw.uniform(4, 30), 1)
        floor = draw.choice(["ground", "first", "second", "third"])
        heating = draw.choice(["gas", "district", "electric", ""])
        district = draw.choice(["north", "centre", "harbour"])
        rent = round(area * (14 if district == "centre" else 10) + draw.gauss(90, 40))
        lines.append(
            f"{number},{'' if draw.random() < 0.08 else area},{rooms},{floor},{heating},{district},"
            f"{'' if draw.random() < 0.04 else rent}"
        )
    (folder / "rentals.csv").write_text("\n".join(lines) + "\n", "utf-8")


def page() -> str:
    """Make the project and return the page about it."""
    with stage() as played:
        write_notebook(played.home)
        done = subprocess.run(
            ["mlship", "new", "rentals", "--notebook", "rentals.ipynb", "--defaults"],
            cwd=played.home,
            env=played.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"error: mlship new ended with {done.returncode}:\n{done.stdout}")
        project = played.home / "rentals"
        model = project / "model"
        learned = json.loads((model / "learned.json").read_text("utf-8"))
        receipt = json.loads((model / "receipt.json").read_text("utf-8"))
        features = (model / "src" / "rentals_model" / "features.py").read_text("utf-8")
        said = [line for line in done.stdout.splitlines() if re.match(r"(level|proof) ", line)]
    shown = [
        f"## Cell {at}\n\n```python\n{cell}\n```\n\n{remark}\n"
        for at, (cell, remark) in enumerate(zip(CELLS, REMARKS, strict=True), 1)
    ]
    kept = {name: receipt[name] for name in ("parity", "cut")}
    return TEXT.format(
        cells="\n".join(shown),
        features=features,
        learned=json.dumps(learned, indent=2),
        receipt=json.dumps(kept, indent=2),
        said="\n".join(said),
    )


def main() -> None:
    """Write the page, or compare it."""
    text = page()
    before = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    differences = list(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"{PAGE.name} as committed",
            f"{PAGE.name} as run",
        )
    )
    sys.stdout.writelines(differences)
    if "--check" not in sys.argv:
        PAGE.write_text(text, "utf-8")
    elif differences:
        sys.exit("error: the page no longer shows what mlship writes.")


if __name__ == "__main__":
    main()
