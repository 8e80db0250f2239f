"""Search in a process of its own, which is there only while somebody asks: what Optuna takes of memory and of the
interpreter's time, the server does not pay."""

import asyncio
from importlib.util import find_spec

import orjson

from clary.engines.answering import Answering
from clary.engines.search.base import Point, Question, SearchError

IDLE_SECONDS = 60.0
"""The process ends after so long without a question: the next one pays half a second for a new one."""
ANSWER_SECONDS = 60.0
"""A process that thinks longer is given up: the largest question takes a tenth of a second."""
# A decision is too small to be shared out among threads.
_ENV = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class SearchProcess:
    """One question at a time; others wait for their turn in threads."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._process = Answering("clary.engines.search.worker", idle_seconds, ANSWER_SECONDS, _ENV)

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return self._process.pid

    def lacks(self) -> str | None:
        return None if find_spec("optuna") else "the package optuna: pip install 'clary[algorithms]'"

    async def next(self, question: Question) -> Point:
        said = await asyncio.to_thread(self._process.ask, orjson.dumps(question))
        if not said:
            raise SearchError("the process that decides what to try next ended without an answer")
        return tuple(orjson.loads(said))

    def close(self) -> None:
        """The process is gone; a later question would start another."""
        self._process.close()
