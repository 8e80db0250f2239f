"""Partition projection: partitions that no catalog holds, because the table's properties tell what they are."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from clary.engines.queries.base import QueryError
from clary.kernel.resource import Doc

MOST: Final = 100_000
_JAVA: Final = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"))
_UNITS: Final = {
    "DAYS": timedelta(days=1),
    "HOURS": timedelta(hours=1),
    "MINUTES": timedelta(minutes=1),
    "SECONDS": timedelta(seconds=1),
    "WEEKS": timedelta(weeks=1),
}
_NOW: Final = re.compile(r"^NOW(?:([+-])(\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?$", re.I)


def enabled(parameters: Mapping[str, str]) -> bool:
    return str(parameters.get("projection.enabled", "")).lower() == "true"


def partitions(
    parameters: Mapping[str, str], keys: Sequence[Doc], location: str, now: float
) -> Iterator[tuple[list[str], str]]:
    """(values, location) of each. Raises QueryError: a property is missing or not understood, or they are too many."""
    every = [_values(parameters, one["Name"], now) for one in keys]
    count = 1
    for one in every:
        count *= len(one)
    if count > MOST:
        told = f"the projection of the table makes {count} partitions; at most {MOST} are read here"
        raise QueryError(told, code="INVALID_TABLE_PROPERTY")
    names = [one["Name"] for one in keys]
    template = parameters.get("storage.location.template")
    for values in product(*every):
        if template is not None:
            place = template
            for name, value in zip(names, values, strict=True):
                place = place.replace(f"${{{name}}}", value)
        else:
            folders = "/".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
            place = f"{location.rstrip('/')}/{folders}/"
        yield list(values), place


def _values(parameters: Mapping[str, str], name: str, now: float) -> list[str]:
    kind = parameters.get(f"projection.{name}.type", "").lower()
    if kind == "enum":
        return [one.strip() for one in _needed(parameters, name, "values").split(",")]
    if kind == "integer":
        low, high = (int(one) for one in _range(parameters, name))
        step, digits = (
            int(parameters.get(f"projection.{name}.interval", "1")),
            parameters.get(f"projection.{name}.digits"),
        )
        return [str(one).zfill(int(digits or 0)) for one in range(low, high + 1, step)]
    if kind == "date":
        return _dates(parameters, name, now)
    told = f"projection.{name}.type is {kind or 'not set'}; enum, integer and date are projected here"
    raise QueryError(told, code="INVALID_TABLE_PROPERTY")


def _needed(parameters: Mapping[str, str], name: str, what: str) -> str:
    found = parameters.get(f"projection.{name}.{what}")
    if found is None:
        raise QueryError(f"projection.{name}.{what} is not set", code="INVALID_TABLE_PROPERTY")
    return found


def _range(parameters: Mapping[str, str], name: str) -> tuple[str, str]:
    said = [one.strip() for one in _needed(parameters, name, "range").split(",")]
    if len(said) != 2:
        raise QueryError(f"projection.{name}.range is not two values", code="INVALID_TABLE_PROPERTY")
    return said[0], said[1]


def _dates(parameters: Mapping[str, str], name: str, now: float) -> list[str]:
    java = _needed(parameters, name, "format")
    form = java
    for word, percent in _JAVA:
        form = form.replace(word, percent)
    form = form.replace("'", "")
    low, high = (_moment(one, form, java, now) for one in _range(parameters, name))
    unit = parameters.get(f"projection.{name}.interval.unit", _smallest(java)).upper()
    unit = unit if unit.endswith("S") else f"{unit}S"
    step = int(parameters.get(f"projection.{name}.interval", "1"))
    found: list[str] = []
    at = low
    while at <= high:
        said = at.strftime(form)
        if not found or found[-1] != said:
            found.append(said)
        if len(found) > MOST:
            raise QueryError(f"projection.{name}.range has more than {MOST} values", code="INVALID_TABLE_PROPERTY")
        if unit in ("MONTHS", "YEARS"):
            months = at.year * 12 + at.month - 1 + step * (12 if unit == "YEARS" else 1)
            at = at.replace(year=months // 12, month=months % 12 + 1, day=1)
        elif unit in _UNITS:
            at += step * _UNITS[unit]
        else:
            raise QueryError(f"projection.{name}.interval.unit {unit} is not known", code="INVALID_TABLE_PROPERTY")
    return found


def _smallest(java: str) -> str:
    for word, unit in (("ss", "SECONDS"), ("mm", "MINUTES"), ("HH", "HOURS"), ("dd", "DAYS"), ("MM", "MONTHS")):
        if word in java:
            return unit
    return "YEARS"


def _moment(said: str, form: str, java: str, now: float) -> datetime:
    relative = _NOW.match(said.replace(" ", ""))
    if relative is not None:
        at = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
        if relative[1] is None:
            return at
        count, unit = int(f"{relative[1]}{relative[2]}"), relative[3].upper()
        if unit in ("YEAR", "MONTH"):
            months = at.year * 12 + at.month - 1 + count * (12 if unit == "YEAR" else 1)
            return at.replace(year=months // 12, month=months % 12 + 1, day=min(at.day, 28))
        return at + count * _UNITS[f"{unit}S"]
    try:
        return datetime.strptime(said, form)  # noqa: DTZ007 - partitions have no time zone
    except ValueError:
        raise QueryError(f"{said!r} is not of the format {java!r}", code="INVALID_TABLE_PROPERTY") from None
