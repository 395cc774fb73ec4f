"""What boosted models know of their columns, and the scikit-learn API around a bare booster."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..recorder.models import Refused

XGBOOST_PROBABILITIES = ("binary:logistic", "multi:softprob", "multi:softmax")
XGBOOST_UNBOUND = ("binary:logitraw", "binary:hinge")
"""Objectives of two classes whose number is no probability."""
CATBOOST_CLASSES = ("CrossEntropy", "Logloss", "MultiClass", "MultiClassOneVsAll")
CATBOOST_RANKS = ("LambdaMart", "PairLogit", "Query", "StochasticFilter", "StochasticRank", "Yeti")
GENERIC = ("Column_{}", "{}")
"""How LightGBM and CatBoost call the columns of an array, counted from 0."""


def library(model: Any) -> str:
    """Return the package that a model's class is from."""
    return type(model).__module__.partition(".")[0]


def names(model: Any) -> list[str] | None:
    """Return the names of the columns that ``model`` was fitted on, if it knows them."""
    found = getattr(model, "feature_names_in_", None)
    try:
        if found is None and library(model) == "catboost":
            found = model.feature_names_
        elif found is None and library(model) == "xgboost":
            found = model.get_booster().feature_names
        elif found is None and library(model) == "lightgbm":
            found = model.booster_.feature_name()
    except Exception:  # not fitted; asking it will say so
        return None
    return None if found is None or len(found) == 0 else [str(name) for name in found]


def width(model: Any) -> int | None:
    """Return the number of columns that ``model`` takes, if it says so."""
    try:
        found = getattr(model, "n_features_in_", None)
        if not found and library(model) == "catboost":  # 0 in one that was loaded
            found = len(model.feature_names_)
        shape = sample_shape(model)
        if shape is not None and len(shape) == 1:
            found = shape[0]
    except Exception:  # not fitted; asking it will say so
        return None
    return int(found) if found else None


def sample_shape(model: Any) -> tuple[int | None, ...] | None:
    """Return the shape of a sample that a network of one input takes; None for other models."""
    shape = getattr(model, "input_shape", None) if library(model) == "keras" else None
    return tuple(shape[1:]) if isinstance(shape, tuple) else None


def generic(names: Sequence[str], columns: Iterable[str]) -> bool:
    """Say whether ``names`` only number the columns of an array, and no table has them."""
    made_up = [[form.format(i) for i in range(len(names))] for form in GENERIC]
    return list(names) in made_up and not set(names) <= set(columns)


def spaceless(model: Any) -> bool:
    """Say whether the model's library writes an underscore for a space in a name."""
    return library(model) == "lightgbm"


def categories(model: Any, rows: Any) -> Mapping[int, list[Any]]:
    """Return the categories of each categorical column of ``rows``, by position.

    Raises:
        Refused: the model takes categories and does not say which.
    """
    if library(model) == "lightgbm":
        return _lightgbm_categories(model.booster_)
    if library(model) == "xgboost":
        return _xgboost_categories(model.get_booster(), rows)
    return {}


def wrap(model: Any) -> tuple[Any, list[str]]:
    """Put a bare booster into its library's scikit-learn API; other models stay as they are.

    Returns:
        The model, and what is to be said of it.

    Raises:
        Refused: it learned for an objective that the API does not answer.
    """
    maker = WRAPPERS.get((library(model), type(model).__name__))
    if not maker:
        return model, []
    notes = []
    if library(model) == "xgboost" and not model.attr("scikit_learn"):
        best = model.attr("best_iteration")
        if best is not None:
            # By itself a booster answers with all of its trees; the API stops at the best.
            model.set_attr(best_iteration=None, best_score=None)
            notes.append(f"It answers with all of its trees; its best iteration was {best}.")
    made = maker(model)
    if hasattr(made, "classes_") and library(model) != "catboost":
        notes.append("The file does not hold the labels: they are 0, 1 and so on.")
    return made, notes


def require_same(made: Any, booster: Any, rows: Any) -> None:
    """Refuse a scikit-learn API that answers otherwise than the bare booster in it.

    Raises:
        Refused: an answer differs.
    """
    import numpy

    if library(booster) == "xgboost":
        if booster.attr("scikit_learn"):
            return  # the API saved it, so its answers are the ones that are meant
        import xgboost

        alone = booster.predict(
            xgboost.DMatrix(
                rows,
                feature_names=booster.feature_names,
                feature_types=booster.feature_types,
                enable_categorical=True,
            )
        )
    elif library(booster) == "lightgbm":
        alone = booster.predict(rows)
    else:
        return
    answers = made.predict(rows)
    if hasattr(made, "classes_") and getattr(made, "objective", "") != "multi:softmax":
        answers = made.predict_proba(rows)
        answers = answers if alone.ndim == 2 else answers[:, 1]
    if not numpy.array_equal(answers, alone):
        raise Refused(
            f"The {type(made).__name__} made of this file answers otherwise than the booster in "
            "it does by itself. Fit the model with the library's scikit-learn API."
        )


def _xgboost(booster: Any) -> Any:
    import xgboost

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    said = json.loads(booster.attr("scikit_learn") or "{}").get("_estimator_type")
    if said is None and objective in XGBOOST_UNBOUND:
        raise Refused(
            f"The booster learned {objective}, whose answer is no probability: use binary:logistic."
        )
    kind = said or ("classifier" if objective in XGBOOST_PROBABILITIES else "regressor")
    if objective.startswith("rank:"):
        kind = "ranker"
    made = {
        "classifier": xgboost.XGBClassifier,
        "ranker": xgboost.XGBRanker,
        "regressor": xgboost.XGBRegressor,
    }[kind]()
    made.load_model(bytearray(booster.save_raw("ubj")))
    return made


def _lightgbm(booster: Any) -> Any:
    """Fit the wrapper on nothing, for the state that it keeps itself, and give it the booster."""
    import lightgbm
    import numpy

    head = booster.model_to_string(num_iteration=1).partition("\nTree=")[0]
    found = re.search(r"^objective=(\w+)", head, re.MULTILINE)
    objective = found[1] if found else ""
    classes = {"binary": 2}.get(objective, 0)
    if objective in ("multiclass", "multiclassova"):
        classes = booster.num_model_per_iteration()
    kinds = {"lambdarank": lightgbm.LGBMRanker, "rank_xendcg": lightgbm.LGBMRanker}
    made: Any = lightgbm.LGBMClassifier if classes else kinds.get(objective, lightgbm.LGBMRegressor)
    made = made(n_estimators=1, verbose=-1, min_child_samples=1)
    rows = max(classes, 2)
    samples = numpy.tile(numpy.arange(rows, dtype=float)[:, None], (1, booster.num_feature()))
    group = {"group": [rows]} if isinstance(made, lightgbm.LGBMRanker) else {}
    made.fit(samples, numpy.arange(rows), feature_name=booster.feature_name(), **group)
    made._Booster = booster
    return made


def _catboost(model: Any) -> Any:
    import os
    import tempfile

    import catboost

    loss = str((model.get_all_params() or {}).get("loss_function", "")).partition(":")[0]
    made: Any = catboost.CatBoostRegressor()
    if loss in CATBOOST_CLASSES:
        made = catboost.CatBoostClassifier()
    elif loss.startswith(CATBOOST_RANKS):
        made = catboost.CatBoostRanker()
    elif loss.startswith("Multi"):
        raise Refused(f"The model learned {loss}, which answers several values a row.")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.cbm")
        model.save_model(path)
        made.load_model(path)
    return made


WRAPPERS = {
    ("catboost", "CatBoost"): _catboost,
    ("lightgbm", "Booster"): _lightgbm,
    ("xgboost", "Booster"): _xgboost,
}


def _lightgbm_categories(booster: Any) -> dict[int, list[Any]]:
    stored = booster.pandas_categorical
    if not stored:
        return {}
    infos = booster.dump_model(num_iteration=1)["feature_infos"]
    names = booster.feature_name()
    known = [i for i, name in enumerate(names) if infos.get(name, {}).get("values")]
    if len(known) != len(stored):
        raise Refused(
            f"The model learned {len(stored)} categorical columns and does not say which: "
            f"{len(known)} are used in its trees."
        )
    return dict(zip(known, stored))


def _xgboost_categories(booster: Any, rows: Any) -> dict[int, list[Any]]:
    kinds = booster.feature_types or []
    wanted = [position for position, kind in enumerate(kinds) if kind == "c"]
    if not wanted:
        return {}
    content = json.loads(booster.save_raw("json"))
    trees = content["learner"]["gradient_booster"]
    stored = trees.get("model", trees.get("gbtree", {}).get("model", {})).get("cats", {})
    found = {}
    for position in wanted:
        entries = stored.get("enc", [])
        entry = entries[position] if position < len(entries) else {}
        values = entry.get("values", [])
        if values and "offsets" in entry:
            ends = entry["offsets"]
            text = bytes(value % 256 for value in values)
            values = [text[ends[i] : ends[i + 1]].decode() for i in range(len(ends) - 1)]
        if values:
            found[position] = values
        elif getattr(rows.dtypes.iloc[position], "kind", "O") not in "iufb":
            raise Refused(
                f"Column {rows.columns[position]!r} is categorical, and this file does not hold "
                "its categories, as XGBoost does from 3.1 on. Encode it in a Pipeline, or save the "
                "model with a newer version."
            )
    return found
