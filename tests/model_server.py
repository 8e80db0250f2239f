"""A model server that can be killed: `python -m tests.model_server SOCKET`. Answers /ping and echoes /invocations."""

import asyncio
import sys

import httptools
import uvloop


class Model(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: %d\r\n\r\n" % len(self.body)
        self.transport.write(head + self.body)  # type: ignore[attr-defined]


async def main() -> None:
    await asyncio.get_running_loop().create_unix_server(Model, sys.argv[1], backlog=512)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
