"""What a trigger does when it fires."""

import hashlib
import logging
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.glue.api import service
from clary.services.glue.jobs import runs
from clary.services.glue.jobs.rows import find_job

_OF_RUN: Final = ("Arguments", "Timeout", "NotificationProperty")

log = logging.getLogger(__name__)


async def fire(ctx: Context, trigger: Resource, why: str, *, strict: bool = False) -> None:
    """Every action has been taken once for this `why`, however often this is called: a run of a job gets its uid from
    it, and a crawler that runs already is not started. What an action is refused with is written down in the server's
    log, and the others are taken; with `strict`, the first refusal is raised once all have been tried."""
    refused: ServiceError | None = None
    for number, action in enumerate(trigger.spec["Actions"]):
        try:
            if "JobName" in action:
                uid = hashlib.sha256(f"{trigger.uid}/{why}/{number}".encode()).hexdigest()[:32]
                said: Doc = {
                    name: action[name] for name in ("Arguments", "Timeout", "NotificationProperty") if name in action
                }
                runs.begin(ctx, find_job(ctx, action["JobName"]), said, uid=uid, trigger=trigger.name)
            else:
                await service.handlers["StartCrawler"](ctx, {"Name": action["CrawlerName"]})
        except ServiceError as error:
            refused = refused or error
            about = {"trigger": trigger.arn, "action": number, "reason": error.message}
            log.warning("an action of a trigger was refused", extra=about)
    if strict and refused is not None:
        raise refused
