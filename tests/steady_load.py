"""Load that never lets up: connections that send the next signed inference as soon as the answer is there, and keep
account of every answer. It runs in a thread of its own, beside a test that changes what is being served."""

import asyncio
import threading
from collections import Counter

from clary.aws.credentials import Keys
from tests.serving import read_reply, signed

CONNECTIONS = 16


class Load:
    """`with Load(url, keys, "endpoint", body) as load:` sends until the end of the block. These clients retry nothing:
    every answer that is not 200, and every connection that ends, counts as an error."""

    def __init__(self, url: str, keys: Keys, endpoint: str, body: bytes = b"1", connections: int = CONNECTIONS) -> None:
        self.answers: Counter[str] = Counter()
        """How often each body was answered."""
        self.errors: list[str] = []
        self._port = int(url.rpartition(":")[2])
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        self._request = signed(f"{url}/endpoints/{endpoint}/invocations", body, headers, keys)
        self._connections = connections
        self._over = threading.Event()
        self._more = threading.Condition()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")

    def __enter__(self) -> "Load":
        self._thread.start()
        self.see(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def see(self, more: int, seconds: float = 60.0) -> Counter[str]:
        """So many more answers have come; by body, those that came since the call."""
        with self._more:
            before = Counter(self.answers)
            enough = before.total() + more
            assert self._more.wait_for(lambda: self.answers.total() >= enough or self.errors, seconds), "no answers"
            return Counter(self.answers) - before

    async def _run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._connections)))

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self._over.is_set():
            try:
                writer.write(self._request)
                reply = await read_reply(reader)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self._tell(error=f"{type(error).__name__}: {error}")
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                continue
            if reply.status == 200:
                self._tell(answer=reply.body.decode().strip())
            else:
                self._tell(error=f"{reply.status} {reply.body[:300]!r}")
        writer.close()

    def _tell(self, answer: str | None = None, error: str | None = None) -> None:
        with self._more:
            if answer is not None:
                self.answers[answer] += 1
            if error is not None:
                self.errors.append(error)
            self._more.notify_all()
