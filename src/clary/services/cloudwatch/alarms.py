"""PutMetricAlarm: an alarm on one metric, or on the result of metric math."""

import asyncio

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.cloudwatch import actions, alarm_checks, alarm_rows
from clary.services.cloudwatch.alarm_rows import METRIC
from clary.services.cloudwatch.api import service


@service.operation("PutMetricAlarm", ignores=("EvaluationWindow.SlidingWindow",))
async def put_metric_alarm(ctx: Context, req: Doc) -> Doc:
    """The alarm is as the request says and is evaluated at once; one that was there keeps its state and its tags.

    Errors: ValidationError, InvalidParameterCombination, MissingParameter, LimitExceeded."""
    alarm_checks.check(ctx, req)
    actions.check(ctx, req, METRIC)
    tags = alarm_rows.checked_tags(req.get("Tags", []))
    if "Metrics" in req:
        await asyncio.to_thread(alarm_checks.try_out, ctx, req)
    spec = {"ActionsEnabled": True, **{name: value for name, value in req.items() if name != "Tags"}}
    alarm_rows.put(ctx, METRIC, spec, tags)
    return {}
