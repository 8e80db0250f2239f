"""Worker processes, each for one query at a time. They know no credentials and no network; they end when the server
does, and after a while without work."""

import asyncio
import os
import shutil
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import orjson

from clary.engines.queries.base import Doc, Fetch, QueryError, QueryStopped, Statement

IDLE_SECONDS: Final = 600.0
"""A worker that had nothing to do for so long ends: the next query pays half a second for a new one."""
LINE_BYTES: Final = 64 * 2**20
"""The longest answer of a worker: it names files, never rows."""
MOST_QUERIES: Final = 500
"""A worker serves so many and is replaced, so nothing that a library leaks can grow."""


class Worker:
    """One process. It is asked one thing at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.served = 0
        self.busy = False

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def ask(self, question: Doc, fetch: Fetch | None = None) -> Doc:
        self.busy = True
        answer = await self._tell(question)
        while "need" in answer:
            answer = await self._tell(await _fetched(answer["need"], fetch))
        self.busy = False
        if "error" in answer:
            told = answer["error"]
            raise QueryError(told["message"], code=told["code"], category=told["category"], kind=told["kind"])
        return answer

    async def _tell(self, said: Doc) -> Doc:
        reading, writing = self.process.stdout, self.process.stdin
        assert reading is not None and writing is not None
        try:
            writing.write(orjson.dumps(said) + b"\n")
            await writing.drain()
            line = await reading.readline()
        except (BrokenPipeError, ConnectionResetError):
            line = b""
        if not line.endswith(b"\n"):
            self.kill()
            raise QueryStopped(
                "the process of this query ended before its answer, most likely for want of memory; a smaller query, or"
                " a larger CLARY_QUERY_MEMORY_BYTES on a larger machine, may do",
                code="GENERIC_INTERNAL_ERROR",
                category=1,
                kind=100,
            )
        answer: Doc = orjson.loads(line)
        return answer

    def kill(self) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                self.process.kill()


async def _fetched(need: Doc, fetch: Fetch | None) -> Doc:
    if fetch is None:
        return {"error": "nothing can be fetched here"}
    try:
        return await fetch(need)
    except QueryError as error:
        return {"error": str(error)}


class _Talk:
    """A worker that is lent for one query."""

    def __init__(self, pool: "QueryProcesses", worker: Worker) -> None:
        self._pool = pool
        self._worker: Worker | None = worker

    async def ask(self, question: Doc, fetch: Fetch | None = None) -> Doc:
        if self._worker is None:
            raise QueryStopped("the query was stopped", code="USER_CANCELLED")
        return await self._worker.ask(question, fetch)

    def end(self, *, kill: bool = False) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._pool.take_back(worker, kill=kill or worker.busy)


class QueryProcesses:
    """The port Queries over at most `most` workers, and one that only reads statements."""

    def __init__(self, directory: Path, *, most: int = 2, threads: int = 0, memory_bytes: int = 0) -> None:
        self._directory = directory
        self._most = most
        self._threads = threads
        self._memory_bytes = memory_bytes or _memory() // (2 * most)
        self._idle: list[Worker] = []
        self._lent: set[Worker] = set()
        self._reader: Worker | None = None
        self._reading: asyncio.Lock | None = None
        self._room: asyncio.Condition | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[int]] = set()

    def lacks(self) -> str | None:
        missing = [name for name in ("duckdb", "sqlglot", "pyiceberg", "pyarrow") if find_spec(name) is None]
        if not missing:
            return None
        return f"{' and '.join(missing)}, which queries need: pip install 'clary[catalog]'"

    def free(self) -> bool:
        return len(self._lent) < self._most

    @property
    def pids(self) -> list[int]:
        """Of the processes that run queries, idle or not."""
        return [one.process.pid for one in (*self._idle, *self._lent) if one.alive]

    async def read(self, sql: str, database: str, parameters: list[str] | None = None) -> Statement:
        question = {"ask": "read", "sql": sql, "database": database, "parameters": parameters}
        self._reading = self._reading or asyncio.Lock()
        async with self._reading:
            if self._reader is None or not self._reader.alive:
                self._reader = await self._start()
            try:
                answer = await self._reader.ask(question)
            except QueryStopped:
                # It may have ended for want of work just as this came.
                self._reader = await self._start()
                answer = await self._reader.ask(question)
        self._later()
        answer["tables"] = tuple(answer.get("tables", ()))
        return Statement(**answer)

    async def begin(self) -> _Talk:
        self._room = self._room or asyncio.Condition()
        async with self._room:
            await self._room.wait_for(self.free)
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    break
            else:
                worker = await self._start()
            worker.served += 1
            self._lent.add(worker)
        return _Talk(self, worker)

    def take_back(self, worker: Worker, *, kill: bool) -> None:
        """The worker is free again, or gone."""
        self._lent.discard(worker)
        if kill or worker.served >= MOST_QUERIES:
            self._drop(worker)
        elif worker.alive:
            self._idle.append(worker)
        self._later()
        if self._room is not None:
            task = asyncio.get_running_loop().create_task(self._tell_room())
            self._endings.add(task)  # a task that nobody holds may be collected
            task.add_done_callback(self._endings.discard)

    async def _tell_room(self) -> int:
        assert self._room is not None
        async with self._room:
            self._room.notify()
        return 0

    def scratch(self, uid: str) -> Path:
        found = self._directory / uid
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        return found

    def forget(self, uid: str) -> None:
        shutil.rmtree(self._directory / uid, ignore_errors=True)

    def close(self) -> None:
        """No process is left."""
        if self._timer is not None:
            self._timer.cancel()
        for worker in (*self._idle, *self._lent, *filter(None, (self._reader,))):
            worker.kill()
        self._idle, self._lent, self._reader = [], set(), None

    async def closed(self) -> None:
        """No process is left, and nothing waits for one."""
        every = [one for one in (*self._idle, *self._lent, self._reader) if one is not None]
        self.close()
        await asyncio.gather(*(one.process.wait() for one in every), *self._endings)

    def _later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go)

    def _let_go(self) -> None:
        for worker in self._idle:
            self._drop(worker)
        self._idle = []
        if self._reader is not None and not (self._reading and self._reading.locked()):
            self._drop(self._reader)
            self._reader = None

    def _drop(self, worker: Worker) -> None:
        worker.kill()
        ending = asyncio.get_running_loop().create_task(worker.process.wait())
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _start(self) -> Worker:
        missing = self.lacks()
        if missing:
            raise QueryError(f"this server lacks {missing}", code="GENERIC_INTERNAL_ERROR", category=1, kind=100)
        # Neither keys nor proxies: it speaks to nobody but to us.
        env = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
            if name in os.environ
        }
        command = (sys.executable, "-m", "clary.engines.queries.worker", str(self._threads), str(self._memory_bytes))
        return Worker(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**env, "TZ": "UTC"},
                limit=LINE_BYTES,
            )
        )


def _memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
