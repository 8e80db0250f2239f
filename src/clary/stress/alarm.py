"""A callback at an exact time: event loops round to milliseconds, which an open loop would count as latency."""

import asyncio
import ctypes
import os
import struct
import sys
import time
from collections.abc import Callable

_MONOTONIC, _NONBLOCK, _CLOEXEC, _ABSOLUTE = 1, os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0), 1


class Alarm:
    """Calls back once at each set time (seconds of the monotonic clock), within some 0.1 ms where there is a timerfd
    (Linux), else within a millisecond or two."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor = -1
        if sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._descriptor = self._libc.timerfd_create(_MONOTONIC, _NONBLOCK | _CLOEXEC)
        if self._descriptor >= 0:
            loop.add_reader(self._descriptor, self._expired)

    def set(self, at: float) -> None:
        if self._descriptor < 0:
            self._timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._ring)
            return
        nanoseconds = max(int(at * 1e9), 1)
        spec = struct.pack("qqqq", 0, 0, *divmod(nanoseconds, 1_000_000_000))
        if self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, spec, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def _expired(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            return
        self._ring()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
