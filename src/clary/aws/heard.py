"""Answers that tell what a subscriber of the bus has written down: it gives way to others, so it is waited for."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from clary.aws.service import Context
from clary.kernel.events import Followers
from clary.kernel.resource import Doc

_Handler = Callable[[Context, Any], Awaitable[Doc]]


def everything(handler: _Handler) -> _Handler:
    """The handler, called when all that was written before the request has been heard: who made a job and asks for its
    lineage finds it."""

    @wraps(handler)
    async def after(ctx: Context, req: Doc) -> Doc:
        followers: Followers | None = ctx.ports.get(Followers)
        if followers is not None:
            await followers.caught_up()
        return await handler(ctx, req)

    return after
