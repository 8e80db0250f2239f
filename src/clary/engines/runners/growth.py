"""Hints that a run has printed something, from the kernel: one inotify descriptor for all, in the event loop."""

import asyncio
import ctypes
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

SOON_SECONDS: Final = 0.02
"""After a line: those that are printed together are told together."""
EVERY_SECONDS: Final = 0.25
"""Between two hints of one run: a chatty one costs no more looks than that."""
_EVENT: Final = struct.Struct("iIII")
_IN_MODIFY: Final = 0x2
_IN_ONESHOT: Final = 0x80000000


class Growth:
    """Which logs are watched, in this process and this loop. Losing it loses only hints.

    A watch tells once and is gone: whoever looks at the run then arms it again, so lines that nobody reads cost
    nothing."""

    def __init__(self, grown: Callable[[str], None]) -> None:
        self._grown = grown
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._uids: dict[int, str] = {}
        self._armed: set[str] = set()
        self._told: dict[str, float] = {}

    def arm(self, uid: str, log: Path) -> None:
        """The next line of that log is told. Nothing happens without a running loop, or where the kernel watches no
        more files."""
        if uid in self._armed or not self._open():
            return
        # A file that is written on after it was armed is told even if the writing came first: the watch stands before
        # whoever armed it reads the log.
        watch = self._libc.inotify_add_watch(self._fd, os.fsencode(log), ctypes.c_uint32(_IN_MODIFY | _IN_ONESHOT))
        if watch >= 0:
            self._uids[watch] = uid
            self._armed.add(uid)

    def disarm(self, uid: str) -> None:
        """The run is no longer of interest."""
        self._told.pop(uid, None)
        if uid in self._armed:
            self._armed.discard(uid)
            for watch in [watch for watch, one in self._uids.items() if one == uid]:
                del self._uids[watch]
                self._libc.inotify_rm_watch(self._fd, watch)  # gone already, if it has told

    def close(self) -> None:
        if self._loop is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._loop = None
        self._uids.clear()
        self._armed.clear()

    def _open(self) -> bool:
        if self._loop is not None:
            return True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            return False
        self._fd, self._loop = fd, loop
        loop.add_reader(fd, self._read)
        return True

    def _read(self) -> None:
        assert self._loop is not None
        data = b""
        with suppress(BlockingIOError):
            data = os.read(self._fd, 64 * 1024)
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            uid = self._uids.pop(watch, None) if mask & _IN_MODIFY else None
            if uid is not None:
                wait = self._told.get(uid, 0.0) + EVERY_SECONDS - self._loop.time()
                self._loop.call_later(max(SOON_SECONDS, wait), self._tell, uid)

    def _tell(self, uid: str) -> None:
        if self._loop is None or uid not in self._armed:
            return  # closed, or disarmed meanwhile
        self._armed.discard(uid)
        self._told[uid] = self._loop.time()
        self._grown(uid)
