"""What triggers ask of the policies: `glue:<Operation>` on the trigger, and of who makes one that starts a job, what
starting it asks."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue import tags
from clary.services.glue.jobs.rows import job_arn
from clary.services.glue.triggers.rows import trigger_arn

_OF_ONE: Final = ("CreateTrigger", "UpdateTrigger", "GetTrigger", "DeleteTrigger", "StartTrigger", "StopTrigger")


def _of(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = trigger_arn(ctx, req["Name"])
        found = [Ask(f"glue:{operation}", arn, {}, req.get("Tags") or None, lambda: tags.of_arn(ctx, arn))]
        # It acts as Glue itself later: nobody may have started by a trigger what they may not start.
        for action in [*(req.get("Actions") or ()), *((req.get("TriggerUpdate") or {}).get("Actions") or ())]:
            if "JobName" in action:
                found.append(Ask("glue:StartJobRun", job_arn(ctx, action["JobName"])))
            elif "CrawlerName" in action:
                found.append(Ask("glue:StartCrawler", ctx.arn("glue", f"crawler/{action['CrawlerName']}")))
        return found

    return asks


def _several(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [Ask("glue:BatchGetTriggers", trigger_arn(ctx, name)) for name in req["TriggerNames"]]


ASKS: Final[Mapping[str, Asks]] = {
    **{operation: _of(operation) for operation in _OF_ONE},
    "BatchGetTriggers": _several,
}
