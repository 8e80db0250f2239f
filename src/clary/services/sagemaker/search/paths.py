"""Property names of Search: from a name with dots to the values of a record.

A step is looked for as it is written, then without regard to case. Keys of maps may hold dots, so the longest key that
fits counts. Of a list, every item is gone into; of tags, the item with that key; of metrics, the one of that name.
"""

from functools import lru_cache
from typing import Any, Final

from clary.kernel.resource import Doc

_UNION: Final = ("NumberValue", "StringValue")
"""What the value of a component's parameter is."""
_STATISTICS: Final = ("Value", "Last")
"""What the value of a metric is where no statistic of it is named: of a job, of a component."""


@lru_cache(maxsize=2048)
def steps_of(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


def found_at(record: Any, name: str) -> list[Any]:
    """All values of the property; [] when the record has none."""
    return values_at(record, steps_of(name))


def values_at(value: Any, steps: tuple[str, ...]) -> list[Any]:
    """All values at the end of these steps."""
    if isinstance(value, list):
        return _in_list(value, steps)
    if not steps:
        return _leaf(value)
    if not isinstance(value, dict):
        return []
    if steps[0] in value:  # nearly always, and then it is not looked any further
        found = values_at(value[steps[0]], steps[1:])
        if found or len(steps) == 1:
            return found
    for count in range(len(steps), 0, -1):
        key = ".".join(steps[:count])
        if key in value:
            return values_at(value[key], steps[count:])
    for count in range(len(steps), 0, -1):
        key = ".".join(steps[:count]).lower()
        for one in value:
            if one.lower() == key:
                return values_at(value[one], steps[count:])
    return []


def _in_list(items: list[Any], steps: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        named = _named(item) if steps else None
        if named is not None:
            found += _of_named(item, named, steps)
        else:
            found += values_at(item, steps)
    return found


def _named(item: Any) -> str | None:
    """The name under which a list's item is found: a tag's key, a metric's name, a pipeline's parameter."""
    if isinstance(item, dict):
        if "MetricName" in item:
            return str(item["MetricName"])
        if "Value" in item and ("Key" in item or "Name" in item):
            return str(item.get("Key", item.get("Name")))
    return None


def _of_named(item: Doc, name: str, steps: tuple[str, ...]) -> list[Any]:
    own = steps_of(name)
    rest = steps[len(own) :]
    if tuple(one.lower() for one in steps[: len(own)]) == tuple(one.lower() for one in own):
        if rest:
            return values_at(item, rest)
        return next(([item[one]] for one in _STATISTICS if one in item), [])
    # The members of every item have names too: Tags.Key, Metrics.MetricName.
    return [item[steps[0]]] if len(steps) == 1 and steps[0] in item else []


def _leaf(value: Any) -> list[Any]:
    if isinstance(value, dict):
        for one in _UNION:
            if one in value:
                return [value[one]]
    return [value]
