"""The control process's view of the workers of compiled models: it writes what is asked, and asks them what is true."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from clary.engines.runners.base import Run, StartError, Usage
from clary.engines.serving.graphs import shelf
from clary.engines.serving.graphs.frames import HEAD, WORD, word
from clary.engines.serving.graphs.link import GRAPH
from clary.engines.serving.graphs.shelf import Asked
from clary.engines.serving.paths import graphs_socket

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0


class GraphPool:
    """Implements `Graphs`. `directory` holds the graphs and what is asked; at most `most` workers run, which somebody
    else starts and keeps alive: `wake` tells them that something is asked."""

    def __init__(self, directory: Path, sockets: Path, most: int, wake: Callable[[], None] = lambda: None) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._sockets = sockets
        self._most = most
        self._wake = wake
        self._path = directory / shelf.ASKED
        self._writing = asyncio.Lock()
        try:
            self._asked = shelf.read_asked(self._path)
        except ValueError:
            # Reconcilers that find their instances absent ask for them again.
            logger.exception("what is asked of the workers does not parse: it begins anew")
            self._asked = {}
        self._pids: dict[str, int] = {}

    def directory(self, digest: str) -> Path | None:
        found = self._directory / digest
        return found if found.is_dir() else None

    def keep(self, digest: str, made: Path) -> Path:
        return shelf.keep(self._directory, digest, made)

    def kept(self) -> list[str]:
        """The names of the graphs on disk."""
        return [one.name for one in self._directory.iterdir() if one.is_dir() and not one.name.startswith(".")]

    def forget(self, digests: Sequence[str]) -> None:
        shelf.forget(self._directory, digests, {one.digest for one in self._asked.values()})

    async def start(self, uid: str, digest: str) -> None:
        if self.directory(digest) is None:
            raise StartError(f"the compiled model {digest} is not on this machine")
        async with self._writing:
            if uid not in self._asked:
                await self._write({**self._asked, uid: Asked(digest, self._free())})
        self._wake()

    async def observe(self, uid: str) -> Run:
        asked = self._asked.get(uid)
        if asked is None:
            return Run("absent")
        said = await self._ask(asked.worker, uid)
        match said:
            case {"state": "loaded", "pid": pid}:
                self._pids[uid] = pid
                return Run("running", address=f"{GRAPH}{asked.worker}/{uid}", pid=pid)
            case {"state": "failed", "why": why}:
                return Run("ended", exit_code=1, broken=why)
            case _:  # it is being loaded, or its worker is not up (yet, or again): somebody keeps it alive
                return Run("running")

    async def stop(self, uid: str) -> None:
        async with self._writing:
            if uid in self._asked:
                await self._write({name: one for name, one in self._asked.items() if name != uid})
        self._pids.pop(uid, None)
        self._wake()

    async def uids(self) -> list[str]:
        return list(self._asked)

    async def usage(self, uid: str) -> Usage | None:
        """Of its worker, shared evenly among the instances in it; None: it is not up."""
        import psutil

        asked, pid = self._asked.get(uid), self._pids.get(uid)
        if asked is None or pid is None:
            return None
        sharers = sum(one.worker == asked.worker for one in self._asked.values())
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            times = process.cpu_times()
            return Usage((times.user + times.system) / sharers, process.memory_info().rss // sharers)
        return None

    def _free(self) -> int:
        """The worker for one more instance: one without any, else the one that holds least."""
        held = Counter(one.worker for one in self._asked.values())
        return min(range(self._most), key=lambda worker: (held[worker], worker))

    async def _write(self, asked: dict[str, Asked]) -> None:
        await asyncio.to_thread(shelf.write_asked, self._path, asked)
        self._asked = asked

    async def _ask(self, worker: int, uid: str) -> dict[str, Any] | None:
        """What the worker says of the instance; None: it does not answer."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(graphs_socket(self._sockets, worker))
                with contextlib.closing(writer):
                    writer.write(word({"ask": uid}))
                    first, size = HEAD.unpack(await reader.readexactly(HEAD.size))
                    if first != WORD:
                        raise ValueError("an answer without a question")
                    said: dict[str, Any] = orjson.loads(await reader.readexactly(size))
                    return said
        except (OSError, EOFError, ValueError):
            return None
