"""GET /ping: does a model server say that it is ready?"""

import asyncio

from clary.engines.serving.base import Reply
from clary.engines.serving.upstream import Connection, connect, is_local

_REPLY_BYTES = 64 * 1024


class _Ping:
    taker = None

    def __init__(self) -> None:
        self.head = b"GET /ping HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        self.body = b""
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def answered(self, connection: Connection, reply: Reply) -> None:
        self._end(reply.status)

    def broken(self, connection: Connection, reached: bool, why: str) -> None:
        self._end(0)

    def _end(self, status: int) -> None:
        if not self.ended.done():
            self.ended.set_result(status)


async def answers_ping(address: str, timeout: float) -> bool:
    """The model server at `address` takes a new connection and answers GET /ping with 200 within `timeout` seconds."""
    ping = _Ping()
    connection: Connection | None = None
    try:
        async with asyncio.timeout(timeout):
            connection = await connect(
                address, timeout, lambda: Connection(is_local(address), _REPLY_BYTES, lambda _: None)
            )
            connection.send(ping)
            return await ping.ended == 200
    except OSError:  # nobody listens, or (TimeoutError) nobody answers
        return False
    finally:
        if connection is not None:
            connection.abandon()
