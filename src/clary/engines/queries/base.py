"""The port of queries: what a statement is, and what comes of it over given files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

Doc = dict[str, Any]
Fetch = Callable[[Doc], Awaitable[Doc]]
"""Answers what a running query still needs, for example the local file of a manifest."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text of SQL says."""

    kind: str
    """"query", "insert", "ctas", "unload", "explain", "view", "execute", or a word of DDL ("create-table" ...)."""
    type: str
    """DDL, DML or UTILITY, as Athena tells them apart."""
    substatement: str
    tables: tuple[Doc, ...] = ()
    """What it reads: `database`, `table`, `line`, `column`, and `version` or `timestamp` of a time travel."""
    doc: Doc | None = None
    """The rest of it, by kind."""


class QueryError(Exception):
    """The query cannot be done, in Athena's words. `category`: 1 of the system, 2 of the user, 3 else."""

    def __init__(self, message: str, *, code: str = "", category: int = 2, kind: int = 1006) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.category = category
        self.kind = kind


class QueryStopped(QueryError):
    """Its process ended while it worked."""


class Talk(Protocol):
    """One process at the service of one query. Errors of every call: QueryError."""

    async def ask(self, question: Doc, fetch: Fetch | None = None) -> Doc:
        """The answer to a question of worker.py's table."""
        ...

    def end(self, *, kill: bool = False) -> None:
        """The process is free for the next query, or gone where it was in the middle of something."""
        ...


class Queries(Protocol):
    def lacks(self) -> str | None:
        """What must be installed before anything can be asked, in words; None: nothing."""
        ...

    def free(self) -> bool:
        """A query more would begin at once."""
        ...

    async def read(self, sql: str, database: str, parameters: list[str] | None = None) -> Statement:
        """What the text says; nothing is looked up. Raises QueryError with the code SYNTAX_ERROR."""
        ...

    async def begin(self) -> Talk:
        """A process for one query, as soon as one is free."""
        ...

    def scratch(self, uid: str) -> Path:
        """The directory of that query alone, which is there."""
        ...

    def forget(self, uid: str) -> None:
        """The query's directory is gone."""
        ...
