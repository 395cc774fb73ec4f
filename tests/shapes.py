"""Small notebooks, one for each shape and trap that real ones have, and what comes of each."""

from typing import NamedTuple

START = """
import numpy as np, pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder, MinMaxScaler, OneHotEncoder, StandardScaler
"""
LOAD = "df = pd.read_csv('people.csv')"
FIT = "model = LinearRegression().fit(X, y)"
SCORE = "y = df.score"
"""The target, where it is a number."""
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=3)"
FIT_TRAIN = "model = LinearRegression().fit(X_train, y_train); model.predict(X_test)"


class Shape(NamedTuple):
    """A notebook of some cells, and what is expected of it."""

    name: str
    cells: tuple[str, ...]
    level: str
    columns: tuple[str, ...] | None
    """What a request has, in order; None where it does not matter here."""
    cell: int | None
    """The cell after which the rows are taken; None where it does not matter here."""
    training: str
    """What the training code makes: the same model, another one, or none."""
    why: str
    """Part of what is said where there is no earlier cut."""
    model: str | None
    """The model to hand over, else the likeliest."""
    witness_model: str
    inputs: str
    """The rows that the witness asks its model about."""
    places: str
    """For each of them, the label of the row at the cut that it was made of."""
    table: str
    """The file as it was loaded."""
    fails: bool


SHAPES: dict[str, Shape] = {}


def shape(
    name: str,
    *cells: str,
    level: str = "raw",
    columns: str | tuple[str, ...] | None = None,
    cell: int | None = None,
    training: str = "same",
    why: str = "",
    model: str | None = None,
    witness_model: str = "model",
    inputs: str = "X",
    places: str = "",
    table: str = "_raw",
    start: str = LOAD,
    fails: bool = False,
) -> None:
    assert name not in SHAPES
    whole = (START, start, *cells) if start else (START, *cells)
    split = tuple(columns.split()) if isinstance(columns, str) else columns
    where = places or f"{inputs}.index"
    SHAPES[name] = Shape(
        name, whole, level, split, cell, training, why, model, witness_model, inputs, where,
        table, fails,
    )  # fmt: skip


# Text columns become numbers.

shape(
    "dummies_columns",
    "df = pd.get_dummies(df, columns=['city', 'sex'])",
    "X = df[['visits', *[c for c in df if c.startswith(('city', 'sex'))]]]; " + SCORE,
    FIT,
)
shape(
    "dummies_drop_first",
    "df = pd.get_dummies(df, columns=['city', 'sex'], drop_first=True)",
    "X = df[['visits', 'city_Bonn', 'city_Ulm', 'sex_male']]; " + SCORE,
    FIT,
)
shape(
    "dummies_series",
    "city = pd.get_dummies(df.city, drop_first=True)",
    "X = pd.concat([df[['visits', 'income']], city], axis=1); " + SCORE,
    FIT,
)
shape(
    "dummies_keyword",
    "X = pd.get_dummies(data=df[['city', 'grade', 'visits']], columns=['grade', 'city'])",
    SCORE,
    FIT,
)
shape(
    "dummies_whole",
    "X = pd.get_dummies(df.drop(columns=['score', 'note', 'joined', 'age']))",
    SCORE,
    FIT,
)
shape(
    "dummies_prefix",
    "d = pd.get_dummies(df['city'], prefix='c')",
    "df = df.join(d)",
    "X = df[['visits', 'c_Bonn', 'c_Kiel', 'c_Ulm']]; " + SCORE,
    FIT,
)
shape(
    "dummies_na",
    "df['grade'] = df.grade.where(df.visits > 2)",
    "X = pd.get_dummies(df[['grade', 'visits']], dummy_na=True)",
    SCORE,
    FIT,
)
shape(
    "dummies_int",
    "X = pd.get_dummies(df[['visits', 'grade']], columns=['visits', 'grade'], dtype=int)",
    SCORE,
    FIT,
)
shape(
    "encoder_loop",
    "le = LabelEncoder()",
    "for c in ['city', 'sex', 'grade']:\n    df[c] = le.fit_transform(df[c])",
    "X = df[['city', 'sex', 'grade', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "encoder_refitted",
    "le = LabelEncoder()",
    "df['city'] = le.fit_transform(df['city'])",
    "df['sex'] = le.fit_transform(df['sex'])",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "encoder_fit_then_transform",
    "le = LabelEncoder()",
    "le.fit(df.city)",
    "df['city'] = le.transform(df.city)",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "encoder_apply",
    "df[['city', 'sex']] = df[['city', 'sex']].apply(LabelEncoder().fit_transform)",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "encoder_dict",
    "encoders = {}",
    "for c in ['city', 'sex']:\n    encoders[c] = LabelEncoder()\n    df[c] = encoders[c].fit_transform(df[c])",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "onehot_encoder",
    "enc = OneHotEncoder(sparse_output=False)",
    "A = enc.fit_transform(df[['city', 'sex']])",
    "X = np.hstack([A, df[['visits']].values]); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "map_dict",
    "df['sex'] = df['sex'].map({'male': 0, 'female': 1})",
    "X = df[['sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "replace_in_place",
    "df.replace({'sex': {'male': 0, 'female': 1}}, inplace=True)",
    "X = df[['sex', 'visits']].astype(int); " + SCORE,
    FIT,
)
shape(
    "apply_lambda",
    "df['old'] = df['income'].apply(lambda v: 1 if v > 3000 else 0)",
    "X = df[['old', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "apply_rows",
    "df['both'] = df.apply(lambda r: r['income'] * r['visits'], axis=1)",
    "X = df[['both']]; " + SCORE,
    FIT,
)
shape(
    "np_where",
    "df['rich'] = np.where(df['income'] > 3000, 1, 0)",
    "X = df[['rich', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "np_where_mean",
    "df['rich'] = np.where(df['income'] > df['income'].mean(), 1, 0)",
    "X = df[['rich', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "loc_mean",
    "df.loc[df.income > df.income.mean(), 'visits'] = 0",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "str_methods",
    "df['city'] = df['city'].str.strip().str.lower()",
    "X = pd.DataFrame({'n': df.city.str.len(), 'k': df.city.str.contains('k').astype(int), 'v': df.visits}); "
    + SCORE,
    FIT,
)
shape(
    "category_codes",
    "df['city'] = df['city'].astype('category').cat.codes",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "category_codes_later",
    "df['city'] = df['city'].astype('category')",
    "df['code'] = df['city'].cat.codes",
    "X = df[['code', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "category_many",
    "for c in ['city', 'sex']:\n    df[c] = df[c].astype('category').cat.codes",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "categorical_codes",
    "df['city'] = pd.Categorical(df['city']).codes",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "factorize",
    "df['city'], names = pd.factorize(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "factorize_first",
    "df['city'] = pd.factorize(df['city'])[0]",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "factorize_method",
    "df['city'] = df['city'].factorize(sort=True)[0]",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "rare_other",
    "counts = df['city'].value_counts()",
    "rare = counts[counts < 20].index",
    "df['city'] = df['city'].apply(lambda c: 'other' if c in rare else c)",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "frequency_encoding",
    "df['city'] = df['city'].map(df['city'].value_counts())",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "enumerated_unique",
    "codes = {c: i for i, c in enumerate(df['city'].unique())}",
    "df['city'] = df['city'].map(codes)",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)

# Scaling.

shape(
    "scaler_two_columns",
    "sc = StandardScaler()",
    "df['income'] = sc.fit_transform(df[['income']])",
    "df['visits'] = sc.fit_transform(df[['visits']])",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "scaler_test_refitted",
    "X = df[['income', 'visits']]; " + SCORE,
    SPLIT,
    "sc = StandardScaler()\nA = sc.fit_transform(X_train)\nB = sc.fit_transform(X_test)",
    "model = LinearRegression().fit(A, y_train); p = model.predict(B)",
    inputs="A",
    places="X_train.index",
)
shape(
    "scaler_anonymous",
    "A = StandardScaler().fit_transform(df[['income', 'visits']]); " + SCORE,
    "model = LinearRegression().fit(A, y)",
    inputs="A",
    places="df.index",
)
shape(
    "minmax_array",
    "X = df[['income', 'visits']].values; " + SCORE,
    "X = MinMaxScaler().fit_transform(X)",
    FIT,
    places="df.index",
)
shape(
    "scaler_overwrites",
    "X = df[['income', 'visits']]; " + SCORE,
    SPLIT,
    "sc = StandardScaler()",
    "X_train = sc.fit_transform(X_train)\nX_test = sc.transform(X_test)",
    FIT_TRAIN,
    inputs="X_train",
    places="y_train.index",
)
shape(
    "scaler_frame_again",
    "X = df[['income', 'visits']]; " + SCORE,
    "sc = MinMaxScaler()",
    "X = pd.DataFrame(sc.fit_transform(X), columns=X.columns)",
    FIT,
)
shape(
    "scaler_columns_assigned",
    "cols = ['income', 'visits']",
    "sc = StandardScaler()",
    "df[cols] = sc.fit_transform(df[cols])",
    "X = df[cols]; " + SCORE,
    FIT,
)
shape(
    "scaled_by_hand",
    "df['income'] = (df['income'] - df['income'].mean()) / df['income'].std()",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "scaled_frame_by_hand",
    "X = df[['income', 'visits']]; " + SCORE,
    "X = (X - X.mean()) / X.std()",
    FIT,
)
shape(
    "scaled_by_numpy",
    "X = df[['income', 'visits']].values; " + SCORE,
    "X = (X - X.mean(axis=0)) / X.std(axis=0)",
    FIT,
    places="df.index",
)
shape(
    "scaled_by_numpy_function",
    "X = df[['income', 'visits']].values; " + SCORE,
    "X = (X - np.mean(X, axis=0)) / np.std(X, axis=0)",
    FIT,
    places="df.index",
)
shape(
    "minmax_by_hand",
    "X = df[['income', 'visits']]; " + SCORE,
    "X = (X - np.min(X)) / (np.max(X) - np.min(X))",
    FIT,
)
shape(
    "normalized",
    "from sklearn.preprocessing import normalize, scale",
    "X = scale(df[['income', 'visits']]); " + SCORE,
    FIT,
    places="df.index",
    level="direct",
)
shape("norm_by_max", "X = df[['income', 'visits']] / df[['income', 'visits']].max(); " + SCORE, FIT)
shape(
    "pca_after_scaling",
    "from sklearn.decomposition import PCA",
    "X = df[['income', 'visits', 'score']]; y = df.bought",
    "X = StandardScaler().fit_transform(X)",
    "pca = PCA(n_components=2)\nX = pca.fit_transform(X)",
    FIT,
    places="df.index",
)
shape(
    "select_k_best",
    "from sklearn.feature_selection import SelectKBest, f_regression",
    "X = df[['income', 'visits', 'bought']]; " + SCORE,
    "X = MinMaxScaler().fit_transform(X)",
    "X = SelectKBest(f_regression, k=2).fit_transform(X, y)",
    FIT,
    places="df.index",
    training="none",
)
shape(
    "imputer",
    "from sklearn.impute import SimpleImputer",
    "X = df[['age', 'visits']]; " + SCORE,
    "X = SimpleImputer(strategy='median').fit_transform(X)",
    FIT,
    places="df.index",
)
shape(
    "polynomial",
    "from sklearn.preprocessing import PolynomialFeatures",
    "X = PolynomialFeatures(2).fit_transform(df[['visits', 'bought']]); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "column_transformer",
    "from sklearn.compose import ColumnTransformer",
    "ct = ColumnTransformer([('c', OneHotEncoder(), ['city']), ('n', StandardScaler(), ['visits'])])",
    "X = ct.fit_transform(df); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "kmeans_feature",
    "from sklearn.cluster import KMeans",
    "df['cluster'] = KMeans(3, n_init=1, random_state=0).fit_predict(df[['income', 'visits']])",
    "X = df[['cluster', 'visits']]; " + SCORE,
    FIT,
)

# Missing values.

for how in ("mean()", "median()", "mode()[0]"):
    word = how.partition("(")[0]
    shape(
        f"fill_{word}_chained",
        f"df['age'].fillna(df['age'].{how}, inplace=True)",
        "X = df[['age', 'visits']]; " + SCORE,
        FIT,
    )
    shape(
        f"fill_{word}_assigned",
        f"df['age'] = df['age'].fillna(df['age'].{how})",
        "X = df[['age', 'visits']]; " + SCORE,
        FIT,
    )
shape(
    "fill_frame_mean",
    "X = df[['age', 'income', 'visits']]; " + SCORE,
    "X = X.fillna(X.mean())",
    FIT,
)
shape(
    "fill_frame_mean_inplace",
    "X = df[['age', 'income', 'visits']].copy(); " + SCORE,
    "X.fillna(X.mean(), inplace=True)",
    FIT,
)
shape(
    "fill_numeric_mean",
    "df = df.fillna(df.mean(numeric_only=True))",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "fill_loop",
    "for c in ['age', 'income']:\n    df[c] = df[c].fillna(df[c].median())",
    "X = df[['age', 'income']]; " + SCORE,
    FIT,
)
shape("fill_zero", "df = df.fillna(0)", "X = df[['age', 'visits']]; " + SCORE, FIT)
shape(
    "fill_group_mean",
    "df['age'] = df['age'].fillna(df.groupby('city')['age'].transform('mean'))",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "fill_ffill",
    "df['age'] = df['age'].ffill().bfill()",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "fill_random_int",
    "np.random.seed(3)",
    "fill = np.random.randint(20, 60, size=df.age.isna().sum())",
    "df.loc[df.age.isna(), 'age'] = fill",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "fill_apply_groups",
    "def guess(row):\n    age, sex = row['age'], row['sex']\n    if pd.isnull(age):\n        return 30 if sex == 'male' else 35\n    return age",
    "df['age'] = df[['age', 'sex']].apply(guess, axis=1)",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "fill_interpolate",
    "df['age'] = df['age'].interpolate().bfill()",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "indicator",
    "df['missing'] = df['age'].isna().astype(int)",
    "X = df[['missing', 'visits']]; " + SCORE,
    FIT,
)

# Rows left out.

shape("dropna", "df = df.dropna()", "X = df[['age', 'visits']] * 2; " + SCORE, FIT)
shape(
    "dropna_subset",
    "df = df.dropna(subset=['age'])",
    "X = df[['age', 'visits']] * 2; " + SCORE,
    FIT,
)
shape("dropna_inplace", "df.dropna(inplace=True)", "X = df[['age', 'visits']] * 2; " + SCORE, FIT)
shape(
    "dropna_columns",
    "df = df.dropna(axis=1)",
    "X = df.drop(columns=['score', 'note', 'joined', 'city', 'sex', 'grade']) * 2; " + SCORE,
    FIT,
)
shape("mask", "df = df[df.income < 5000]", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape(
    "mask_between",
    "df = df[(df.income > 1000) & (df['visits'] < 9)]",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    FIT,
)
shape("query", "df = df.query('income < 5000')", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape(
    "quantile_filter",
    "hi = df['income'].quantile(0.95)",
    "df = df[df['income'] < hi]",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "iqr_filter",
    "q1, q3 = df.income.quantile(.25), df.income.quantile(.75)",
    "iqr = q3 - q1",
    "df = df[(df.income >= q1 - 1.5 * iqr) & (df.income <= q3 + 1.5 * iqr)]",
    "X = StandardScaler().fit_transform(df[['income', 'visits']]); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "zscore_filter",
    "z = np.abs((df.income - df.income.mean()) / df.income.std())",
    "df = df[z < 2]",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "zscore_scipy",
    "from scipy import stats",
    "z = np.abs(stats.zscore(df[['income', 'visits']]))",
    "df = df[(z < 2).all(axis=1)]",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "drop_index_inplace",
    "df.drop(df[df.income > 5000].index, inplace=True)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "drop_index",
    "df = df.drop(df[df.income > 5000].index)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "clip_to_quantile",
    "lo, hi = df['income'].quantile([.05, .95])",
    "df['income'] = df['income'].clip(lo, hi)",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "cap_to_quantile",
    "hi = df['income'].quantile(.9)",
    "df.loc[df['income'] > hi, 'income'] = hi",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "outlier_function",
    "def remove_outliers(df):\n    m, s = df.income.mean(), df.income.std()\n    return df[df.income < m + 2 * s]",
    "df = remove_outliers(df)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "outlier_groups",
    "def remove_outliers(df):\n    out = pd.DataFrame()\n    for key, sub in df.groupby('city'):\n        m = sub.income.mean()\n        out = pd.concat([out, sub[sub.income < m * 1.5]], ignore_index=True)\n    return out",
    "df = remove_outliers(df)",
    "X = pd.get_dummies(df[['income', 'city']]); " + SCORE,
    FIT,
    places="df.merge(_raw.reset_index())['index']",
)
shape(
    "group_filter",
    "df = df.groupby('city').filter(lambda g: len(g) > 20)",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "isin_filter",
    "top = df.city.value_counts().head(3).index",
    "df = df[df.city.isin(top)]",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "drop_duplicates",
    "df = df.drop_duplicates(subset=['visits', 'city'])",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape("head", "df = df.head(120)", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape("slice_rows", "df = df[10:150]", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape(
    "rows_then_scaled",
    "df = df[df.city != 'Ulm']",
    "X = df[['income', 'visits']]; " + SCORE,
    SPLIT,
    "sc = StandardScaler(); A = sc.fit_transform(X_train)",
    "model = LinearRegression().fit(A, y_train); model.predict(sc.transform(X_test))",
    inputs="A",
    places="X_train.index",
)
shape(
    "index_gap_concat",
    "df = df.dropna().reset_index(drop=True)",
    "d = pd.DataFrame(OneHotEncoder(sparse_output=False).fit_transform(df[['city']]))",
    "X = pd.concat([df[['age', 'visits']], d], axis=1); X.columns = X.columns.astype(str); "
    + SCORE,
    FIT,
    places="_raw.dropna().index",
)

# Bins, groups, other tables.

shape(
    "cut_edges",
    "df['bin'] = pd.cut(df['income'], [0, 1000, 2000, 4000, 99999], labels=[0, 1, 2, 3]).astype(int)",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "cut_bins",
    "df['bin'] = pd.cut(df['income'], 4, labels=False)",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "cut_bins_keyword",
    "df['bin'] = pd.cut(x=df['income'], bins=4, labels=[0, 1, 2, 3]).astype(int)",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "cut_bins_dummies",
    "df['bin'] = pd.cut(df['income'], 3, labels=['a', 'b', 'c'])",
    "X = pd.get_dummies(df[['bin', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "qcut",
    "df['bin'] = pd.qcut(df['income'], 4, labels=False)",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "qcut_labels",
    "df['bin'] = pd.qcut(df['income'], q=3, labels=['a', 'b', 'c']).map({'a': 1, 'b': 5, 'c': 7}).astype(int)",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "qcut_codes",
    "df['bin'] = pd.qcut(df['income'], 4)",
    "df['bin'] = LabelEncoder().fit_transform(df['bin'])",
    "X = df[['bin', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "group_transform",
    "df['m'] = df.groupby('city')['income'].transform('mean')",
    "X = df[['m', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "group_two_keys",
    "df['m'] = df.groupby(['city', 'sex'])['income'].transform('median')",
    "X = df[['m', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "group_count",
    "df['n'] = df.groupby('city')['city'].transform('count')",
    "X = df[['n', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "target_encoding",
    "means = df.groupby('city')['score'].mean()",
    "df['city'] = df['city'].map(means)",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "group_merge",
    "g = df.groupby('city', as_index=False).agg(m=('income', 'mean'))",
    "df = df.merge(g, on='city', how='left')",
    "X = df[['m', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "merge_lookup",
    "places = pd.read_csv('places.csv')",
    "df = df.merge(places, on='city', how='left')",
    "X = df[['people', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "merge_lookup_first",
    "df = df.merge(places, on='city', how='left')",
    "X = df[['people', 'visits']]; " + SCORE,
    FIT,
    start="places = pd.read_csv('places.csv')\n" + LOAD,
    level="frame",
)
shape(
    "map_lookup",
    "places = pd.read_csv('places.csv', index_col='city')['people']",
    "df['p'] = df.city.map(places)",
    "X = df[['p', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "pivot_rank",
    "df['r'] = df['income'].rank()",
    "X = df[['r', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)

# Several tables.

shape(
    "train_and_test_stacked",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
    "both = pd.concat([train, test], ignore_index=True)",
    "both['age'] = both['age'].fillna(both['age'].mean())",
    "both = pd.get_dummies(both[['city', 'age', 'visits', 'score']])",
    "n = len(train)\nX = both[:n].drop(columns='score'); y = both[:n].score",
    FIT,
    start="",
    training="none",
)
shape(
    "train_and_test_stacked_len",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
    "both = pd.concat([train, test]).reset_index(drop=True)",
    "both['city'] = LabelEncoder().fit_transform(both['city'])",
    "X = both[['city', 'visits']][:train.shape[0]]; y = train.score",
    FIT,
    start="",
)
shape(
    "loop_over_two",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
    "for d in [train, test]:\n    d['sex'] = d['sex'].map({'male': 0, 'female': 1})\n    d['age'] = d['age'].fillna(30)",
    "X = train[['sex', 'age', 'visits']]; y = train.score",
    FIT,
    start="",
)
shape(
    "loop_over_two_learning",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
    "for d in [train, test]:\n    d['age'] = d['age'].fillna(d['age'].median())",
    "X = train[['age', 'visits']]; y = train.score",
    FIT,
    start="",
)
shape(
    "list_of_frames",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv'); both = [train, test]",
    "for d in both:\n    d['sex'] = d['sex'].map({'male': 0, 'female': 1})",
    "X = train[['sex', 'visits']]; y = train.score",
    FIT,
    start="",
)
shape(
    "dict_of_frames",
    "frames = {'a': pd.read_csv('people.csv')}",
    "frames['a']['sex'] = frames['a']['sex'].map({'male': 0, 'female': 1})",
    "X = frames['a'][['sex', 'visits']]; y = frames['a'].score",
    FIT,
    start="",
    level="frame",
)
shape(
    "test_mean_of_train",
    "train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
    "train['age'] = train['age'].fillna(train['age'].mean()); test['age'] = test['age'].fillna(train['age'].mean())",
    "X = train[['age', 'visits']]; y = train.score",
    FIT,
    "p = model.predict(test[['age', 'visits']])",
    start="",
)
shape(
    "two_sources",
    "a = pd.read_csv('people.csv'); b = pd.read_csv('more.csv')",
    "a['from'] = 0; b['from'] = 1",
    "df = pd.concat([a, b], ignore_index=True)",
    "X = df[['from', 'visits']] * 2; " + SCORE,
    FIT,
    start="",
    level="frame",
    cell=4,
)
shape(
    "two_sources_plain",
    "a = pd.read_csv('people.csv'); b = pd.read_csv('more.csv')",
    "df = pd.concat([a, b], ignore_index=True)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    start="",
    table="df",
)

# Functions, classes, names.

shape(
    "function_plain",
    "def prepare(d):\n    d = d.copy()\n    d['sex'] = d['sex'].map({'male': 0, 'female': 1})\n    return d[['sex', 'visits']]",
    "X = prepare(df); " + SCORE,
    FIT,
)
shape(
    "function_global_constant",
    "LIMIT = 3000",
    "def rich(v):\n    return int(v > LIMIT)",
    "df['rich'] = df.income.apply(rich)",
    "X = df[['rich', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "function_global_changed",
    "LIMIT = 3000",
    "def rich(v):\n    return int(v > LIMIT)",
    "df['rich'] = df.income.apply(rich)",
    "LIMIT = 1000",
    "df['well'] = df.income.apply(rich)",
    "X = df[['rich', 'well', 'visits']]; " + SCORE,
    FIT,
    level="frame",
    training="none",
)
shape(
    "function_global_later",
    "def rich(v):\n    return int(v > LIMIT)",
    "LIMIT = 3000",
    "df['rich'] = df.income.apply(rich)",
    "LIMIT = 1000",
    "X = df[['rich', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "function_global_table",
    "def above(v):\n    return int(v > df.income.mean())",
    "df['rich'] = df.income.apply(above)",
    "X = df[['rich', 'visits']]; " + SCORE,
    FIT,
    level="direct",
)
shape(
    "function_learning",
    "def fill(d, c):\n    d[c] = d[c].fillna(d[c].mean())\n    return d",
    "df = fill(df, 'age')",
    "df = fill(df, 'income')",
    "X = df[['age', 'income']]; " + SCORE,
    FIT,
)
shape(
    "function_scaling",
    "def scaled(d):\n    sc = StandardScaler()\n    return pd.DataFrame(sc.fit_transform(d), columns=d.columns)",
    "X = scaled(df[['income', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "function_train_and_test",
    "def clean(d):\n    d = d.copy()\n    d['age'] = d['age'].fillna(d['age'].median())\n    return d[['age', 'visits']]",
    "train, test = train_test_split(df, random_state=1)",
    "X = clean(train); y = train.score",
    "Z = clean(test)",
    FIT,
    "p = model.predict(Z)",
)
shape(
    "function_nested",
    "def half(v):\n    return v / 2\ndef prepare(d):\n    return pd.DataFrame({'a': d.income.apply(half), 'b': d.visits})",
    "X = prepare(df); " + SCORE,
    FIT,
)
shape(
    "function_default",
    "def fill(d, value=df.age.mean()):\n    d = d.copy()\n    d['age'] = d['age'].fillna(value)\n    return d",
    "df = fill(df)",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="direct",
)
shape(
    "function_redefined",
    "def f(v):\n    return v * 2",
    "df['a'] = df.visits.apply(f)",
    "def f(v):\n    return v * 3",
    "df['b'] = df.income.apply(f)",
    "X = df[['a', 'b']]; " + SCORE,
    FIT,
    level="frame",
    training="none",
)
shape(
    "lambda_named",
    "double = lambda v: v * 2",
    "df['visits'] = df['visits'].apply(double)",
    "X = df[['visits', 'income']]; " + SCORE,
    FIT,
)
shape(
    "lambda_learning",
    "fill = lambda s: s.fillna(s.mean())",
    "df['age'] = fill(df['age'])",
    "df['income'] = fill(df['income'])",
    "X = df[['age', 'income']]; " + SCORE,
    FIT,
)
shape(
    "class_in_cell",
    "class Cleaner:\n    def __init__(self, word):\n        self.word = word\n    def clean(self, d):\n        d = d.copy()\n        d['sex'] = (d['sex'] == self.word).astype(int)\n        return d",
    "df = Cleaner('male').clean(df)",
    "X = df[['sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "class_transformer",
    "from sklearn.base import BaseEstimator, TransformerMixin\nclass Fill(BaseEstimator, TransformerMixin):\n    def fit(self, X, y=None):\n        self.m_ = X.mean()\n        return self\n    def transform(self, X):\n        return X.fillna(self.m_)",
    "X = Fill().fit_transform(df[['age', 'visits']]); " + SCORE,
    FIT,
    level="frame",
)
shape(
    "class_learning",
    "class Cleaner:\n    def clean(self, d):\n        d = d.copy()\n        d['age'] = d['age'].fillna(d['age'].mean())\n        return d",
    "df = Cleaner().clean(df)",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "pipe_assign",
    "df = (df.assign(rich=lambda d: d.income / 1000)\n      .rename(columns={'visits': 'n'}))",
    "X = df[['rich', 'n']]; " + SCORE,
    FIT,
)
shape(
    "pipe_assign_learning",
    "df = df.assign(age=lambda d: d.age.fillna(d.age.mean()))",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "alias_mutated",
    "df2 = df",
    "df2['visits'] = df2['visits'] * 10",
    "X = df[['visits', 'income']]; " + SCORE,
    FIT,
)
shape(
    "alias_mutated_later",
    "X = df[['visits', 'income']]; " + SCORE,
    "same = X",
    "same['visits'] = same['visits'] * 10",
    FIT,
)
shape(
    "chained_assignment",
    "df['age'][df['age'].isna()] = 40",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "renamed", "df = df.rename(columns={'visits': 'n'})", "X = df[['n', 'income']]; " + SCORE, FIT
)
shape(
    "columns_set",
    "df.columns = [c.upper() for c in df.columns]",
    "X = df[['VISITS', 'INCOME']]; y = df.SCORE",
    FIT,
)
shape("columns_listed", "df.columns = list('abcdefghij')", "X = df[['e', 'd']]; y = df.i", FIT)
shape(
    "iloc_cut", "X = df.iloc[:, 3:5].values * 1.0; y = df.iloc[:, 8].values", FIT, places="df.index"
)
shape(
    "values_columns",
    "data = df[['visits', 'income', 'score']].values",
    "X = data[:, :2] + 1; y = data[:, 2]",
    FIT,
    places="df.index",
)
shape(
    "del_column",
    "del df['note']; df.drop('joined', axis=1, inplace=True)",
    "df['city'] = LabelEncoder().fit_transform(df.city)",
    "X = df.drop(columns=['score', 'sex', 'age', 'grade']); " + SCORE,
    FIT,
)
shape("pop_target", "y = df.pop('score')", "X = df[['visits', 'income']] * 2", FIT, training="same")
shape(
    "multi_assign",
    "a = b = df[['visits', 'income']].copy()",
    "a['visits'] += 1",
    "X = b; " + SCORE,
    FIT,
)
shape("swap", "p, q = df[['visits', 'income']], df.score", "X, y = p * 2, q", FIT)
shape(
    "walrus_and_if",
    "if df['age'].isna().sum() > 0:\n    df['age'] = df['age'].fillna(df['age'].mean())",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "if_any_column",
    "for c in df.columns:\n    if df[c].isnull().any():\n        df[c] = df[c].fillna(df[c].mean())",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "object_columns_loop",
    "for c in df.select_dtypes('object').columns:\n    df[c] = LabelEncoder().fit_transform(df[c].astype(str))",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "object_columns_dtype",
    "for c in df.columns:\n    if df[c].dtype == 'object':\n        df[c] = LabelEncoder().fit_transform(df[c].astype(str))",
    "X = df[['city', 'sex', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "try_except",
    "try:\n    df['age'] = df['age'].fillna(df['age'].mean())\nexcept Exception:\n    pass",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "correlated_dropped",
    "c = df[['income', 'visits', 'score', 'bought']].corr()['score'].abs()",
    "good = c[c > 0.2].index.drop('score')",
    "X = df[good] * 2; " + SCORE,
    FIT,
)
shape(
    "while_loop",
    "i = 0\nwhile i < 3:\n    df['visits'] = df['visits'] + i\n    i += 1",
    "X = df[['visits', 'income']]; " + SCORE,
    FIT,
)
shape(
    "iterrows",
    "for i, r in df.iterrows():\n    if pd.isnull(r['age']):\n        df.loc[i, 'age'] = 33",
    "X = df[['age', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "comprehension_rows",
    "df['n'] = [len(v) for v in df.city]",
    "X = df[['n', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "range_rows",
    "df['n'] = 0\nfor i in range(len(df)):\n    df.loc[i, 'n'] = len(df.loc[i, 'city'])",
    "X = df[['n', 'visits']]; " + SCORE,
    FIT,
)

# Dates and texts.

shape(
    "dates",
    "df['joined'] = pd.to_datetime(df['joined'])",
    "df['month'] = df.joined.dt.month; df['day'] = df['joined'].dt.dayofweek",
    "X = df[['month', 'day']]; " + SCORE,
    FIT,
)
shape(
    "days_since_first",
    "df['joined'] = pd.to_datetime(df['joined'])",
    "df['days'] = (df['joined'] - df['joined'].min()).dt.days",
    "X = df[['days', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "parse_dates",
    "X = pd.DataFrame({'m': df.joined.dt.month, 'v': df.visits}); " + SCORE,
    FIT,
    start="df = pd.read_csv('people.csv', parse_dates=['joined'])",
    table="_raw.assign(joined=pd.to_datetime(_raw.joined))",
)
shape(
    "count_vectorizer",
    "from sklearn.feature_extraction.text import CountVectorizer",
    "X = CountVectorizer().fit_transform(df['note']); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "tfidf",
    "from sklearn.feature_extraction.text import TfidfVectorizer",
    "cv = TfidfVectorizer(); X = cv.fit_transform(df['note']).toarray(); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "tfidf_split",
    "from sklearn.feature_extraction.text import TfidfVectorizer",
    "X = df['note']; " + SCORE,
    SPLIT,
    "cv = TfidfVectorizer(); A = cv.fit_transform(X_train); B = cv.transform(X_test)",
    "model = LinearRegression().fit(A, y_train); model.predict(B)",
    inputs="A",
    places="X_train.index",
)
shape(
    "text_cleaned",
    "import re\nfrom sklearn.feature_extraction.text import CountVectorizer",
    "corpus = []\nfor i in range(0, len(df)):\n    t = re.sub('[^a-z]', ' ', df['note'][i].lower())\n    corpus.append(t)",
    "X = CountVectorizer(max_features=6).fit_transform(corpus).toarray(); " + SCORE,
    FIT,
    places="df.index",
    level="raw",
)
shape(
    "text_applied",
    "from sklearn.feature_extraction.text import CountVectorizer\ndef clean(t):\n    return ' '.join(w for w in t.lower().split() if len(w) > 3)",
    "df['note'] = df['note'].apply(clean)",
    "X = CountVectorizer().fit_transform(df['note']); " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "sparse_stacked",
    "from scipy.sparse import hstack\nfrom sklearn.feature_extraction.text import CountVectorizer",
    "A = CountVectorizer().fit_transform(df['note'])",
    "X = hstack([A, df[['visits']].values]).tocsr(); " + SCORE,
    FIT,
    places="df.index",
)

# Splits, resampling, searches.

shape(
    "split_before",
    "train, test = train_test_split(df, test_size=.3, random_state=2)",
    "m = train['age'].mean()",
    "train = train.assign(age=train.age.fillna(m)); test = test.assign(age=test.age.fillna(m))",
    "X = train[['age', 'visits']]; y = train.score",
    FIT,
    "model.predict(test[['age', 'visits']])",
)
shape(
    "split_after",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    SPLIT,
    FIT_TRAIN,
    inputs="X_train",
)
shape(
    "split_unseeded",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    SPLIT.replace(", random_state=3", ""),
    FIT_TRAIN,
    inputs="X_train",
    training="another",
)
shape(
    "split_stratified",
    "df['city'] = df.city.map({'Bonn': 1, 'Kiel': 2}).fillna(0)",
    "X = df[['city', 'visits']]; y = df.bought",
    "X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=3)",
    "model = LogisticRegression().fit(X_train, y_train); model.predict(X_test)",
    inputs="X_train",
)
shape(
    "split_no_target",
    "X = pd.get_dummies(df[['city', 'visits', 'score']])",
    "a, b = train_test_split(X, random_state=0)",
    "X = a.drop(columns='score'); y = a.score",
    FIT,
)
shape(
    "split_twice",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    SPLIT,
    "X_tr, X_va, y_tr, y_va = train_test_split(X_train, y_train, random_state=1)",
    "model = LinearRegression().fit(X_tr, y_tr); model.predict(X_va); model.predict(X_test)",
    inputs="X_tr",
)
shape(
    "split_by_hand",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "n = int(len(X) * .8)\nX_train, X_test = X[:n], X[n:]\ny_train, y_test = y[:n], y[n:]",
    FIT_TRAIN,
    inputs="X_train",
    training="none",
)
shape(
    "split_by_mask",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "np.random.seed(1)\nm = np.random.rand(len(df)) < .8",
    "X_train, y_train = X[m], y[m]",
    "model = LinearRegression().fit(X_train, y_train)",
    inputs="X_train",
    training="none",
)
shape(
    "sample_drop",
    "train = df.sample(frac=.8, random_state=1); test = df.drop(train.index)",
    "X = train[['income', 'visits']] * 2; y = train.score",
    FIT,
)
shape("sample_all", "df = df.sample(frac=1)", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape(
    "sample_all_reset",
    "df = df.sample(frac=1, random_state=1).reset_index(drop=True)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    places="_raw.sample(frac=1, random_state=1).index",
)
shape("sorted", "df = df.sort_values('income')", "X = df[['income', 'visits']] * 2; " + SCORE, FIT)
shape(
    "sorted_reset",
    "df = df.sort_values('score').reset_index(drop=True)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    places="_raw.sort_values('score').index",
)
shape(
    "shuffled",
    "from sklearn.utils import shuffle",
    "df = shuffle(df, random_state=0)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
)
shape(
    "shuffled_pair",
    "from sklearn.utils import shuffle",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "X, y = shuffle(X, y, random_state=0)",
    FIT,
)
shape(
    "resampled_frames",
    "from sklearn.utils import resample",
    "more, less = df[df.bought == 0], df[df.bought == 1]",
    "less = resample(less, n_samples=len(more), random_state=1)",
    "df = pd.concat([more, less])",
    "X = df[['income', 'visits']] * 2; y = df.bought",
    "model = LogisticRegression().fit(X, y)",
)
shape(
    "smote",
    "from imblearn.over_sampling import SMOTE",
    "X = df[['income', 'visits']] * 2; y = df.bought",
    SPLIT,
    "X_train, y_train = SMOTE(random_state=0).fit_resample(X_train, y_train)",
    "model = LogisticRegression().fit(X_train, y_train); model.predict(X_test)",
    inputs="X_test",
)
shape(
    "smote_after_scaling",
    "from imblearn.over_sampling import SMOTE",
    "X = StandardScaler().fit_transform(df[['income', 'visits']]); y = df.bought",
    "X_res, y_res = SMOTE(random_state=0).fit_resample(X, y)",
    "model = LogisticRegression().fit(X_res, y_res)",
    places="df.index",
)
shape(
    "kfold",
    "from sklearn.model_selection import KFold",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "for a, b in KFold(3).split(X):\n    model = LinearRegression()\n    model.fit(X.iloc[a], y.iloc[a])\n    model.predict(X.iloc[b])",
    inputs="X.iloc[a]",
)
shape(
    "kfold_named",
    "from sklearn.model_selection import KFold",
    "X = (df[['income', 'visits']] * 2).values; y = df.score.values",
    "for a, b in KFold(3).split(X):\n    X_train, X_test, y_train = X[a], X[b], y[a]\n    model = LinearRegression().fit(X_train, y_train)",
    inputs="X_train",
    places="a",
)
shape(
    "grid_search",
    "from sklearn.model_selection import GridSearchCV\nfrom sklearn.tree import DecisionTreeRegressor",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "gs = GridSearchCV(DecisionTreeRegressor(random_state=0), {'max_depth': [2, 3]}, cv=3)\ngs.fit(X, y)",
    "gs.predict(X)",
    witness_model="gs",
)
shape(
    "refitted",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "model = LinearRegression()\nmodel.fit(X[:50], y[:50])",
    "model.fit(X, y)",
)
shape(
    "refitted_on_less",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "model = LinearRegression()\nmodel.fit(X, y)",
    "X = X[:90]; y = y[:90]",
    "model.fit(X, y)",
)
shape(
    "models_dict",
    "from sklearn.tree import DecisionTreeRegressor",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "models = {'a': LinearRegression(), 'b': DecisionTreeRegressor(random_state=0)}",
    "for name, m in models.items():\n    m.fit(X, y)",
    model="models['a']",
    witness_model="models['a']",
)
shape(
    "models_list",
    "from sklearn.tree import DecisionTreeRegressor",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "for m in [DecisionTreeRegressor(random_state=0), LinearRegression()]:\n    m.fit(X, y)\n    m.predict(X)",
    witness_model="m",
    model="m",
)
shape(
    "fit_in_function",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "def train(A, b):\n    m = LinearRegression()\n    m.fit(A, b)\n    return m",
    "model = train(X, y)",
)
shape(
    "fit_in_function_global",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "def train(m):\n    m.fit(X, y)\n    return m",
    "model = train(LinearRegression())",
)
shape(
    "fit_on_expression",
    "model = LinearRegression().fit(df[['income', 'visits']] * 2, df['score'])",
    inputs="df[['income', 'visits']] * 2",
    places="df.index",
)
shape(
    "fit_on_dummies",
    "model = LinearRegression().fit(pd.get_dummies(df[['city', 'visits']]), df['score'])",
    inputs="pd.get_dummies(df[['city', 'visits']])",
    places="df.index",
)
shape(
    "fit_on_scaled",
    "sc = StandardScaler()",
    "model = LinearRegression().fit(sc.fit_transform(df[['income', 'visits']]), df['score'])",
    inputs="sc.transform(df[['income', 'visits']])",
    places="df.index",
)
shape(
    "fit_reshaped",
    "model = LinearRegression().fit(df['income'].values.reshape(-1, 1), df['score'])",
    inputs="df['income'].values.reshape(-1, 1)",
    places="df.index",
)
shape(
    "fit_keywords",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "model = LinearRegression()",
    "model.fit(y=y, X=X)",
)
shape(
    "pipeline_after",
    "from sklearn.pipeline import make_pipeline",
    "df['city'] = df.city.str.lower()",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    "model = make_pipeline(StandardScaler(), LinearRegression())\nmodel.fit(X, y)",
)
shape(
    "changed_after_fit",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    "X['income'] = 0; df['visits'] = -1",
    "df = None",
    inputs="Z",
    start=LOAD + "; Z = df[['income', 'visits']] * 2",
)
shape(
    "name_reused",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    "df = pd.read_csv('more.csv')",
    "X = df[['income']]",
    inputs="Z",
    start=LOAD + "; Z = df[['income', 'visits']] * 2",
)

# What no request may be answered from.

shape(
    "leakage",
    "df['twice'] = df['score'] * 2",
    "X = df[['twice', 'visits']]; " + SCORE,
    FIT,
    columns="visits score",
)
shape(
    "lag",
    "df['last'] = df['income'].shift(1).fillna(0)",
    "X = df[['last', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "rolling",
    "df['r'] = df['income'].rolling(3, min_periods=1).mean()",
    "X = df[['r', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "cumulative",
    "df['c'] = df['visits'].cumsum()",
    "X = df[['c', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "group_cumcount",
    "df['c'] = df.groupby('city').cumcount()",
    "X = df[['c', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "ranked",
    "df['r'] = df['income'].rank(pct=True)",
    "X = df[['r', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "difference",
    "df['d'] = df['income'].diff().fillna(0)",
    "X = df[['d', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "duplicated_flag",
    "df['d'] = df.duplicated(subset=['city', 'visits']).astype(int)",
    "X = df[['d', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "group_rank",
    "df['r'] = df.groupby('city')['income'].rank()",
    "X = df[['r', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "row_number",
    "df['n'] = range(len(df))",
    "X = df[['n', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "index_feature", "df['n'] = df.index", "X = df[['n', 'visits']]; " + SCORE, FIT, level="frame"
)
shape(
    "reset_index_feature",
    "df = df.reset_index()",
    "X = df[['index', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "noise",
    "df['noise'] = np.random.rand(len(df))",
    "X = df[['noise', 'visits']]; " + SCORE,
    FIT,
    level="frame",
    training="another",
)
shape(
    "noise_seeded",
    "np.random.seed(4)",
    "df['noise'] = np.random.rand(len(df))",
    "X = df[['noise', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "default_rng",
    "rng = np.random.default_rng(1)",
    "df['noise'] = rng.random(len(df))",
    "X = df[['noise', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "share_of_total",
    "df['share'] = df['income'] / df['income'].sum()",
    "X = df[['share', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "only_first_row",
    "first = df['income'][0]",
    "df['rel'] = df['income'] / first",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "first_row_iloc",
    "df['rel'] = df['income'] / df['income'].iloc[0]",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "first_row_values",
    "df['rel'] = df['income'] / df['income'].values[0]",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "first_row_loc",
    "df['rel'] = df['income'] - df.loc[0, 'income']",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "first_row_list",
    "v = df['income'].tolist()",
    "df['rel'] = df['income'] - v[0]",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "builtin_max",
    "df['rel'] = df['income'] / max(df['income'])",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "builtin_sum_len",
    "df['rel'] = df['income'] - sum(df['income']) / len(df)",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "len_of_rows",
    "df['rel'] = df['income'] / len(df)",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "shape_of_rows",
    "df['rel'] = df['income'] / df.shape[0]",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "size_of_rows",
    "df['rel'] = df['income'] / df['income'].size",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "sorted_builtin",
    "limit = sorted(df['income'])[50]",
    "df['rel'] = (df['income'] > limit).astype(int)",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "set_of_values",
    "cities = sorted(set(df['city']))",
    "df['city'] = df['city'].map(lambda c: cities.index(c))",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "list_of_unique",
    "cities = list(df['city'].unique())",
    "df['city'] = [cities.index(c) for c in df['city']]",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "counter",
    "from collections import Counter\nn = Counter(df['city'])",
    "df['city'] = df['city'].map(n)",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "dict_zip",
    "g = df.groupby('city')['income'].mean().to_dict()",
    "df['m'] = df.city.map(g)",
    "X = df[['m', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "describe",
    "d = df['income'].describe()",
    "df['rel'] = (df['income'] - d['mean']) / d['std']",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "is_max",
    "df['top'] = (df['visits'] == df['visits'].max()).astype(int)",
    "X = df[['top', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "argmax",
    "i = df['income'].idxmax()",
    "df['rel'] = df['income'] - df['income'][i]",
    "X = df[['rel', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "numpy_percentile",
    "hi = np.percentile(df['income'], 90)",
    "df['income'] = np.minimum(df['income'], hi)",
    "X = df[['income', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "apply_axis0",
    "X = df[['income', 'visits']].apply(lambda c: (c - c.min()) / (c.max() - c.min())); " + SCORE,
    FIT,
    level="frame",
)
shape(
    "apply_axis0_function",
    "def scaled(c):\n    return (c - c.mean()) / c.std()",
    "X = df[['income', 'visits']].apply(scaled); " + SCORE,
    FIT,
    level="frame",
)
shape(
    "map_function_mean",
    "m = df.income.mean()",
    "df['d'] = df.income.map(lambda v: v - m)",
    "X = df[['d', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "apply_inner_mean",
    "df['d'] = df.income.apply(lambda v: v - df.income.mean())",
    "X = df[['d', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "value_counts_mask",
    "df = df[df.city.map(df.city.value_counts()) > 20]",
    "X = pd.get_dummies(df[['city', 'visits']]); " + SCORE,
    FIT,
)
shape(
    "two_means",
    "a = df.income.mean()",
    "df = df[df.income < 5000]",
    "b = df.income.mean()",
    "df['d'] = df.income * a - b",
    "X = df[['d', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "dot_product",
    "A = df[['income', 'visits']].values",
    "G = A.T @ A",
    "X = A @ np.linalg.inv(G); " + SCORE,
    FIT,
    places="df.index",
    level="direct",
)
shape(
    "distance_to_mean",
    "A = df[['income', 'visits']].values",
    "X = A - A.mean(0); X = np.c_[X, np.abs(X).sum(1)]; " + SCORE,
    FIT,
    places="df.index",
)
shape(
    "standard_by_row_sum",
    "A = df[['income', 'visits']]",
    "X = A.div(A.sum(axis=1) + 1, axis=0); " + SCORE,
    FIT,
)

# Where the rows come from.

shape(
    "data_overwritten",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "df.to_csv('people.csv', index=False)",
    "df = pd.read_csv('people.csv')",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    level="frame",
)
shape(
    "data_saved_after",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    "df.to_csv('people.csv', index=False)",
)
shape(
    "index_col",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    start="df = pd.read_csv('people.csv', index_col='joined')",
    places="range(len(df))",
)
shape(
    "set_index",
    "df = df.set_index('joined')",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    places="range(len(df))",
)
shape(
    "reset_index",
    "df = df[df.visits > 2].reset_index(drop=True)",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    places="_raw.index[_raw.visits > 2]",
)
shape(
    "inline_frame",
    "df['sex'] = df.sex.map({'m': 0, 'f': 1})",
    "X = df[['sex', 'n']]; y = df.y",
    FIT,
    start="df = pd.DataFrame({'sex': list('mfmffmmf'), 'n': [1, 2, 3, 4, 5, 6, 7, 9], 'y': [1, 5, 2, 4, 7, 9, 2, 3]})",
    level="direct",
)
shape(
    "load_bunch",
    "from sklearn.datasets import load_iris\niris = load_iris()",
    "X = StandardScaler().fit_transform(iris.data); y = iris.target",
    "model = LogisticRegression().fit(X, y)",
    start="",
    places="range(150)",
    table="load_iris(as_frame=True).data",
)
shape(
    "load_bunch_frame",
    "from sklearn.datasets import load_iris\niris = load_iris()",
    "df = pd.DataFrame(iris.data, columns=iris.feature_names); df['y'] = iris.target",
    "X = df.drop(columns='y') * 2; y = df.y",
    "model = LogisticRegression(max_iter=2000).fit(X, y)",
    start="",
    table="df",
)
shape(
    "load_return_X_y",
    "from sklearn.datasets import load_diabetes\nX, y = load_diabetes(return_X_y=True)",
    "X = X * 2",
    FIT,
    start="",
    places="range(442)",
    table="load_diabetes(as_frame=True).data",
)
shape(
    "load_as_frame",
    "from sklearn.datasets import load_iris\niris = load_iris(as_frame=True); df = iris.frame",
    "X = df.drop(columns='target') * 2; y = df.target",
    "model = LogisticRegression(max_iter=2000).fit(X, y)",
    start="",
    table="df",
    level="raw",
)
shape(
    "loadtxt",
    "A = np.loadtxt('plain.csv', delimiter=',')",
    "X = A[:, :2] * 2; y = A[:, 2]",
    FIT,
    start="",
    places="range(60)",
    table="pd.DataFrame(A, columns=['x0', 'x1', 'x2'])",
)
shape(
    "excel_like",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    start="df = pd.read_csv('people.csv', usecols=['income', 'visits', 'score', 'city'])",
)
shape(
    "read_chained",
    "X = df[['age', 'visits']] * 2; " + SCORE,
    FIT,
    start="df = pd.read_csv('people.csv').dropna()",
)
shape(
    "na_values",
    "df['age'] = df.age.fillna(1)",
    "X = df[['age', 'visits']] * 2; " + SCORE,
    FIT,
    start="df = pd.read_csv('people.csv', na_values=['?'])",
)
shape(
    "read_twice",
    LOAD,
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "read_in_function",
    "def load(name):\n    return pd.read_csv(name)",
    "df = load('people.csv')",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    start="",
)
shape(
    "magics",
    "%matplotlib inline\n!ls\ndf['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "comments",
    "# Cities become numbers.\ndf['city'] = df['city'].map({  # one by one\n    'Bonn': 1,\n    'Kiel': 2,  # not Ulm\n}).fillna(0)\n'''A text\nof two lines: df = None'''",
    'q = """\nincome < 5000\n""".strip()\ndf = df.query(q)',
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "failing_cell",
    "df['nope'].plot()",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
    fails=True,
)
shape(
    "plots",
    "import matplotlib.pyplot as plt\nplt.hist(df.income); plt.show()",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "df.groupby('city').score.mean().plot()",
    "X = df[['city', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "unicode",
    "df['größe'] = df['income'] / 1000  # Größe in k€",
    "X = df[['größe', 'visits']]; " + SCORE,
    FIT,
)
shape(
    "scaler_fitted_on_the_test_rows_before",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    SPLIT + "\nscaler = StandardScaler()\nX_test = scaler.fit_transform(X_test)\n"
    "Z = scaler.fit_transform(X_train)",
    "model = LinearRegression().fit(Z, y_train)",
    inputs="scaler.transform(X)",
    places="X.index",
)

# Arrays of data sets as rows.

FLOWERS = "load_iris(as_frame=True).data"
IRIS = "from sklearn.datasets import load_iris"
LENGTHS = tuple(
    f"{part} {size} (cm)" for part in ("sepal", "petal") for size in ("length", "width")
)
CLASSIFY = "model = LogisticRegression(max_iter=500).fit(X, y)"
shape(
    "bunch_scaled",
    "iris = load_iris()\nX = iris.data\ny = iris.target",
    "X = StandardScaler().fit_transform(X)",
    CLASSIFY,
    columns=LENGTHS,
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "bunch_split_scaled",
    "iris = load_iris()\nX, y = iris.data, iris.target",
    SPLIT,
    "s = StandardScaler()\nX_train = s.fit_transform(X_train)\nX_test = s.transform(X_test)",
    "model = LogisticRegression(max_iter=500).fit(X_train, y_train); model.predict(X_test)",
    columns=LENGTHS,
    inputs="s.transform(X)",
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "bunch_unnamed",
    "iris = load_iris()",
    "X_train, X_test, y_train, y_test = train_test_split(iris.data, iris['target'], random_state=3)",
    "scaler = MinMaxScaler()\nX_train = scaler.fit_transform(X_train)",
    "model = LogisticRegression(max_iter=500).fit(X_train, y_train)",
    columns=LENGTHS,
    inputs="scaler.transform(iris.data)",
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "bunch_pca",
    "from sklearn.datasets import load_digits\nfrom sklearn.decomposition import PCA",
    "digits = load_digits()\npca = PCA(5, random_state=0)\nX = pca.fit_transform(digits.data / 16)",
    "model = LogisticRegression(max_iter=900).fit(X, digits.target)",
    places="range(1797)",
    table="load_digits(as_frame=True).data",
    start="",
)
shape(
    "bunch_columns",
    "iris = load_iris()\nX = iris.data[:, [2, 3]]\ny = iris.target",
    "X = (X - X.mean(axis=0)) / X.std(axis=0)",
    CLASSIFY,
    columns=LENGTHS[2:],
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "bunch_columns_later",
    "iris = load_iris()\nX = iris.data\ny = iris.target",
    "X = StandardScaler().fit_transform(X[:, 2:])",
    CLASSIFY,
    columns=LENGTHS[2:],
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "data_set_pair",
    "from sklearn.datasets import load_wine\nX, y = load_wine(return_X_y=True)",
    "X = MinMaxScaler().fit_transform(X)",
    CLASSIFY,
    places="range(178)",
    table="load_wine(as_frame=True).data",
    start="",
)
shape(
    "data_set_made",
    "from sklearn.datasets import make_classification\nX, y = make_classification(200, 5, random_state=2)\nmade = pd.DataFrame(X, columns=['x0', 'x1', 'x2', 'x3', 'x4'])",
    "X = StandardScaler().fit_transform(X)",
    CLASSIFY,
    columns=("x0", "x1", "x2", "x3", "x4"),
    places="range(200)",
    table="made",
    start="",
)
shape(
    "values_at_first",
    "data = pd.read_csv('people.csv')[['income', 'visits', 'score']].values",
    "X = StandardScaler().fit_transform(data[:, :-1])\ny = data[:, -1]",
    FIT,
    columns=("income", "visits"),
    places="range(204)",
    start="",
)
shape(
    "values_at_first_mixed",
    "data = pd.read_csv('people.csv').values",
    "X = data[:, [0, 4]]\ny = data[:, 8].astype(float)",
    "X[:, 0] = LabelEncoder().fit_transform(X[:, 0])",
    FIT,
    columns=("city", "visits"),
    places="range(204)",
    start="",
)

# Fits in a loop, in a function, in a comprehension.

MODELS = (
    "models = {'a': LogisticRegression(C=0.1, max_iter=500), 'b': LogisticRegression(max_iter=500)}"
)
shape(
    "fit_in_loop_bunch",
    "iris = load_iris()\niris_scaled = MinMaxScaler().fit_transform(iris.data)",
    MODELS,
    "for name, m in models.items():\n    clf = m\n    clf.fit(iris_scaled, iris.target)",
    columns=LENGTHS,
    model="models['b']",
    witness_model="models['b']",
    inputs="iris_scaled",
    places="range(150)",
    table=FLOWERS,
    start=IRIS,
)
shape(
    "fit_in_loop_search",
    "from sklearn.datasets import load_digits\nfrom sklearn.model_selection import GridSearchCV\ndigits = load_digits()",
    "params = {'a': {'model': LogisticRegression(max_iter=50), 'grid': {'C': [0.1, 1]}}}",
    "for name, mp in params.items():\n    clf = GridSearchCV(mp['model'], mp['grid'], cv=3)\n    clf.fit(digits.data / 16, digits.target)",
    model="clf",
    witness_model="clf",
    inputs="digits.data / 16",
    places="range(1797)",
    table="load_digits(as_frame=True).data",
    start="",
)
shape(
    "fit_in_loop",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    SPLIT,
    MODELS,
    "for m in models.values():\n    m.fit(X_train, y_train)\n    m.score(X_test, y_test)",
    columns="city visits",
    model="models['b']",
    witness_model="models['b']",
)
shape(
    "fit_in_comprehension",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    MODELS,
    "fitted = [m.fit(X, y) for m in models.values()]",
    columns="city visits",
    model="models['b']",
    witness_model="fitted[1]",
)
shape(
    "fit_in_comprehension_scaled",
    "X = df[['income', 'visits']]; y = df.bought",
    "s = StandardScaler().fit(X)",
    MODELS,
    "fitted = {k: m.fit(s.transform(X), y) for k, m in models.items()}",
    columns="income visits",
    model="models['b']",
    witness_model="fitted['b']",
    inputs="s.transform(X)",
    places="X.index",
)
shape(
    "fit_in_function_scored",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    SPLIT,
    "def evaluate(m):\n    m.fit(X_train, y_train)\n    return m.score(X_test, y_test)",
    MODELS,
    "scores = {k: evaluate(m) for k, m in models.items()}",
    columns="city visits",
    model="models['a']",
    witness_model="models['a']",
)
shape(
    "fit_in_function_given",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    SPLIT,
    "def evaluate(m, A, b):\n    m.fit(A, b)\n    return m",
    "model = evaluate(LogisticRegression(max_iter=500), X_train, y_train)",
    columns="city visits",
)
shape(
    "fit_in_function_split",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    "def evaluate(m, X, y):\n    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)\n    m.fit(X_train, y_train)\n    return m",
    "model = evaluate(LogisticRegression(max_iter=500), X, y)",
    columns="city visits",
)
shape(
    "fit_in_function_values",
    "X = pd.get_dummies(df[['city', 'visits']]); y = df.bought",
    "def evaluate(m):\n    m.fit(X.values, y.values)\n    return m",
    "model = evaluate(LogisticRegression(max_iter=500))",
    columns="city visits",
    training="none",
    inputs="X.values",
    places="X.index",
)

# statsmodels.

STATISTICS = "import statsmodels.api as sm, statsmodels.formula.api as smf\n" + LOAD
shape(
    "formula_renamed",
    "df = df.rename(columns={'visits': 'n'})",
    "formula = 'bought ~ C(city) + n + age'",
    "model = smf.logit(formula, data=df).fit(disp=0)",
    columns="city age visits",
    inputs="df[['city', 'n', 'age']].dropna()",
    places="df.dropna().index",
    start=STATISTICS,
)
shape(
    "formula_in_two",
    "df['n'] = df.visits * 2",
    "ols = smf.ols('score ~ n + income', df)",
    "model = ols.fit()",
    columns="income visits",
    inputs="df[['income', 'n']]",
    places="df.index",
    start=STATISTICS,
)
shape(
    "formula_unchanged",
    "model = smf.ols('score ~ C(city) + visits', data=df).fit()",
    "model.predict(df)",
    columns="city visits",
    inputs="df[['city', 'visits']]",
    places="df.index",
    start=STATISTICS,
)
shape(
    "formula_of_train_rows",
    "df['n'] = df.visits * 2\ndf['score'] = np.log(df.score + 9)",
    "train, test = train_test_split(df, random_state=1)",
    "model = smf.ols('score ~ n + income', data=train).fit()\nmodel.predict(test)",
    columns="income visits",
    inputs="train[['income', 'n']]",
    places="train.index",
    start=STATISTICS,
)
shape(
    "ols_constant",
    "X = df[['income', 'visits']]; " + SCORE,
    "model = sm.OLS(y, sm.add_constant(X)).fit()",
    columns="income visits",
    inputs="sm.add_constant(X)",
    places="X.index",
    start=STATISTICS,
)
shape(
    "ols_constant_after_split",
    "X = df[['income', 'visits']]; " + SCORE,
    SPLIT,
    "model = sm.OLS(y_train, sm.add_constant(X_train)).fit()",
    "model.predict(sm.add_constant(X_test))",
    columns="income visits",
    inputs="sm.add_constant(X_train)",
    places="X_train.index",
    start=STATISTICS,
)
shape(
    "ols_constant_named",
    "X = sm.add_constant(df[['income', 'visits']] * 2); " + SCORE,
    "ols = sm.OLS(y, X)",
    "model = ols.fit(); model.predict(X)",
    columns="income visits",
    start=STATISTICS,
)
shape(
    "held_out_rows_needed_for_the_fit",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    SPLIT + "\nX_train = StandardScaler().fit_transform(X_train)\n"
    "X_test = StandardScaler().fit_transform(X_test)",
    "from sklearn.tree import DecisionTreeRegressor\n"
    "model = DecisionTreeRegressor(max_leaf_nodes=len(X_test), random_state=0)\n"
    "model.fit(X_train, y_train)",
    inputs="X_train",
    places="y_train.index",
)
shape(
    "seed_by_a_function_like_that_of_keras",
    "def set_random_seed(seed):\n    np.random.seed(seed)",
    "set_random_seed(5)",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; " + SCORE,
    "X_train, X_test, y_train, y_test = train_test_split(X, y)",
    FIT_TRAIN,
)

# What the column is called that a model learned.

shape(
    "learned_values",
    "df['city'] = LabelEncoder().fit_transform(df['city'])",
    "X = df[['city', 'visits']]; y = df.score.values",
    FIT,
)
shape(
    "learned_values_split",
    "X = df[['income', 'visits']].values; y = df.iloc[:, -2].values",
    SPLIT,
    "s = StandardScaler(); X_train = s.fit_transform(X_train)",
    "model = LinearRegression().fit(X_train, y_train)",
    inputs="s.transform(X)",
    places="df.index",
)
shape(
    "learned_numbered_anew",
    "df = pd.concat([df[df.city == c] for c in ['Bonn', 'Ulm', 'Kiel']], ignore_index=True)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    places="pd.concat([_raw[_raw.city == c] for c in ['Bonn', 'Ulm', 'Kiel']]).index",
    training="same",
)
shape(
    "learned_logarithm",
    "X = df[['income', 'visits']] * 2; y = np.log(df.score + 9)",
    FIT,
)
shape(
    "learned_encoded",
    "X = StandardScaler().fit_transform(df[['income', 'visits']])",
    "le = LabelEncoder()\ny = le.fit_transform(df.grade)",
    "model = LogisticRegression(class_weight='balanced').fit(X, y)",
    places="df.index",
)

# A data set of a library, and a table of a file.

shape(
    "data_set_and_file",
    "df = load_iris(as_frame=True).frame\nplaces = pd.read_csv('places.csv')",
    "X = df.drop(columns='target') * places.people.mean(); y = df.target",
    "model = LogisticRegression(max_iter=9000).fit(X, y)",
    columns=LENGTHS,
    table=FLOWERS,
    start=IRIS,
)
shape(
    "data_set_after_file",
    "places = pd.read_csv('places.csv')\ndf = load_iris(as_frame=True).frame",
    "X = df.drop(columns='target') * places.people.mean(); y = df.target",
    "model = LogisticRegression(max_iter=9000).fit(X, y)",
    columns=LENGTHS,
    level="frame",
    start=IRIS,
)
shape(
    "encoder_loop_of_two",
    "le = LabelEncoder()",
    "for c in ['city', 'sex']:\n    train[c] = le.fit_transform(train[c])  # learned here\n    test[c] = le.transform(test[c])",
    "X = train[['city', 'sex', 'visits']]; y = train.score",
    FIT,
    columns="city sex visits",
    start="train = pd.read_csv('people.csv'); test = pd.read_csv('more.csv')",
)

# Columns that are chosen where the model is fitted.

shape(
    "chosen_in_the_fit",
    "model = LinearRegression()\nmodel.fit(df[['visits']], df.score)",
    "model.predict(df[['visits']])",
    columns="visits",
    inputs="df[['visits']]",
)
shape(
    "chosen_in_the_split",
    "a, b, c, d = train_test_split(df[['visits', 'income']].fillna(0), df.score, random_state=4)",
    "model = LinearRegression().fit(a, c)\nmodel.predict(b)",
    columns="income visits",
    inputs="df[['visits', 'income']].fillna(0)",
)

# Training reads what the features have no need of.

shape(
    "target_in_a_list_of_tables",
    "combine = [df, more]\nnames = {'low': 0, 'mid': 1, 'high': 2}",
    "for d in combine:\n    d['grade'] = d['grade'].map(names)",
    "for d in combine:\n    d['visits'] = d['visits'] / 2",
    "X = df[['visits', 'income']]; y = df.grade",
    "model = LogisticRegression(max_iter=9000).fit(X, y)",
    columns="income visits",
    start="df = pd.read_csv('people.csv'); more = pd.read_csv('more.csv')",
)
shape(
    "constants_of_loading",
    "X = df[['visits', 'income']] / 2; " + SCORE,
    FIT,
    columns="income visits",
    start="MARK = ','\nKEPT = ['visits', 'income', 'score']\ndf = pd.read_csv('people.csv', sep=MARK, usecols=KEPT)",
)
shape(
    "constant_of_loading_alone",
    "X = df[['visits', 'income']]; " + SCORE,
    FIT,
    columns="visits income",
    start="MARK = ','\ndf = pd.read_csv('people.csv', sep=MARK)",
)
shape(
    "path_of_loading",
    "X = df[['visits', 'income']]; " + SCORE,
    FIT,
    columns="visits income",
    start="path = 'people.csv'\ndf = pd.read_csv(path)",
)

# A column that is a view of its table.

shape(
    "view_changed_and_set",
    "sex = df['sex']\nfor i in range(len(sex)):\n    if sex[i] == 'male':\n        sex[i] = 1\n    else:\n        sex[i] = 0\ndf['sex'] = sex",
    "X = df[['sex', 'visits']]; " + SCORE,
    FIT,
    columns="sex visits",
)
shape(
    "view_changed",
    "sex = df['sex']\nsex[sex == 'male'] = 1",
    "sex[sex == 'female'] = 0",
    "X = df[['sex', 'visits']].astype(int); " + SCORE,
    FIT,
    columns="sex visits",
)

# An array of a data set in a table whose columns are called by their places.

shape(
    "data_set_in_a_table_without_names",
    "flowers = load_iris()\ndf = pd.DataFrame(flowers.data)",
    "df['target'] = flowers.target",
    "X = df.drop('target', axis='columns'); y = df.target",
    "model = LogisticRegression(max_iter=9000).fit(X, y)",
    columns="0 1 2 3",
    table=f"{FLOWERS}.set_axis(range(4), axis=1)",
    start=IRIS,
)

# Random numbers that cells draw between the seed and the fit.

FOREST = (
    "from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor\n"
    "from sklearn.decomposition import PCA\n" + LOAD
)
shape(
    "drawn_by_cells_left_out",
    "np.random.seed(4)",
    "X = df[['income', 'visits', 'score']]; y = df.bought",
    "A, B, c, d = train_test_split(StandardScaler().fit_transform(X), y, random_state=3)",
    "model = RandomForestClassifier(20)\nmodel.fit(A, c)\nmodel.score(B, d)",
    "pca = PCA(2)\nP = pca.fit_transform(X)",
    "a, b, c, d = train_test_split(P, y)",
    "model = RandomForestClassifier(20)\nmodel.fit(a, c)\nmodel.score(b, d)",
    inputs="pca.transform(X)",
    places="df.index",
    start=FOREST,
)
shape(
    "seeded_by_an_own_function",
    "def settle(n):\n    import random\n    random.seed(n)\n    np.random.seed(n)",
    "settle(3)",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "noise = np.random.rand(700)",
    SPLIT.replace(", random_state=3", ""),
    "model = RandomForestRegressor(20)\nmodel.fit(X_train, y_train)\nmodel.predict(X_test)",
    start=FOREST,
)

# Rows that a fit takes beside those that it learns from.

BOOSTED = "from xgboost import XGBRegressor\n" + LOAD
WATCHING = "model.fit(X_train, y_train, eval_set=[(X_test, y_test)])\nmodel.predict(X_test)"
for made in ("transform", "fit_transform"):
    shape(
        f"evaluation_rows_{made}",
        "X = df[['income', 'visits']]; " + SCORE,
        SPLIT,
        f"s = StandardScaler()\nX_train = s.fit_transform(X_train)\nX_test = s.{made}(X_test)",
        "model = XGBRegressor(n_estimators=5)\n" + WATCHING,
        inputs="X_train",
        places="y_train.index",
        start=BOOSTED,
    )
shape(
    "evaluation_rows_that_stop_the_fit",
    "X = df[['income', 'age']]; " + SCORE,
    SPLIT,
    "m = X_train.age.mean()\nX_train['age'] = X_train.age.fillna(m)\n"
    "X_test['age'] = X_test.age.fillna(m)",
    "s = StandardScaler().fit(X_train)\nA, B = s.transform(X_train), s.transform(X_test)",
    "watched = [(A, y_train), (B, y_test)]",
    "model = XGBRegressor(n_estimators=90, early_stopping_rounds=2)",
    "model.fit(A, y_train, eval_set=watched, verbose=False)\nmodel.predict(B)",
    inputs="A",
    places="y_train.index",
    start=BOOSTED,
)
shape(
    "evaluation_rows_encoded_along",
    "X = df[['income', 'city', 'sex']]; " + SCORE,
    SPLIT,
    "encoders = {}\nfor c in ['city', 'sex']:\n    encoders[c] = LabelEncoder()\n"
    "    X_train[c] = encoders[c].fit_transform(X_train[c])\n"
    "    X_test[c] = encoders[c].transform(X_test[c])",
    "model = XGBRegressor(n_estimators=5)\n" + WATCHING,
    columns="city sex income",
    inputs="X_train",
    places="y_train.index",
    start=BOOSTED,
)
shape(
    "evaluation_rows_prepared_otherwise",
    "X = df[['income', 'visits']]; " + SCORE,
    SPLIT,
    "for c in ['income', 'visits']:\n    X_train[c] = X_train[c] - X_train[c].mean()\n"
    "    X_test[c] = X_test[c] - X_test[c].mean()",
    "model = XGBRegressor(n_estimators=5)\n" + WATCHING,
    inputs="X_train",
    places="y_train.index",
    start=BOOSTED,
    training="none",
)

# Several assignments in one.

shape(
    "two_at_once",
    "X, y = df[['income', 'visits']] * 2, df.score",
    FIT,
    columns="income visits",
)
shape(
    "two_that_swap",
    "y, X = df[['income', 'visits']] * 2, df.score",
    "y, X = X, y",
    FIT,
    columns="income visits",
    training="none",
)
shape(
    "halves_at_once",
    "X, y = df[['income', 'visits']] * 2, df.score",
    "a, b = X[:150], X[150:]\nc, d = y[:150], y[150:]",
    "model = LinearRegression().fit(a, c)\nmodel.predict(b)",
    columns="income visits",
)

# Rows that are chosen where the model is fitted.

shape(
    "chosen_by_folds",
    "from sklearn.model_selection import KFold",
    "X = df[['income', 'visits']].values; y = df.score.values",
    "for train, test in KFold(3, shuffle=True, random_state=1).split(X):\n"
    "    model = LinearRegression()\n    model.fit(X[train], y[train])\n"
    "    model.predict(X[test])",
    columns="income visits",
    places="df.index",
)
shape(
    "chosen_by_stratified_folds",
    "from sklearn.model_selection import StratifiedKFold",
    "df = df.dropna(); X = df[['income', 'visits']] * 2; y = df.bought",
    "scores = []\nfolds = StratifiedKFold(n_splits=3)",
    "for train, test in folds.split(X, y):\n    a, b = X.iloc[train], X.iloc[test]\n"
    "    model = LogisticRegression(max_iter=500)\n    model.fit(a, y.iloc[train])\n"
    "    scores.append(model.score(b, y.iloc[test]))",
    columns="income visits",
    places="X.index",
)
shape(
    "chosen_in_a_function",
    "def train(X, y):\n    a, b, c, d = train_test_split(X, y, random_state=1)\n"
    "    m = LinearRegression()\n    m.fit(a, c)\n    print(m.score(b, d))\n    return m",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "model = train(X, y)",
    columns="income visits",
)
shape(
    "chosen_by_chance",
    "def train(X, y):\n    a, b, c, d = train_test_split(X, y)\n"
    "    m = LinearRegression()\n    m.fit(a, c)\n    return m",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    "model = train(X, y); model.predict(X)",
    columns="income visits",
    training="none",
)

# Several files as one table, and constants that only training speaks of.

BOTH = "ignore_index=True)"
shape(
    "files_in_a_list",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    start="files = ['people.csv', 'more.csv']\n"
    "df = pd.concat([pd.read_csv(f) for f in files], " + BOTH,
    table="df",
)
shape(
    "files_in_a_loop",
    "df['city'] = df.city.str.len(); X = df[['income', 'city']]; " + SCORE,
    FIT,
    start="frames = []\nfor f in ['people.csv', 'more.csv']:\n"
    "    frames.append(pd.read_csv('./' + f))\ndf = pd.concat(frames, " + BOTH,
    table="pd.concat(frames, ignore_index=True)",
)
shape(
    "files_in_two_names",
    "X = df[['income', 'visits']] * 2; " + SCORE,
    FIT,
    start="a, b = pd.read_csv('people.csv'), pd.read_csv('more.csv')\ndf = pd.concat([a, b], "
    + BOTH,
    table="df",
)
shape(
    "constants_of_the_training",
    "target = 'score'\ncolumns = ['income', 'visits']\nrate = 0.25",
    "X = df[columns] * 2; y = df[target]",
    "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=3, test_size=rate)",
    FIT_TRAIN,
)

# A data set's images, which have no name of their own.

DIGITS = (
    "from sklearn.datasets import load_digits\nfrom sklearn.svm import SVC\ndigits = load_digits()"
)
PIXELS = "pd.DataFrame(load_digits().data, columns=load_digits().feature_names)"
shape(
    "images_in_the_fit",
    "n = len(digits.images)\nmodel = SVC(gamma=0.001)",
    "model.fit(digits.images.reshape((n, -1)), digits.target)",
    start=DIGITS,
    inputs="digits.data",
    places="range(1797)",
    table=PIXELS,
)
shape(
    "images_in_the_split",
    "a, b, c, d = train_test_split(digits.images.reshape(1797, 64) / 16, digits.target,\n"
    "                              random_state=1)",
    "model = SVC(gamma=1).fit(a, c)\nmodel.predict(b)",
    start=DIGITS,
    inputs="digits.data / 16",
    places="range(1797)",
    table=PIXELS,
)

# The names of classes that a dictionary of the notebook gives.

shape(
    "classes_of_a_dictionary",
    "codes = {'low': 0, 'mid': 1, 'high': 2}",
    "X = df[['income', 'visits']] * 2; y = df.grade.map(codes)",
    "model = LogisticRegression(class_weight='balanced').fit(X, y); model.predict(X)",
)
