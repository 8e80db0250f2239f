"""Letting the event loop go on, without time passing."""

import asyncio
from collections.abc import Callable


async def settle() -> None:
    """Everything that can run without time passing has run."""
    for _ in range(30):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """`true()` holds. Raises AssertionError when it does not come true without time passing."""
    for _ in range(1_000):
        if true():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")
