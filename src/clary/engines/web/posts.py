"""POSTs to web addresses, in threads of their own, so that one slow address never holds up another.

At most AT_ONCE requests of one address are under way; the others wait for it, and for nothing else. A thread that hangs
costs the others nothing until THREADS of them hang, and each ends with its time-out.
"""

import asyncio
import ipaddress
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from clary.kernel.web import WebAnswer, WebFailed, WebRefused

AT_ONCE: Final = 4
THREADS: Final = 32
_MOST_BODY: Final = 65_536


class WebPosts:
    """kernel.web.Web by urllib3. `reach` "loopback": only addresses of this machine; "any": all."""

    def __init__(self, reach: Literal["loopback", "any"] = "loopback") -> None:
        self._reach = reach
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web-post")
        self._pool: Any = None
        self._pooling = threading.Lock()
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    async def check(self, url: str) -> None:
        host = _host_of(url)
        if self._reach == "loopback":
            with suppress(WebFailed):
                await asyncio.get_running_loop().run_in_executor(self._threads, _check_loopback, host)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> WebAnswer:
        _host_of(url)
        loop = asyncio.get_running_loop()
        host = urlsplit(url).netloc
        turn = self._turns.setdefault(host, asyncio.Semaphore(AT_ONCE))
        self._waiting[host] += 1
        try:
            async with turn:
                return await loop.run_in_executor(self._threads, self._post, url, dict(headers), body, seconds)
        finally:
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host], self._turns[host]

    def _post(self, url: str, headers: dict[str, str], body: bytes, seconds: float) -> WebAnswer:
        if self._reach == "loopback":
            _check_loopback(urlsplit(url).hostname or "")
        import urllib3

        timeout = urllib3.Timeout(total=seconds)
        try:
            answer = self._connections().request(
                "POST", url, body=body, headers=headers, timeout=timeout, redirect=False, preload_content=False
            )
            try:
                return WebAnswer(answer.status, answer.read(_MOST_BODY))
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise WebFailed(f"{url} could not be reached: {error}") from error

    def _connections(self) -> Any:
        """Made with the first post: a server that sends nothing to the web need not load what does it."""
        import urllib3

        with self._pooling:
            if self._pool is None:
                self._pool = urllib3.PoolManager(num_pools=64, maxsize=AT_ONCE, retries=False)
            return self._pool

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._pool is not None:
            self._pool.clear()


def _host_of(url: str) -> str:
    """Raises WebRefused."""
    try:
        split = urlsplit(url)
        known = split.scheme in ("http", "https") and split.hostname and (split.port or 1)
    except ValueError:  # a port that is none, an IPv6 address that is none
        known = False
    if not known:
        raise WebRefused(f"{url!r} is no http or https address")
    return split.hostname or ""


def _check_loopback(host: str) -> None:
    """Raises WebRefused unless every address of the name is of this machine; WebFailed when the name is not known."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise WebFailed(f"the name {host} is not known: {error}") from error
    if not all(ipaddress.ip_address(one).is_loopback for one in found):
        raise WebRefused(f"{host} is not an address of this machine; CLARY_DELIVER_TO=any lets Clary send to others")
