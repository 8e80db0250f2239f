"""How an execution is done: its query runs in a process of its own, and what comes of it is put where it belongs.

A server that was killed meanwhile begins the query again. That is the same as having done it once: results and data
files have names that follow from the execution's id, and what the catalog knows already is not made twice."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from clary.aws.credentials import Principal
from clary.aws.errors import AccessDenied, ServiceError
from clary.aws.service import Context
from clary.engines.queries.base import Queries, QueryError, Talk
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.athena import making, publishing, statements
from clary.services.athena.api import EXECUTION
from clary.services.athena.executions import MACHINE, reuse_key, who
from clary.services.athena.files import file_at
from clary.services.athena.sources import Sources

LOOK_SECONDS: Final = 0.5
"""A step waits so long for its query; a longer one is looked at again when it ends."""
WAIT_SECONDS: Final = 0.2
"""Between two looks of a query that waits for a process."""

log = logging.getLogger(__name__)


class Executions:
    """Desired: the query has been done once, or is cancelled. Every step may be repeated after a crash."""

    def __init__(
        self, queries: Queries, inside: Callable[[Principal, str], Context], store: Store, clock: Clock
    ) -> None:
        self._queries = queries
        self._inside = inside
        self._store = store
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[Step]] = {}
        self._talks: dict[str, Talk] = {}
        self._mine: set[str] = set()
        """Executions that this process began: any other one may have been done in part."""

    async def __call__(self, row: Resource) -> Step:
        if MACHINE.settled(row.phase):
            await self._over(row.uid)
            return rest()
        if row.phase == "QUEUED":
            return await self._begun(row)
        task = self._tasks.get(row.uid)
        if task is None:
            task = self._tasks[row.uid] = asyncio.create_task(self._done(row), name=f"query {row.name}")
            task.add_done_callback(lambda _: self._hint(row.uid))
        await asyncio.wait({task}, timeout=LOOK_SECONDS)
        if not task.done():
            return again(60.0)
        try:
            step = task.result()
        finally:
            await self._over(row.uid)
        return step

    def give_up(self, row: Resource, error: Exception) -> Step:
        return self._failed(f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}", 1, 100)

    async def _begun(self, row: Resource) -> Step:
        missing = self._queries.lacks()
        if missing or row.status.get("_statement") is None:
            told = f"GENERIC_INTERNAL_ERROR: this server lacks {missing or 'what reads statements; ask again'}"
            return self._failed(told, 1, 100)
        if (reused := self._reused(row)) is not None:
            now = self._clock.now()
            return move("SUCCEEDED", _began=now, _ended=now, **reused)
        if not self._queries.free():
            return again(WAIT_SECONDS)
        self._mine.add(row.uid)
        return move("RUNNING", after=0.0, _began=self._clock.now())

    def _reused(self, row: Resource) -> Doc | None:
        """What an earlier execution left, where the request takes it and it is young enough."""
        asked = row.spec.get("ResultReuseConfiguration", {}).get("ResultReuseByAgeConfiguration", {})
        if not asked.get("Enabled") or row.status["_statement"]["kind"] != "query":
            return None
        youngest = self._clock.now() - 60.0 * asked.get("MaxAgeInMinutes", 60)
        found: Resource | None = None
        for one in self._store.referring(row.account, row.region, EXECUTION, reuse_key(row.spec)):
            # Whoever may not read the data shall not learn from others' results what is in it.
            same = one.phase == "SUCCEEDED" and one.status["_who"] == row.status["_who"] and "_reused" not in one.status
            newer = same and (found is None or one.status["_ended"] > found.status["_ended"])
            if newer and one.status["_ended"] >= youngest:
                found = one
        if found is None:
            return None
        kept = ("_output", "_columns", "_header", "_output_bytes", "_rows")
        return {"_reused": True, **{key: found.status[key] for key in kept if key in found.status}}

    async def _done(self, row: Resource) -> Step:
        """The execution, from the catalog to its results; how it ended."""
        ctx = self._inside(who(row), row.region)
        try:
            told = await self._do(ctx, row)
        except QueryError as error:
            if error.code == "BYTES_SCANNED_LIMIT":
                reason = str(error).removeprefix(f"{error.code}: ")
                return move("CANCELLED", _ended=self._clock.now(), _reason=reason)
            return self._failed(str(error), error.category, error.kind)
        except AccessDenied as error:
            return self._failed(f"Insufficient permissions to execute the query. {error.message}", 2, 1301)
        except ServiceError as error:
            if error.http_status >= 500:
                raise
            return self._failed(f"{error.error_code}: {error.message}", 2, 1006)
        return move("SUCCEEDED", _ended=self._clock.now(), **told)

    async def _do(self, ctx: Context, row: Resource) -> Doc:
        statement, again_ = row.status["_statement"], row.uid not in self._mine
        kind = statement["kind"]
        if kind in statements.DO:
            doc = {**statement["doc"], "group": row.spec["WorkGroup"]}
            said = await statements.DO[kind](ctx, doc, again_)
            return await publishing.text(ctx, row, said.lines, said.columns)
        outcome: Doc | None = row.status.get("_outcome")
        if outcome is None:
            outcome = await self._run(ctx, row, again_)
        spent = {
            **{"_bytes": outcome["bytes"], "_rows": outcome["rows"], "_input_bytes": outcome["input_bytes"]},
            **{"_run_ms": outcome["run_ms"], "_plan_ms": outcome["plan_ms"]},
        }
        return {**await making.published(ctx, row, outcome, self._queries.scratch(row.uid), again_), **spent}

    async def _run(self, ctx: Context, row: Resource, again_: bool) -> Doc:
        statement = row.status["_statement"]
        database = row.spec["QueryExecutionContext"].get("Database", "default").lower()
        talk = self._talks[row.uid] = await self._queries.begin()
        sources = Sources(ctx, talk)
        await sources.gather(statement["tables"])
        question = await making.question(ctx, row, statement, again_)
        await sources.files(question["sql"], database)
        asked = {
            **question,
            "ask": "run",
            "kind": statement["kind"],
            "database": database,
            "tables": sources.tables,
            "views": sources.views,
            "out": str(self._queries.scratch(row.uid)),
            "name": row.name,
            "cutoff": row.status.get("_cutoff"),
        }

        async def fetch(need: Doc) -> Doc:
            return {"files": [await file_at(ctx, uri) for uri in need["files"]]}

        answer = await talk.ask(asked, fetch)
        talk.end()
        self._talks.pop(row.uid, None)
        return {**answer, "kind": statement["kind"], "question": {**question, "sql": ""}}

    def _failed(self, reason: str, category: int, kind: int) -> Step:
        error = {"ErrorCategory": category, "ErrorType": kind, "Retryable": category == 1, "ErrorMessage": reason}
        return move("FAILED", _ended=self._clock.now(), _reason=reason, _error=error)

    def _hint(self, uid: str) -> None:
        with suppress(Missing):
            self._store.hasten(uid)

    async def _over(self, uid: str) -> None:
        """Nothing of the execution is left here but its row."""
        task = self._tasks.pop(uid, None)
        talk = self._talks.pop(uid, None)
        if talk is not None:
            talk.end(kill=True)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        self._mine.discard(uid)
        await asyncio.to_thread(self._queries.forget, uid)
