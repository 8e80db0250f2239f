"""The least model server: `python -m bench.model SOCKET PORT` answers every request with one line, on both."""

import asyncio
import sys

import httptools
import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 6\r\n\r\nunacc\n"


class Model(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def main() -> None:
    loop = asyncio.get_running_loop()
    await loop.create_unix_server(Model, sys.argv[1], backlog=512)
    await loop.create_server(Model, "127.0.0.1", int(sys.argv[2]), backlog=512)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
