"""What a fitted model of scikit-learn takes: its columns, which of them are text, and which categories they know."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from clary.algorithms.refused import Refused

NAMED = 50
"""Categories that a refusal names."""
EMPTY = ("", "nan", "NaN", "NAN", "NA", "null", "None")
"""Cells of numbers that mean: no value here. Those of the XGBoost image."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str = ""
    """As the model was fitted with; "": without names."""
    kind: Literal["string", "float"] = "float"
    allowed: tuple[str, ...] | None = None
    """The categories of a text column that the model knows; None: it asks for none."""
    strict: bool = False
    """A category that is not allowed is refused, as the model was told when it was fitted."""


def of(model: Any) -> tuple[Column, ...]:
    """The columns that the fitted model takes, in order. Raises ValueError when it does not say how many."""
    found = _columns(model)
    if found is None:
        raise ValueError(f"{type(model).__name__} does not say how many columns it was fitted with")
    names = names_of(model)
    if names is None:
        return found
    return tuple(replace(one, name=name) for one, name in zip(found, names, strict=True))


def names_of(model: Any) -> list[str] | None:
    """The names of the columns of the table that the model was fitted with; None: they had none."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(one) for one in names]


def _columns(model: Any) -> tuple[Column, ...] | None:
    """None: it takes as many numbers as it is given."""
    name = type(model).__name__
    if name == "LabelEncoder":
        return (Column(),)
    if name == "Pipeline":
        return _of_steps([step for _, step in model.steps if step is not None and step != "passthrough"])
    if name == "ColumnTransformer":
        return _of_parts(model)
    if name in ("OneHotEncoder", "OrdinalEncoder"):
        return tuple(_categories(one, model.handle_unknown == "error") for one in model.categories_)
    if name == "SimpleImputer":
        text = model.statistics_.dtype.kind in "OU"
        return tuple(Column(kind="string" if text else "float") for _ in range(model.n_features_in_))
    count = getattr(model, "n_features_in_", None)
    return None if count is None else tuple(Column() for _ in range(int(count)))


def _of_steps(steps: Sequence[Any]) -> tuple[Column, ...] | None:
    for at, step in enumerate(steps):
        found = _columns(step)
        if found is None:
            continue
        if type(step).__name__ == "SimpleImputer" and any(one.kind == "string" for one in found):
            # Which categories are known says the step behind it; the word for a missing one is known, too.
            behind = _of_steps(steps[at + 1 :]) or ()
            if len(behind) == len(found):
                return tuple(_filled(one, step.missing_values) for one in behind)
        return found
    return None


def _filled(column: Column, missing: Any) -> Column:
    if column.allowed is None or not isinstance(missing, str) or missing in column.allowed:
        return column
    return replace(column, allowed=(*column.allowed, missing))


def _categories(values: Any, strict: bool) -> Column:
    if values.dtype.kind not in "OU":
        return Column()
    words = tuple(one for one in values.tolist() if isinstance(one, str))
    return Column(kind="string", allowed=words, strict=strict)


def _of_parts(model: Any) -> tuple[Column, ...]:
    found = [Column()] * int(model.n_features_in_)
    for _, part, places in parts(model):
        if isinstance(part, str):
            continue
        for place, one in zip(places, _columns(part) or (), strict=False):
            if one.kind == "string":
                found[place] = one
    return tuple(found)


def parts(model: Any) -> Iterator[tuple[str, Any, list[int]]]:
    """(name, fitted transformer, places of its columns) of each part of a ColumnTransformer, in the order of its
    output. The transformer is "drop" or "passthrough" where it is none."""
    names = names_of(model)
    for name, part, columns in model.transformers_:
        yield name, "passthrough" if _passes(part) else part, _places(columns, names, int(model.n_features_in_))


def _passes(part: Any) -> bool:
    """scikit-learn keeps a passthrough as a FunctionTransformer without a function."""
    return type(part).__name__ == "FunctionTransformer" and part.func is None


def _places(columns: Any, names: list[str] | None, count: int) -> list[int]:
    if isinstance(columns, slice):
        return list(range(count))[columns]
    if isinstance(columns, str | int):
        columns = [columns]
    listed = columns.tolist() if hasattr(columns, "tolist") else list(columns)
    if listed and all(isinstance(one, bool) for one in listed):
        return [place for place, taken in enumerate(listed) if taken]
    return [names.index(one) if isinstance(one, str) and names else int(one) % count for one in listed]


def number(cell: str, row: int, place: int) -> float:
    """The number in that cell, NaN for an empty one; rows and columns count from 1. Raises Refused 400."""
    text = cell.strip()
    if text in EMPTY:
        return math.nan
    try:
        if math.isfinite(value := float(text)):
            return value
    except ValueError:
        pass
    raise Refused(400, f"Row {row}, column {place}: '{text[:40]}' is not a finite number.")


def width(row: int, columns: int, got: int) -> Refused:
    """The refusal of a row of another width."""
    hint = " Leave out the label." if got == columns + 1 else ""
    return Refused(400, f"Row {row} has {got} columns, but the model takes {columns}.{hint}")


def unknown(row: int, place: int | None, name: str, cell: str, allowed: Sequence[str], *, status: int = 422) -> Refused:
    """The refusal of a category that the model was not fitted with. `place` None: the column is none of the request."""
    where = f"Row {row}, column {place or name}" + (f" ({name})" if place and name else "")
    known = ", ".join(allowed[:NAMED]) + (", ..." if len(allowed) > NAMED else "")
    return Refused(status, f"{where}: '{cell[:40]}' is not one of the known values: {known}.")
