"""The numbers in a JSON document, by path: so the server and the command line read metrics files of models."""

from collections.abc import Mapping
from typing import Any, Final

MOST: Final = 200
"""Numbers that are kept of one document."""


class Ambiguous(ValueError):
    """The name stands for several numbers."""


def numbers(document: Any) -> dict[str, float]:
    """{"regression_metrics.mse.value": 4.9}: every number that is reached through objects alone, in order of the
    document, at most MOST. Lists (curves, matrices) are passed over."""
    found: dict[str, float] = {}
    _gather(document, "", found)
    return found


def _gather(value: Any, path: str, found: dict[str, float]) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _gather(inner, f"{path}.{name}" if path else str(name), found)
    elif isinstance(value, int | float) and not isinstance(value, bool) and len(found) < MOST:
        found[path] = float(value)


def named(found: Mapping[str, float], name: str) -> float | None:
    """The number of that path, or of the one path that ends with the name; a last ".value" may be left out. None: there
    is none. Raises Ambiguous."""
    for exact in (name, f"{name}.value"):
        if exact in found:
            return found[exact]
    ends = (f".{name}", f".{name}.value")
    matching = [path for path in found if path.endswith(ends)]
    if len(matching) > 1:
        raise Ambiguous(f"{name!r} may be any of {', '.join(sorted(matching))}")
    return found[matching[0]] if matching else None
