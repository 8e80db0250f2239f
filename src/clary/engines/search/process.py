"""Search in a process of its own, which is there only while somebody asks: what Optuna takes of memory and of the
interpreter's time, the server does not pay."""

import asyncio
import os
import select
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from threading import Lock

import orjson

from clary.engines.search.base import Point, Question, SearchError

IDLE_SECONDS = 60.0
"""The process ends after so long without a question: the next one pays half a second for a new one."""
ANSWER_SECONDS = 60.0
"""A process that thinks longer is given up: the largest question takes a tenth of a second."""


class SearchProcess:
    """One question at a time; others wait for their turn in threads."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def lacks(self) -> str | None:
        return None if find_spec("optuna") else "the package optuna: pip install 'clary[algorithms]'"

    async def next(self, question: Question) -> Point:
        return await asyncio.to_thread(self._next, question)

    def close(self) -> None:
        """The process is gone; a later question would start another."""
        with self._lock:
            self._end()

    def _next(self, question: Question) -> Point:
        line = orjson.dumps(question)
        with self._lock:
            # It may have ended for want of questions just as this one came, so a second one is tried.
            said = self._ask(line) or self._ask(line)
        if not said:
            raise SearchError("the process that decides what to try next ended without an answer")
        return tuple(orjson.loads(said))

    def _ask(self, line: bytes) -> bytes:
        """The answer; b"": the process is gone."""
        child = self._child if self._child is not None and self._child.poll() is None else self._start()
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(line + b"\n")
            child.stdin.flush()
            heard = select.select([child.stdout], [], [], ANSWER_SECONDS)[0]
            said = child.stdout.readline() if heard else b""
        except BrokenPipeError:
            said = b""
        if not said.endswith(b"\n"):
            self._end()
            return b""
        return said

    def _start(self) -> "subprocess.Popen[bytes]":
        self._end()
        command = [sys.executable, "-m", "clary.engines.search.worker", str(self._idle_seconds)]
        # A decision is too small to be shared out among threads.
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        child.wait()
