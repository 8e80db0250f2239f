"""JSON paths of inputs: $.detail.state, $.resources[0], $.detail.items[*].name, $['detail-type']."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Path = Callable[[Mapping[str, Any]], Any]
"""What stands there in an event; MISSING."""

MISSING: Final = object()
_PART: Final = re.compile(
    r"""\.(?P<name>[\w\-/:@]+) | \.(?P<any>\*) | \[(?P<index>-?\d+)\] | \[(?P<all>\*)\]
      | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\] | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]""",
    re.VERBOSE,
)
_ALL: Final = object()
_Step = str | int | object


def compile_path(text: str) -> Path:
    """Raises ValueError that names the position."""
    if not text.startswith("$"):
        raise ValueError(f"the JSON path {text!r} must begin with '$' at position 0")
    steps: list[_Step] = []
    at = 1
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"the JSON path {text!r} is not understood at position {at}")
        steps.append(_step(match))
        at = match.end()
    if _ALL in steps:
        return lambda event: _several(event, tuple(steps))
    names = tuple(steps)

    def found(event: Mapping[str, Any]) -> Any:
        value: Any = event
        for step in names:
            value = _inside(value, step)
            if value is MISSING:
                return MISSING
        return value

    return found


def _step(match: "re.Match[str]") -> _Step:
    if match["any"] or match["all"]:
        return _ALL
    if match["index"] is not None:
        return int(match["index"])
    for kind in ("single", "double"):
        if match[kind] is not None:
            return re.sub(r"\\(.)", r"\1", match[kind])
    return match["name"]


def _inside(value: Any, step: _Step) -> Any:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return MISSING


def _several(event: Mapping[str, Any], steps: tuple[_Step, ...]) -> list[Any]:
    """With a wildcard the answer is a list, though it may be empty."""
    found: list[Any] = [event]
    for step in steps:
        if step is _ALL:
            found = [inner for one in found for inner in _members(one)]
        else:
            found = [inner for one in found if (inner := _inside(one, step)) is not MISSING]
    return found


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
