"""Which instances a worker holds: what the file of the home asks of it, loaded."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clary.algorithms.graphs.base import LoadError, Program, load

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """One instance. `program` None: it is being loaded, or (`why`) cannot be."""

    digest: str
    program: Program | None = None
    why: str = ""

    @property
    def state(self) -> str:
        return "loaded" if self.program is not None else "failed" if self.why else "loading"


class Shelf:
    """`asked` is the file that says {"instances": {uid: {"digest": ..., "worker": n}}}; graphs stand beside it, by
    digest. Instances of one graph share what was loaded. Loads in a thread of its own, one at a time."""

    def __init__(self, asked: Path, worker: int, changed: Callable[[], None]) -> None:
        self.places: dict[str, Place] = {}
        self._asked = asked
        self._worker = worker
        self._changed = changed
        """Called, from the thread, when a graph has been loaded."""
        self._stamp = (-1, -1)
        self._wanted: list[str] = []
        self._lock = threading.Lock()
        self._loading = False

    def refresh(self) -> None:
        """Take up the file if it has changed: one `stat` if not. Level-triggered: call it now and then."""
        try:
            found = self._asked.stat()
        except FileNotFoundError:
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp == self._stamp:
            return
        try:
            said = json.loads(self._asked.read_bytes())["instances"]
            mine = {uid: str(one["digest"]) for uid, one in said.items() if one["worker"] == self._worker}
        except (ValueError, KeyError, TypeError):
            logger.exception("what is asked of the workers does not parse: what was asked before stays")
            return
        self._stamp = stamp
        for uid in [uid for uid in self.places if uid not in mine]:
            del self.places[uid]
        loaded = {place.digest: place.program for place in self.places.values() if place.program is not None}
        for uid, digest in mine.items():
            if uid not in self.places:
                self.places[uid] = Place(digest, loaded.get(digest))
        self._load_missing()

    def _load_missing(self) -> None:
        with self._lock:
            self._wanted = list({one.digest: None for one in self.places.values() if one.state == "loading"})
            if self._loading or not self._wanted:
                return
            self._loading = True
        threading.Thread(target=self._load, name="loader", daemon=True).start()

    def _load(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._loading = False
                    return
                digest = self._wanted.pop(0)
            program, why = self._try(digest)
            for place in list(self.places.values()):
                if place.digest == digest:
                    place.program, place.why = program, why
            self._changed()

    def _try(self, digest: str) -> tuple[Program | None, str]:
        try:
            return load(self._asked.parent / digest), ""
        except LoadError as error:
            return None, str(error)
        except Exception as error:
            # Whatever a graph does to its runtime, the worker goes on for all others.
            logger.exception("a graph cannot be loaded", extra={"digest": digest})
            return None, f"{type(error).__name__}: {error}"
