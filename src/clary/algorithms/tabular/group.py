"""The hosts of one job in step: sums and lists over all of them, through the first one, by TCP."""

import contextlib
import io
import select
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import AlgorithmError, ClientError, Contract

PORT = 7778
PATIENCE = 120.0
"""Seconds until every host must have come."""
_SIZE = struct.Struct("<Q")
_RETRY_SECONDS = 0.1


class Group:
    """One host's view of all. Every host calls the same methods in the same order with arrays of the same shapes; the
    first one adds up in the order of the ranks, so that all have the same result to the last bit."""

    def __init__(self, hosts: Sequence[str], host: str, port: int = PORT) -> None:
        """All hosts have come. Raises AlgorithmError when one does not within PATIENCE."""
        self.hosts = tuple(hosts)
        self.host = host
        self.rank = self.hosts.index(host)
        self._peers: list[socket.socket] = []
        if len(self.hosts) > 1:
            if self.rank == 0:
                self._listen(port)
            else:
                self._connect(port)

    @classmethod
    def of(cls, contract: Contract) -> "Group":
        hosts = contract.hosts()
        return cls(hosts, contract.current_host())

    @property
    def size(self) -> int:
        return len(self.hosts)

    @property
    def leads(self) -> bool:
        """Whether this host prints and saves."""
        return self.rank == 0

    def sum(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """The sum over all hosts."""
        total = np.array(array, np.float64)
        if self.size == 1:
            return total
        if self.rank == 0:
            for peer in self._peers:
                other = self._receive(peer)
                if other.shape != total.shape:
                    raise ClientError("The hosts have data of different width; set feature_dim.")
                total += other
            for peer in self._peers:
                self._send(peer, total)
            return total
        self._send(self._peers[0], total)
        return self._receive(self._peers[0])

    def gather(self, array: NDArray[Any]) -> list[NDArray[Any]]:
        """On the first host the arrays of all, by rank; on others nothing. Their shapes may differ."""
        if self.rank == 0:
            return [array, *(self._receive(peer) for peer in self._peers)]
        self._send(self._peers[0], array)
        return []

    def any(self, true: bool) -> bool:
        """Whether it is true on any host."""
        return bool(self.sum(np.array([float(true)]))[0])

    def close(self) -> None:
        for peer in self._peers:
            peer.close()

    def __enter__(self) -> "Group":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _listen(self, port: int) -> None:
        others = len(self.hosts) - 1
        came: dict[int, socket.socket] = {}
        with socket.create_server((self.host, port), backlog=others) as listener:
            listener.settimeout(PATIENCE)
            while len(came) < others:
                try:
                    peer, _ = listener.accept()
                except TimeoutError:
                    missing = [one for rank, one in enumerate(self.hosts) if rank and rank not in came]
                    raise AlgorithmError(f"{', '.join(missing)} did not come within {PATIENCE:g} s.") from None
                peer.settimeout(None)
                came[int(self._receive(peer)[0])] = peer
        self._peers = [came[rank] for rank in sorted(came)]

    def _connect(self, port: int) -> None:
        for _ in range(int(PATIENCE / _RETRY_SECONDS)):
            try:
                peer = socket.create_connection((self.hosts[0], port), timeout=PATIENCE)
            except OSError:
                select.select([], [], [], _RETRY_SECONDS)  # the first host may start later than this one
                continue
            peer.settimeout(None)
            self._peers = [peer]
            self._send(peer, np.array([self.rank]))
            return
        raise AlgorithmError(f"{self.hosts[0]} cannot be reached on port {port}.")

    def _send(self, peer: socket.socket, array: NDArray[Any]) -> None:
        out = io.BytesIO()
        np.save(out, array, allow_pickle=False)
        data = out.getbuffer()
        try:
            with contextlib.suppress(AttributeError):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(_SIZE.pack(len(data)))
            peer.sendall(data)
        except OSError as error:
            raise AlgorithmError(f"A host of the cluster is gone: {error}.") from None

    def _receive(self, peer: socket.socket) -> NDArray[Any]:
        (size,) = _SIZE.unpack(self._exactly(peer, _SIZE.size))
        found: NDArray[Any] = np.load(io.BytesIO(self._exactly(peer, size)), allow_pickle=False)
        return found

    @staticmethod
    def _exactly(peer: socket.socket, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            try:
                got = peer.recv_into(view)
            except OSError as error:
                raise AlgorithmError(f"A host of the cluster is gone: {error}.") from None
            if not got:
                raise AlgorithmError("A host of the cluster has ended before the training did; its own log says why.")
            view = view[got:]
        return data
