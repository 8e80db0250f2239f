"""The port of surveys: what a file is, by its first bytes (and, where the format has them there, its last).

Where it has got to of a format, a schema is a document that can be stored as it is:

    {"classification": "csv", "compression": "gzip", "columns": [["a", "bigint"], ["b", ["array", "string"]]],
     "details": {"delimiter": ",", "header": True}}

Types are those of clary.engines.schemas.types.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to be looked at."""

    path: str
    """Where it is on this machine; it is read and never changed."""
    size: int
    """Of the whole object, in bytes."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one sample."""

    kind: Literal["data", "empty", "unknown", "unreadable"]
    """unknown: none of the formats; unreadable: one of them, but broken."""
    schema: int = -1
    """Which of the survey's schemas, for data."""
    records: int = 0
    """How many there are, for data; estimated where only the head was read."""
    why: str = ""
    """For unknown and unreadable ones, in words."""


@dataclass(frozen=True, slots=True)
class Survey:
    schemas: Sequence[Doc]
    """Each different one once."""
    seen: Sequence[Seen]
    """One a sample, in their order."""


class Surveys(Protocol):
    def lacks(self) -> str | None:
        """What must be installed before every format can be read, in words; None: nothing."""
        ...

    async def survey(self, samples: Sequence[Sample], classifiers: Sequence[Doc]) -> Survey:
        """What is in each. `classifiers` are asked before the built-in formats, in their order: {"kind": "csv", "json"
        or "grok", and the members that Glue knows of that kind}. Raises SurveyError."""
        ...


class SurveyError(Exception):
    """No answer could be had; asking again may help."""
