"""How the hosts of a training find each other, agree on what they train on, and notice when one of them is gone.

Each host has one connection to the first one, for as long as it trains. Before the first round it tells what it holds
and hears what all hold together; from then on the connection says that the other end lives: it closes when its process
ends, however that happens."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clary.algorithms.contract import AlgorithmError, say

PORT = 9099
JOIN_SECONDS = 900.0
"""How long a host waits for the first one to listen: it does so once it has read its own data."""
RETRY_SECONDS = 0.1
LOSS_SECONDS = 3.0
"""How long after an error of XGBoost's another host may turn out to be its reason."""
Told = dict[str, Any]
Agree = Callable[[list[Told]], Told]
"""What all hosts hear, from what each has told, the first one's first. What it raises every host hears."""


class Rendezvous:
    """This host's end. `lost` is called, in a thread, with a sentence as soon as another host has ended too early."""

    def __init__(self, hosts: Sequence[str], current: str, lost: Callable[[str], None]) -> None:
        self._hosts = list(hosts)
        self._current = current
        self._lost = lost
        self._links: dict[str, Link] = {}
        self._over = threading.Event()

    @property
    def leads(self) -> bool:
        return self._current == self._hosts[0]

    def meet(self, told: Told, agree: Agree) -> Told:
        """What all hosts agreed on. Raises AlgorithmError when they cannot find each other or one of them gives up."""
        heard = self._lead(told, agree) if self.leads else self._join(told)
        for host, link in self._links.items():
            threading.Thread(target=self._watch, args=(host, link), name=f"watch-{host}", daemon=True).start()
        return heard

    def wait_for_loss(self) -> None:
        """Gives `lost` the time to be called, since XGBoost may have noticed first that a host has gone."""
        for link in self._links.values():
            link.ended.wait(LOSS_SECONDS / len(self._links))

    def leave(self) -> None:
        """The others know that this host has done its part. The first waits until it has heard that of everybody, the
        others until they have heard it of the first: who closed sooner would look lost to a watcher, its own too."""
        self._over.set()
        for link in self._links.values():
            link.send({"done": True})
        for link in self._links.values():
            link.ended.wait(JOIN_SECONDS)
        for link in self._links.values():
            link.close()

    def _lead(self, told: Told, agree: Agree) -> Told:
        others = {name for name in self._hosts if name != self._current}
        with _listener(self._current) as listener:
            listener.settimeout(JOIN_SECONDS)
            said = {self._current: told}
            while others - said.keys():
                try:
                    link = Link(listener.accept()[0])
                except TimeoutError:
                    waited = ", ".join(sorted(others - said.keys()))
                    raise AlgorithmError(f"Hosts {waited} did not come within {JOIN_SECONDS:g} s.") from None
                heard = link.read()
                name = (heard or {}).get("host")
                if name not in others or name in said:
                    link.close()  # whoever that was, it is no host of this job
                    continue
                self._links[name], said[name] = link, heard or {}
        try:
            agreed = agree([said[name] for name in self._hosts])
        except Exception as error:
            self._tell({"failed": str(error)})
            raise
        self._tell(agreed)
        return agreed

    def _tell(self, message: Told) -> None:
        for link in self._links.values():
            link.send(message)

    def _join(self, told: Told) -> Told:
        first = self._hosts[0]
        link = Link(_connected(first))
        self._links[first] = link
        link.send({"host": self._current} | told)
        heard = link.read()
        if heard is None:
            raise AlgorithmError(f"Host {first} ended before the training began.")
        if "failed" in heard:
            raise AlgorithmError(f"Host {first} gave up: {heard['failed']}")
        return heard

    def _watch(self, host: str, link: "Link") -> None:
        if link.read() is None and not (self._over.is_set() and not self.leads):
            self._lost(f"Host {host} was lost while training: its process ended before its part was done.")
        link.ended.set()


class Link:
    """A connection on which each line is a JSON object."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        self._connection = connection
        self._heard = b""
        self.ended = threading.Event()

    def send(self, message: Mapping[str, Any]) -> None:
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            say(f"A host cannot be told: {error}", level="WARNING")  # its watcher says that it is lost

    def read(self) -> Told | None:
        """The next message; None when the other end has closed, or says what is no message."""
        try:
            while b"\n" not in self._heard:
                more = self._connection.recv(65536)
                if not more:
                    return None
                self._heard += more
            line, _, self._heard = self._heard.partition(b"\n")
            found = json.loads(line)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other end was faster
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def _listener(host: str) -> socket.socket:
    try:
        address = address_of(host)
        listener = socket.create_server((address, PORT), reuse_port=False)
    except OSError as error:
        raise AlgorithmError(f"Host {host} cannot listen on port {PORT}: {error}.") from None
    return listener


def _connected(host: str) -> socket.socket:
    """A connection to that host, once it listens."""
    until = time.monotonic() + JOIN_SECONDS
    while True:
        try:
            return socket.create_connection((host, PORT), timeout=JOIN_SECONDS)
        except OSError as error:
            if time.monotonic() > until:
                raise AlgorithmError(f"Host {host} cannot be reached on port {PORT}: {error}.") from None
        time.sleep(RETRY_SECONDS)


def address_of(host: str) -> str:
    """The address of that name."""
    return str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])


def end_process(reason: str) -> None:
    """The process is over at once with exit code 1: its main thread waits inside XGBoost for a host that is gone."""
    say(reason, level="ERROR")
    os._exit(1)
