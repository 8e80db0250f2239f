"""How the control process asks a front what it serves: one JSON line there, one JSON line back, over a Unix socket.

Asking is also the hint: a front looks at the route table before it answers.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from clary.kernel.resource import Doc

logger = logging.getLogger(__name__)

Answerer = Callable[[Doc], Doc]


class NoFront(Exception):
    """Nobody listens there: the front has ended."""


async def answer_at(path: Path, answer: Answerer) -> asyncio.Server:
    """Questions to the socket at `path` are answered by `answer`, until the server is closed."""
    path.unlink(missing_ok=True)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                while line := await reader.readline():
                    writer.write(orjson.dumps(answer(orjson.loads(line))) + b"\n")
                    await writer.drain()
            except (ValueError, ConnectionError) as error:
                logger.warning("a question was not understood", extra={"error": str(error)})

    return await asyncio.start_unix_server(converse, path, limit=2**16)


async def ask(path: Path, question: Doc, timeout: float) -> Doc:
    """The front's answer. Raises NoFront, and TimeoutError when it does not answer in time."""
    async with asyncio.timeout(timeout):
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=2**26)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoFront(str(path)) from error
        with contextlib.closing(writer):
            try:
                writer.write(orjson.dumps(question) + b"\n")
                line = await reader.readline()
            except ConnectionError as error:
                raise NoFront(str(path)) from error
            if not line:
                raise NoFront(str(path))
            answer: dict[str, Any] = orjson.loads(line)
            return answer
