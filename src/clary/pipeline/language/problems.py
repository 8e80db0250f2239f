"""What is wrong with a definition: all of it at once, each with the step and the path where it stands."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    path: str
    """Where it stands in the document, for example `Steps[2].Arguments.Conditions[0].LeftValue`."""
    message: str
    """What is wrong and what to do, as a sentence."""
    step: str | None = None
    """The step's name; None: it is about the definition as a whole."""

    def __str__(self) -> str:
        return f"{f'Step {self.step!r}, ' if self.step else ''}{self.path}: {self.message}"


class Refused(ValueError):
    """The definition cannot be used. `problems` are all that were found, in the order of the document."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class Unresolved(ValueError):
    """An expression has no value: the path leads nowhere, or the document has no such member. `where` is the
    expression's path within what was resolved; the message says what there is instead."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where
        self.message = message
