"""PREPARE and DEALLOCATE PREPARE."""

from contextlib import suppress
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.athena import prepared
from clary.services.athena.statements.base import Do, Said, answered


async def _prepares(ctx: Context, doc: Doc, again: bool) -> Said:
    with suppress(ServiceError):
        prepared.drop(ctx, doc["group"], doc["name"])
    prepared.keep(ctx, doc["group"], doc["name"], doc["sql"])
    return answered()


async def _deallocates(ctx: Context, doc: Doc, again: bool) -> Said:
    prepared.drop(ctx, doc["group"], doc["name"])
    return answered()


DO: Final[dict[str, Do]] = {
    "prepare": _prepares,
    "deallocate": _deallocates,
}
