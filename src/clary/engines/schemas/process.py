"""Surveys by processes of their own, which are there only while somebody asks: what pyarrow takes of memory, and what
parsing takes of the interpreter's time, the server does not pay."""

import asyncio
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from threading import Lock
from typing import Any, Final

import orjson

from clary.engines.schemas.base import Doc, Sample, Seen, Survey, SurveyError

IDLE_SECONDS: Final = 30.0
"""A process ends after so long without a question: the next one pays a third of a second for a new one."""
ANSWER_SECONDS: Final = 120.0
"""A process that takes longer for one question is given up."""
SHARE: Final = 64
"""So many files, at least, are worth another process."""


class SurveyProcesses:
    """Each process answers one question at a time; a question of many files is shared out among them."""

    def __init__(self, processes: int | None = None, idle_seconds: float = IDLE_SECONDS) -> None:
        """`processes`: how many there may be; None: one a core, up to 4."""
        many = min(4, os.cpu_count() or 1) if processes is None else processes
        self._workers = [_Worker(idle_seconds) for _ in range(many)]

    @property
    def pids(self) -> list[int]:
        """Of the processes that there are."""
        return [one.pid for one in self._workers if one.pid is not None]

    def lacks(self) -> str | None:
        return None if find_spec("pyarrow") else "the package pyarrow: pip install 'clary[catalog]'"

    async def survey(self, samples: Sequence[Sample], classifiers: Sequence[Doc]) -> Survey:
        if not samples:
            return Survey([], [])
        size = max(SHARE, -(-len(samples) // len(self._workers)))
        parts = [samples[at : at + size] for at in range(0, len(samples), size)]
        asked = (
            asyncio.to_thread(worker.ask, part, classifiers) for worker, part in zip(self._workers, parts, strict=False)
        )
        return _joined(await asyncio.gather(*asked))

    def close(self) -> None:
        """The processes are gone; a later question would start others."""
        for one in self._workers:
            one.close()


class _Worker:
    def __init__(self, idle_seconds: float) -> None:
        self._idle_seconds = idle_seconds
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def ask(self, samples: Sequence[Sample], classifiers: Sequence[Doc]) -> dict[str, Any]:
        line = orjson.dumps({"samples": [[one.path, one.size] for one in samples], "classifiers": list(classifiers)})
        with self._lock:
            # It may have ended for want of questions just as this one came, so a second one is tried.
            said = self._ask(line) or self._ask(line)
        if not said:
            raise SurveyError("the process that looks into files ended without an answer")
        answer: dict[str, Any] = orjson.loads(said)
        return answer

    def close(self) -> None:
        with self._lock:
            self._end()

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
        command = [sys.executable, "-m", "clary.engines.schemas.worker", str(self._idle_seconds)]
        # A file's head is too small to be shared out among threads.
        env = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}
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


def _joined(parts: Sequence[dict[str, Any]]) -> Survey:
    schemas: list[Doc] = []
    numbers: dict[bytes, int] = {}
    seen: list[Seen] = []
    for part in parts:
        own = []
        for schema in part["schemas"]:
            number = numbers.setdefault(orjson.dumps(schema), len(schemas))
            if number == len(schemas):
                schemas.append(schema)
            own.append(number)
        for kind, schema, records, why in part["seen"]:
            seen.append(Seen(kind, own[schema] if schema >= 0 else -1, records, why))
    return Survey(schemas, seen)
