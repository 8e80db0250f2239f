"""The port of compiled models: which graph shall be held for which instance, and which is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from clary.engines.runners.base import Run, Usage


class Graphs(Protocol):
    """Graphs on disk, and their instances. An instance is one place in a worker process of the data plane: a process
    of its own while there are few, and shared with other endpoints' once there are more than the machine shall have."""

    def directory(self, digest: str) -> Path | None:
        """Where the graph of that name stands (`graph.onnx`, `graph.json`); None: it is not here."""
        ...

    def keep(self, digest: str, made: Path) -> Path:
        """The files of the directory `made` are the graph of that name, durably and whole; a graph that is there
        already stays. Returns its directory."""
        ...

    def forget(self, digests: Sequence[str]) -> None:
        """Those graphs are gone from disk, but for those that instances are asked to hold."""
        ...

    async def start(self, uid: str, digest: str) -> None:
        """Asked, durably: a worker holds the graph for the instance. However often it is called, it is one. Raises
        StartError when there is no such graph."""
        ...

    async def observe(self, uid: str) -> Run:
        """absent: nobody has asked for it; running, with an `address` once its worker has loaded it and can answer;
        ended, with `broken`, when its worker cannot load it."""
        ...

    async def stop(self, uid: str) -> None:
        """It is not asked for any more. To be called when no route names it; what it was sent is answered."""
        ...

    async def uids(self) -> list[str]:
        """Every instance that is asked for."""
        ...

    async def usage(self, uid: str) -> Usage | None:
        """Of its worker, shared evenly among the instances in it; None: it is not up."""
        ...
