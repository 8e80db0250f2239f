"""Threads that change the same thing take turns; those that change different things do not wait."""

import contextlib
import threading
from collections.abc import Hashable, Iterator


class _Turn:
    __slots__ = ("lock", "waiting")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting = 0


class Turns:
    def __init__(self) -> None:
        self._turns: dict[Hashable, _Turn] = {}
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def of(self, thing: Hashable) -> Iterator[None]:
        """Nobody else is in here with the same `thing`."""
        with self._guard:
            turn = self._turns.setdefault(thing, _Turn())
            turn.waiting += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.waiting -= 1
                if not turn.waiting:
                    del self._turns[thing]
