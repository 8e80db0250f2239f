"""Surveys by processes of their own, which are there only while somebody asks: what pyarrow takes of memory, and what
parsing takes of the interpreter's time, the server does not pay."""

import asyncio
import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

import orjson

from clary.engines.answering import Answering
from clary.engines.schemas.base import Doc, Sample, Seen, Survey, SurveyError

IDLE_SECONDS: Final = 30.0
"""A process ends after so long without a question: the next one pays a third of a second for a new one."""
ANSWER_SECONDS: Final = 120.0
"""A process that takes longer for one question is given up."""
SHARE: Final = 64
"""So many files, at least, are worth another process."""
# A file's head is too small to be shared out among threads.
_ENV: Final = {"OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}


class SurveyProcesses:
    """Each process answers one question at a time; a question of many files is shared out among them."""

    def __init__(self, processes: int | None = None, idle_seconds: float = IDLE_SECONDS) -> None:
        """`processes`: how many there may be; None: one a core, up to 4."""
        many = min(4, os.cpu_count() or 1) if processes is None else processes
        self._workers = [
            Answering("clary.engines.schemas.worker", idle_seconds, ANSWER_SECONDS, _ENV) for _ in range(many)
        ]

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
            asyncio.to_thread(_ask, worker, part, classifiers)
            for worker, part in zip(self._workers, parts, strict=False)
        )
        return _joined(await asyncio.gather(*asked))

    def close(self) -> None:
        """The processes are gone; a later question would start others."""
        for one in self._workers:
            one.close()


def _ask(worker: Answering, samples: Sequence[Sample], classifiers: Sequence[Doc]) -> dict[str, Any]:
    question = {"samples": [[one.path, one.size] for one in samples], "classifiers": list(classifiers)}
    said = worker.ask(orjson.dumps(question))
    if not said:
        raise SurveyError("the process that looks into files ended without an answer")
    answer: dict[str, Any] = orjson.loads(said)
    return answer


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
