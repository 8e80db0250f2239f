"""The service, its errors, and walks over everything that has tags."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context, Service
from clary.aws.tagging import Taggable, Taggables, Tagged
from clary.kernel import page
from clary.kernel.errors import BadToken

service = Service("resourcegroupstaggingapi", prefix="tag")

BITE: Final = 100
"""Resources that are looked at before others get their turn."""


class InvalidParameterException(ServiceError):
    """A parameter is not as it must be, or does not go with another one."""


async def every(
    ctx: Context, kinds: Sequence[Taggable], kind: str = "", place: str = ""
) -> AsyncGenerator[tuple[Taggable, Tagged], None]:
    """All resources of these kinds behind that place, those without tags too, by kind and place."""
    for one in kinds:
        if one.kind < kind:
            continue
        at = place if one.kind == kind else ""
        while some := one.page(ctx, at, BITE):
            for found in some:
                yield one, found
            if len(some) < BITE:
                break
            at = some[-1].place
            await asyncio.sleep(0)


async def tagged(ctx: Context) -> AsyncGenerator[Tagged, None]:
    """All resources that have tags."""
    async for _, one in every(ctx, ctx.port(Taggables).kinds):
        if one.tags:
            yield one


def position(token: str, filters: str, *types: type) -> list[Any]:
    """Where a token's list goes on. Raises InvalidParameterException."""
    try:
        return page.decode(token, filters, *types)
    except BadToken as error:
        raise InvalidParameterException(f"{error}.") from None
