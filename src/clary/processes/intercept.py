"""The proxy of one `clary run`, job or model server: AWS's host names are answered by Clary, all other hosts pass
through.

`python -m clary.processes.intercept --home DIR --endpoint URL --listen-fd N --watch-fd N`. It ends with the process
behind the watched pidfd; `--watch-pid N` instead names its parent. Its socket listened before it was started: whoever
connects early waits in the backlog.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import socket
import ssl
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

import uvloop

from clary.config import read
from clary.kernel import log
from clary.processes.certificates import Leaves, is_aws
from clary.processes.heads import Asked, BadHead, parse, read_head
from clary.processes.lender import Lender
from clary.processes.relay import Distrust, join

LOG = logging.getLogger(__name__)
CONNECT_SECONDS = 30.0
HEAD_SECONDS = 60.0
NAMED_HOSTS = 10_000
_ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"

Upstream = Callable[[str, str], SplitResult | None]


class Unreachable(Exception):
    """Nobody answers there. The message names who."""


def surrounding_proxy(scheme: str, host: str) -> SplitResult | None:
    """The proxy that this machine's own settings name for the host; None: none."""
    proxies = urllib.request.getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(host):
        return None
    return urlsplit(found if "://" in found else f"http://{found}")


class Interceptor:
    """One request after the other is asked of it; each leads to Clary, to its own host, or to a refusal."""

    def __init__(
        self,
        clary: str,
        leaves: Leaves,
        others: Literal["pass", "refuse"] = "pass",
        upstream: Upstream = surrounding_proxy,
        lender: Lender | None = None,
    ) -> None:
        url = urlsplit(clary)
        assert url.hostname is not None
        self._clary = url.hostname, url.port or 80
        self._url = clary
        self._leaves = leaves
        self._others = others
        self._upstream = upstream
        self._lender = lender
        self._named: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Until cancelled; then every connection is closed."""
        loop = asyncio.get_running_loop()
        listener.setblocking(False)
        try:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError as error:  # too many descriptors: those that are open must end first
                    LOG.warning("cannot accept a connection", extra={"problem": str(error)})
                    await asyncio.sleep(0.1)
                    continue
                task = asyncio.create_task(self._handle(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await read_head(connection)
            lent = await self._lender.answer(head) if self._lender is not None else None
            if lent is None:
                await self._serve(connection, parse(head))
            else:
                status, said = lent
                await _answer(connection, status, "OK" if status == 200 else "Forbidden", said, "application/json")
        except BadHead as bad:
            await _refuse(connection, 400, "Bad Request", str(bad))
        except Unreachable as lost:
            await _refuse(connection, 502, "Bad Gateway", str(lost))
        except Distrust as broken:
            LOG.warning("a client broke off the TLS handshake", extra={"problem": str(broken)})
        except (EOFError, TimeoutError, OSError) as error:
            LOG.debug("a connection broke", extra={"problem": str(error)})
        except Exception:
            LOG.exception("a connection failed")
        finally:
            connection.close()

    async def _serve(self, connection: socket.socket, asked: Asked) -> None:
        if is_aws(asked.host):
            context = self._leaves.context(asked.host) if asked.tunnel and asked.port != 80 else None
            clary = await self._reach(*self._clary, f"Clary does not answer at {self._url}")
            await self._join(connection, clary, asked, context, asked.forward)
        elif (asked.host, asked.port) == self._clary:
            # A program whose list of hosts without a proxy does not name this machine.
            clary = await self._reach(*self._clary, f"Clary does not answer at {self._url}")
            await self._join(connection, clary, asked, None, asked.forward)
        elif self._others == "refuse":
            self._say_once("refused a host that is not AWS's", asked.host)
            sentence = (
                f"{asked.host} is none of AWS's hosts, and this Clary lets nothing else pass (CLARY_OTHER_HOSTS)."
            )
            await _refuse(connection, 403, "Forbidden", sentence)
        else:
            self._say_once("passed through to a host that is not AWS's", asked.host)
            await self._pass(connection, asked)

    async def _pass(self, connection: socket.socket, asked: Asked) -> None:
        proxy = self._upstream("https" if asked.tunnel else "http", asked.host)
        if proxy is None:
            theirs = await self._reach(asked.host, asked.port, f"{asked.host}:{asked.port} cannot be reached")
            await self._join(connection, theirs, asked, None, asked.forward)
            return
        if proxy.scheme != "http" or proxy.hostname is None:
            raise Unreachable(f"The proxy around this one is of a kind that is not served: {proxy.scheme}://.")
        theirs = await self._reach(proxy.hostname, proxy.port or 80, f"The proxy {proxy.hostname} cannot be reached")
        await self._join(connection, theirs, asked, None, _for_proxy(asked, proxy), already=asked.tunnel)

    async def _join(
        self,
        connection: socket.socket,
        theirs: socket.socket,
        asked: Asked,
        context: ssl.SSLContext | None,
        first: bytes,
        already: bool = False,
    ) -> None:
        """`already`: whoever is behind `theirs` answers the CONNECT itself."""
        if asked.tunnel and not already:
            try:
                await asyncio.get_running_loop().sock_sendall(connection, _ESTABLISHED)
            except OSError:
                theirs.close()
                raise
        await join(connection, theirs, context, first)

    async def _reach(self, host: str, port: int, otherwise: str) -> socket.socket:
        """A connected socket. Raises Unreachable with the sentence `otherwise` and the system's reason."""
        loop = asyncio.get_running_loop()
        reason = "no address"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                for family, kind, number, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                    made = socket.socket(family, kind, number)
                    made.setblocking(False)
                    try:
                        await loop.sock_connect(made, address)
                    except OSError as error:
                        made.close()
                        reason = error.strerror or str(error)
                    except BaseException:
                        made.close()
                        raise
                    else:
                        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        return made
        except OSError as error:  # a name that nobody knows; TimeoutError is one too
            reason = error.strerror or f"no answer in {CONNECT_SECONDS:.0f} s"
        raise Unreachable(f"{otherwise}: {reason}.")

    def _say_once(self, what: str, host: str) -> None:
        if host not in self._named and len(self._named) < NAMED_HOSTS:
            self._named.add(host)
            LOG.info(what, extra={"host": host})


def _for_proxy(asked: Asked, proxy: SplitResult) -> bytes:
    """The head that the surrounding proxy gets, with the name and password of its URL."""
    if asked.tunnel:
        where = f"[{asked.host}]:{asked.port}" if ":" in asked.host else f"{asked.host}:{asked.port}"
        head = f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode()
    else:
        head = asked.absolute
    if proxy.username is None:
        return head
    secret = b64encode(f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode())
    return head.removesuffix(b"\r\n") + b"Proxy-Authorization: Basic " + secret + b"\r\n\r\n"


async def _refuse(connection: socket.socket, status: int, reason: str, sentence: str) -> None:
    await _answer(connection, status, reason, sentence.encode() + b"\n", "text/plain; charset=utf-8")


async def _answer(connection: socket.socket, status: int, reason: str, body: bytes, kind: str) -> None:
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    with contextlib.suppress(OSError):  # who is told may be gone
        await asyncio.get_running_loop().sock_sendall(connection, head.encode() + b"Connection: close\r\n\r\n" + body)


async def run(interceptor: Interceptor, listener: socket.socket, watch: int) -> None:
    """Until the process behind the pidfd `watch` has ended."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(watch, over.set)
    serving = asyncio.create_task(interceptor.serve(listener))
    ended = asyncio.create_task(over.wait())
    await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
    loop.remove_reader(watch)
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _parent(pid: int) -> int | None:
    """A pidfd of our parent; None: it has ended already."""
    try:
        found = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # The descriptor first: while it is our parent the pid is nobody else's.
    if os.getppid() == pid:
        return found
    os.close(found)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="clary.processes.intercept")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    watched = parser.add_mutually_exclusive_group(required=True)
    watched.add_argument("--watch-fd", type=int)
    watched.add_argument("--watch-pid", type=int)
    asked = parser.parse_args(arguments)
    watch = asked.watch_fd
    if watch is None:
        watch = _parent(asked.watch_pid)
        if watch is None:
            return 0
    config = read(home=asked.home)
    log.configure(config.log_level)
    log.bind(run=str(os.getpid()))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (65536 if hard == resource.RLIM_INFINITY else hard, hard))
    listener = socket.socket(fileno=asked.listen_fd)
    lender = Lender(config) if asked.watch_pid is not None else None  # a run's; `clary run` has its keys
    interceptor = Interceptor(asked.endpoint, Leaves(config.authority_dir), config.other_hosts, lender=lender)
    uvloop.run(run(interceptor, listener, watch))
    return 0


if __name__ == "__main__":
    sys.exit(main())
