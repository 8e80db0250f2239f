"""Fitted transformers of scikit-learn, as functions of one cell each."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from clary.algorithms.graphs.features import CannotCompile, Feature, Given, Number, Step, Table, Text, stepped
from clary.algorithms.sklearn import columns


class Made(NamedTuple):
    """What a transformer makes."""

    features: list[Feature]
    sparse: bool = False
    """It is a sparse table: whoever takes it in the same process may see zeros as missing."""


def given(model: Any) -> list[Given]:
    """The columns of a request to that model. Raises CannotCompile."""
    try:
        return [Given(one.name, one.kind, one.allowed, one.strict) for one in columns.of(model)]
    except ValueError as error:
        raise CannotCompile(str(error)) from None


def start(given: Sequence[Given]) -> list[Feature]:
    """The features that nothing has been done to yet."""
    return [Text(at) if one.kind == "string" else Number(at) for at, one in enumerate(given)]


def transformed(model: Any, features: list[Feature]) -> Made:
    """What the fitted transformer makes of the features. Raises CannotCompile for one that is not known here."""
    name = type(model).__name__
    known = _TRANSFORMERS.get(name)
    if known is None or not type(model).__module__.startswith("sklearn."):
        raise CannotCompile(f"scikit-learn's {name} is not compiled; known are {', '.join(_TRANSFORMERS)}")
    return known(model, features)


def predicting(model: Any) -> tuple[Any, Any]:
    """(what transforms, what predicts) of a fitted model, each None where there is none."""
    if type(model).__module__ == "xgboost.sklearn":
        return None, model
    last = model.steps[-1][1] if type(model).__name__ == "Pipeline" else None
    if type(last).__module__ != "xgboost.sklearn":
        return model, None
    return (model[:-1] if len(model.steps) > 1 else None), last


def _pipeline(model: Any, features: list[Feature]) -> Made:
    made = Made(features)
    for _, step in model.steps:
        if step is not None and step != "passthrough":
            after = transformed(step, made.features)
            made = Made(after.features, after.sparse or (made.sparse and type(step).__name__ in _KEEPS_ZEROS))
    return made


_KEEPS_ZEROS = ("StandardScaler", "MaxAbsScaler")


def _column_transformer(model: Any, features: list[Feature]) -> Made:
    found: list[Feature] = []
    for _, part, places in columns.parts(model):
        taken = [features[at] for at in places]
        if isinstance(part, str):
            found += taken if part == "passthrough" else []
        elif taken:
            found += transformed(part, taken).features
    return Made(found, bool(getattr(model, "sparse_output_", False)))


def _one_hot(model: Any, features: list[Feature]) -> Made:
    if any(one is not None for one in getattr(model, "infrequent_categories_", None) or ()):
        raise CannotCompile("infrequent categories of a OneHotEncoder are not compiled")
    dropped = model.drop_idx_ if model.drop_idx_ is not None else [None] * len(features)
    other = None if model.handle_unknown == "error" else 0.0
    found: list[Feature] = []
    for feature, categories, drop in zip(features, model.categories_, dropped, strict=True):
        keys = categories.tolist()
        for at in range(len(keys)):
            if at != drop:
                values = [float(at == one) for one in range(len(keys))]
                found.append(_table(feature, keys, values, other))
    return Made(found, bool(model.sparse_output))


def _ordinal(model: Any, features: list[Feature]) -> Made:
    if any(one is not None for one in getattr(model, "infrequent_categories_", None) or ()):
        raise CannotCompile("infrequent categories of an OrdinalEncoder are not compiled")
    other = None if model.handle_unknown == "error" else float(model.unknown_value)
    return Made(
        [
            _table(feature, keys.tolist(), [float(one) for one in range(len(keys))], other)
            for feature, keys in zip(features, model.categories_, strict=True)
        ]
    )


def _table(feature: Feature, keys: list[Any], values: list[float], other: float | None) -> Table:
    if not isinstance(feature, Text):
        raise CannotCompile("categories that are numbers are not compiled; make them text before the model is fitted")
    if not all(isinstance(one, str) for one in keys):
        raise CannotCompile("a category that stands for a missing value is not compiled")
    known = dict(zip(keys, values, strict=True))
    for cell, instead in feature.filled:
        if instead in known:
            known[cell] = known[instead]
        elif other is not None:
            known[cell] = other
        else:
            known.pop(cell, None)
    return Table(feature.column, tuple(known), tuple(known.values()), other)


def _standard(model: Any, features: list[Feature]) -> Made:
    return _each(features, _per("subtract", model.mean_ if model.with_mean else None), _per("divide", model.scale_))


def _min_max(model: Any, features: list[Feature]) -> Made:
    made = _each(features, _per("multiply", model.scale_), _per("add", model.min_))
    if not model.clip:
        return made
    low, high = model.feature_range
    # A missing value stays one: bounds do not change it, in numpy and in the graph.
    return Made([stepped(one, ("least", float(low)), ("most", float(high))) for one in made.features])


def _max_abs(model: Any, features: list[Feature]) -> Made:
    if getattr(model, "clip", False):
        raise CannotCompile("MaxAbsScaler with clip is not compiled")
    return _each(features, _per("divide", model.scale_))


def _robust(model: Any, features: list[Feature]) -> Made:
    return _each(features, _per("subtract", model.center_), _per("divide", model.scale_))


Per = Callable[[int], Step | None]


def _per(verb: Any, numbers: Any) -> Per:
    if numbers is None:
        return lambda at: None
    return lambda at: (verb, float(numbers[at]))


def _each(features: list[Feature], *made: Per) -> Made:
    return Made(
        [stepped(one, *[step for by in made if (step := by(at)) is not None]) for at, one in enumerate(features)]
    )


def _imputer(model: Any, features: list[Feature]) -> Made:
    if model.add_indicator:
        raise CannotCompile("SimpleImputer with add_indicator is not compiled")
    missing = model.missing_values
    found: list[Feature] = []
    for feature, instead in zip(features, model.statistics_.tolist(), strict=True):
        if isinstance(instead, float) and math.isnan(instead):
            raise CannotCompile("SimpleImputer of a column without any value is not compiled")
        if isinstance(feature, Text):
            # A request has no missing text, only empty text: anything else is never met.
            met = isinstance(missing, str)
            found.append(replace(feature, filled=((missing, str(instead)),)) if met else feature)
        elif isinstance(missing, float) and math.isnan(missing):
            found.append(stepped(feature, ("fill", float(instead))))
        else:
            raise CannotCompile("SimpleImputer of another missing value than NaN is not compiled")
    return Made(found)


def _function(model: Any, features: list[Feature]) -> Made:
    if model.func is not None:
        raise CannotCompile("a FunctionTransformer runs a function of yours, which is not compiled")
    return Made(features)


_TRANSFORMERS: Mapping[str, Callable[[Any, list[Feature]], Made]] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "FunctionTransformer": _function,
}
