"""Makes every change that the disk store makes outside itself run through two lines of this file, so that the crash
harness can kill the process just before and just after each of them."""

import os
from collections.abc import Callable
from typing import Any

from clary.engines.objects.index import Index

_CHANGES = ("copy_file_range", "fsync", "link", "mkdir", "rename", "rmdir", "unlink", "utime", "write")


def through_here() -> None:
    """For good: only in a process that is about to die."""
    for name in _CHANGES:
        setattr(os, name, _through(getattr(os, name)))
    Index._transact = _through(Index._transact)  # type: ignore[method-assign]


def _through(change: Callable[..., Any]) -> Callable[..., Any]:
    def changed(*args: Any, **named: Any) -> Any:
        result = change(*args, **named)
        return result

    return changed
