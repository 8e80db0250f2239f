"""Paths into documents, as expressions write them: `a.b[0].c`, `a['b c']`, and `Outputs['train']` on a list whose
elements carry names."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from clary.pipeline.language.findings import kind, meant
from clary.pipeline.language.problems import Unresolved

Part = str | int

NAMING: Final = (
    "Name",
    "OutputName",
    "InputName",
    "ChannelName",
    "VariantName",
    "MetricName",
    "ModelName",
    "ContainerHostname",
    "TrainingJobName",
    "Key",
)
"""By which member the elements of a list in an answer of SageMaker are named."""
_BRACKETS: Final = re.compile(r"""\[(?:(?P<index>-?\d{1,9})|(?P<quote>['"])(?P<quoted>.*?)(?P=quote))\]""", re.DOTALL)
_PLAIN: Final = re.compile(r"[^.\[\]]+")


@lru_cache(4096)
def parts(path: str) -> tuple[Part, ...]:
    """The members and indices that the path goes through; a leading `$` is the document itself. Raises ValueError with
    a sentence where it is no path."""
    found: list[Part] = []
    at = 1 if path == "$" or path.startswith(("$.", "$[")) else 0
    while at < len(path):
        if match := _BRACKETS.match(path, at):
            found.append(int(match["index"]) if match["index"] else match["quoted"])
        else:
            dotted = path[at] == "."
            match = _PLAIN.match(path, at + dotted)
            if match is None or dotted == (at == 0):
                raise ValueError(f"{path!r} is no path: {path[at:]!r} must be .NAME, [NUMBER] or ['NAME']")
            found.append(match[0])
        at = match.end()
    return tuple(found)


def follow(document: Any, way: Sequence[Part], said: str) -> Any:
    """What stands in the document at the end of the way. Raises Unresolved, `said` being how the way begins, with what
    there is instead."""
    here = document
    for part in way:
        here = _step(here, part, said)
        said = f"{said}[{part!r}]" if isinstance(part, int) or "." in part or "[" in part else f"{said}.{part}"
    return here


def _step(here: Any, part: Part, said: str) -> Any:
    match here, part:
        case dict(), str():
            if part in here:
                return here[part]
            raise Unresolved("", f"{said} has no member {part!r}{meant(part, here)}")
        case list(), int():
            if -len(here) <= part < len(here):
                return here[part]
            raise Unresolved("", f"{said} has no element [{part}]: it has {len(here)}")
        case list(), str():
            return _named(here, part, said)
    what = "element" if isinstance(part, int) else "member"
    raise Unresolved("", f"{said} is {kind(here)}, which has no {what} {part!r}")


def _named(elements: list[Any], name: str, said: str) -> Any:
    for one in elements:
        if isinstance(one, dict) and any(one.get(member) == name for member in NAMING):
            # Of pairs such as a callback's output parameters the name leads to the value.
            return one["Value"] if one.keys() == {"Name", "Value"} else one
    names = [one[member] for one in elements if isinstance(one, dict) for member in NAMING if member in one]
    raise Unresolved("", f"{said} has no element named {name!r}{meant(name, map(str, names))}")
