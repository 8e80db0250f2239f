"""Collects what is wrong with a document while it is read, so that all of it is told at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clary.pipeline.language.definition import Doc
from clary.pipeline.language.problems import Problem


@dataclass(slots=True)
class Findings:
    """Problems in the order in which they were found."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str, step: str | None = None) -> None:
        self.problems.append(Problem(path, message, step))

    def object(self, value: Any, path: str, known: Iterable[str] | None, step: str | None = None) -> Doc | None:
        """`value` if it is an object, without the members that are null, which mean nothing; None and a problem if not.
        Members that are not `known` are told and left out; None: any are."""
        if not isinstance(value, dict):
            self.add(path, f"must be an object, but is {kind(value)}", step)
            return None
        given = {name: one for name, one in value.items() if one is not None}
        if known is None:
            return given
        names = tuple(known)
        for name in given.keys() - set(names):
            self.add(below(path, name), f"{name} is no member of this object{meant(name, names)}", step)
        return {name: one for name, one in given.items() if name in names}

    def list(self, value: Any, path: str, step: str | None = None) -> "list[Any]":
        """`value` if it is a list; an empty one and a problem if not."""
        if isinstance(value, list):
            return value
        self.add(path, f"must be a list, but is {kind(value)}", step)
        return []

    def text(self, value: Any, path: str, step: str | None = None) -> str | None:
        """`value` if it is a string that is not empty; None and a problem if not."""
        if isinstance(value, str) and value:
            return value
        what = "is empty" if value == "" else f"is {kind(value)}"
        self.add(path, f"must be a string, but {what}", step)
        return None

    def number(
        self, value: Any, path: str, step: str | None, least: float, most: float, *, whole: bool
    ) -> float | None:
        """`value` if it is a number (a whole one) within the bounds; None and a problem if not."""
        fits = isinstance(value, int) or (isinstance(value, float) and not whole)
        if fits and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        what = "a whole number" if whole else "a number"
        self.add(path, f"must be {what} from {least:g} to {most:g}, but is {told(value)}", step)
        return None


def below(path: str, member: str | int) -> str:
    """The path of a member of the object, or of an element of the list, at `path`."""
    if isinstance(member, int):
        return f"{path}[{member}]"
    plain = member and not set(member) & set(".[]'\"")
    if not plain:
        return f"{path}[{member!r}]"
    return f"{path}.{member}" if path else member


def kind(value: Any) -> str:
    """What JSON calls it, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


def told(value: Any) -> str:
    """The value as a sentence shows it: what it is, and itself where it is short."""
    if isinstance(value, str | bool | int | float):
        said = repr(value) if not isinstance(value, bool) else str(value).lower()
        return f"{kind(value).split()[1]} {said if len(said) <= 80 else said[:77] + '...'}"
    return kind(value)


def meant(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, to stand behind a sentence; or at those that there are."""
    import difflib  # wanted only when something is wrong

    known = list(dict.fromkeys(names))
    if near := difflib.get_close_matches(name, known, 1, 0.7):
        return f"; did you mean {near[0]}?"
    if not known:
        return "; there are none"
    return f"; there are {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}"
