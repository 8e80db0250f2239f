"""Hints that a run has ended or printed, from the kernel: one pidfd a running keeper, in the event loop."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from clary.engines.runners import procfs
from clary.engines.runners.growth import Growth
from clary.engines.runners.rundir import RunDir

_FIRST_LOOK_SECONDS = 0.001
_LAST_LOOK_SECONDS = 5.0


class Watch:
    """Which runs are watched, in this process and this loop. Losing it loses only hints."""

    def __init__(self, place: Callable[[str], RunDir]) -> None:
        self._place = place
        self._changed: list[Callable[[str], None]] = []
        self._armed: dict[str, tuple[asyncio.AbstractEventLoop, int]] = {}
        self._growth = Growth(self.tell)

    def add(self, changed: Callable[[str], None]) -> None:
        self._changed.append(changed)

    def tell(self, uid: str) -> None:
        """Whoever listens looks at the run."""
        for changed in self._changed:
            changed(uid)

    def arm(self, uid: str, log: Path | None = None) -> None:
        """The run is watched until it ends; nothing happens without a running loop or for a run that is not alive. With
        `log`, its next line is told too."""
        if not self._changed:
            return
        if log is not None:
            self._growth.arm(uid, log)
        if uid in self._armed:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        keeper = self._place(uid).keeper()
        fd = None if keeper is None else procfs.identify(keeper)
        if fd is None:
            return
        self._armed[uid] = loop, fd
        loop.add_reader(fd, self._died, uid)

    def disarm(self, uid: str) -> None:
        self._growth.disarm(uid)
        armed = self._armed.pop(uid, None)
        if armed is not None:
            loop, fd = armed
            if not loop.is_closed():
                loop.remove_reader(fd)
            os.close(fd)

    def close(self) -> None:
        self._changed.clear()
        self._growth.close()
        for uid in list(self._armed):
            self.disarm(uid)

    def _died(self, uid: str) -> None:
        loop, _ = self._armed[uid]
        self.disarm(uid)
        self._tell(loop, uid, _FIRST_LOOK_SECONDS)

    def _tell(self, loop: asyncio.AbstractEventLoop, uid: str, wait: float) -> None:
        # The keeper goes a moment before the last of its sandbox does: the hint waits for both, or it would be early.
        held = False
        with suppress(OSError):
            held = self._place(uid).held()
        if held and wait < _LAST_LOOK_SECONDS:
            loop.call_later(wait, self._tell, loop, uid, wait * 2)
            return
        self.tell(uid)
