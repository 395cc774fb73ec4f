"""The notebooks that are measured: their cells and the data that they read."""

import json
import random
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "src" / "mlship" / "example.ipynb"
PLANS = ("basic", "plus", "family", "business")
CITIES = tuple(f"city {number}" for number in range(40))


def example(folder: Path) -> list[str]:
    """The notebook that mlship takes when it is given none."""
    cells = json.loads(EXAMPLE.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def churn(folder: Path) -> list[str]:
    """60 cells on a table of 10,000 customers: look, fill, encode, scale, fit, measure."""
    write_customers(folder / "customers.csv", 10_000)
    cells = [
        "import numpy as np\nimport pandas as pd",
        "df = pd.read_csv('customers.csv')",
        "df.head()",
        "df.describe()",
        "df['age'] = df['age'].fillna(df['age'].median())",
        "df['city'] = df['city'].fillna(df['city'].mode()[0])",
        "df['yearly'] = df['monthly'] * 12",
        "df = df.drop(columns=['customer', 'joined'])",
        "df['business'] = (df['plan'] == 'business').astype(int)",
    ]
    numeric = ["age", "months", "monthly", "calls", "data", "tickets"]
    for name in numeric:
        cells += [
            f"df['{name}'].describe()",
            f"print(df.groupby('plan')['{name}'].mean())",
            f"df['log_{name}'] = np.log1p(df['{name}'].clip(lower=0))",
            f"corr = df[['{name}', 'churned']].corr().iloc[0, 1]\nprint('{name}', corr)",
            f"high = df[df['{name}'] > df['{name}'].quantile(0.9)]\nprint(len(high))",
            f"df['{name}_level'] = (df['{name}'] > df['{name}'].mean()).astype(int)",
        ]
    cells += [
        "df['plan'].value_counts()",
        "df['city'].value_counts().head(10)",
        "data = pd.get_dummies(df, columns=['plan', 'city'])",
        "X = data.drop(columns=['churned'])\ny = data['churned']",
        "from sklearn.model_selection import train_test_split\n"
        "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)",
        "from sklearn.preprocessing import StandardScaler\n"
        "scaler = StandardScaler()\n"
        "X_train_s = scaler.fit_transform(X_train)\n"
        "X_test_s = scaler.transform(X_test)",
        "from sklearn.linear_model import LogisticRegression\n"
        "logistic = LogisticRegression(max_iter=500).fit(X_train_s, y_train)",
        "print(logistic.score(X_test_s, y_test))",
        "from sklearn.ensemble import RandomForestClassifier\n"
        "forest = RandomForestClassifier(n_estimators=50, random_state=0)\n"
        "forest.fit(X_train_s, y_train)",
        "from sklearn.metrics import accuracy_score, f1_score\n"
        "found = forest.predict(X_test_s)\nprint(accuracy_score(y_test, found))",
        "print(f1_score(y_test, found))",
        "table = pd.crosstab(y_test, found)",
        "importance = pd.Series(forest.feature_importances_, X.columns).sort_values()",
        "importance.tail(10)",
        "final = forest",
    ]
    return cells


def many(folder: Path) -> list[str]:
    """1,000 small cells on a table of 2,000 rows."""
    write_customers(folder / "customers.csv", 2_000)
    cells = [
        "import numpy as np\nimport pandas as pd\nfrom sklearn.tree import DecisionTreeClassifier",
        "df = pd.read_csv('customers.csv')",
        "df['age'] = df['age'].fillna(df['age'].median())",
        "def share(column, limit):\n    return float((column > limit).mean())",
        "results = {}",
    ]
    for number in range(198):
        cells += [
            f"limit_{number} = {number} + 0.5",
            f"results['share {number}'] = share(df['months'], limit_{number})",
            f"part = df[df['months'] > limit_{number} / 4]\nprint(part['monthly'].mean())",
            f"print(df['plan'].value_counts().head({number % 4 + 1}))",
            f"df['monthly_{number % 6}'] = df['monthly'] / (limit_{number} + 1)",
        ]
    return [
        *cells,
        "features = ['age', 'months', 'monthly', 'calls', 'data', 'tickets', 'monthly_0']",
        "X = df[features]\ny = df['churned']",
        "tree = DecisionTreeClassifier(max_depth=5, random_state=0)",
        "tree.fit(X, y)",
        "print(tree.score(X, y))",
    ]


def large(folder: Path) -> list[str]:
    """15 statements on a table of 1,000,000 rows and 12 columns of mixed types."""
    write_customers(folder / "customers.csv", 1_000_000)
    return [
        "import pandas as pd\nfrom sklearn.tree import DecisionTreeClassifier",
        "df = pd.read_csv('customers.csv')",
        "df['age'] = df['age'].fillna(df['age'].median())",
        "df['city'] = df['city'].fillna('unknown')",
        "print(df.groupby('plan')['monthly'].mean())",
        "df['yearly'] = df['monthly'] * 12",
        "df['per_call'] = df['monthly'] / (df['calls'] + 1)",
        "df['joined'] = pd.to_datetime(df['joined'])",
        "df['year'] = df['joined'].dt.year",
        "df['plan'] = df['plan'].map({'basic': 0, 'plus': 1, 'family': 2, 'business': 3})",
        "df['remote'] = df['remote'].astype(int)",
        "X = df.drop(columns=['customer', 'city', 'joined', 'churned'])",
        "y = df['churned']",
        "tree = DecisionTreeClassifier(max_depth=6, random_state=0)\ntree.fit(X, y)",
        "print(tree.score(X, y))",
    ]


CASES = {"example": example, "churn": churn, "many": many, "large": large}


def write_customers(path: Path, rows: int) -> None:
    """Write a table of made-up customers, the same for every run."""
    draw = random.Random(7)  # noqa: S311 - rows to measure with
    lines = ["customer,plan,city,joined,age,months,monthly,calls,data,tickets,remote,churned"]
    for number in range(rows):
        plan, city = draw.choice(PLANS), draw.choice(CITIES) if draw.random() > 0.03 else ""
        joined = f"20{draw.randint(10, 24)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        age = draw.randint(18, 90) if draw.random() > 0.05 else ""
        months, calls, tickets = draw.randint(1, 90), draw.randint(0, 300), draw.randint(0, 9)
        monthly, data = round(draw.uniform(5, 90), 2), round(draw.expovariate(0.1), 3)
        churned = int(draw.random() < 0.1 + 0.05 * tickets)
        remote = draw.random() < 0.5
        lines.append(
            f"C{number:07},{plan},{city},{joined},{age},{months},{monthly},{calls},{data},"
            f"{tickets},{remote},{churned}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
