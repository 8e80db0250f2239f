"""BatchPutMetrics."""

import math
from typing import Final

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker_metrics.api import Series, Value, service

OLDEST_SECONDS: Final = 14 * 86_400
LATEST_SECONDS: Final = 2 * 3600
"""How far behind and ahead of now a value's time may be, as AWS has it."""


@service.operation("BatchPutMetrics")
@heard.everything
async def batch_put_metrics(ctx: Context, req: Doc) -> Doc:
    """The values are kept and summed up; those that cannot be are told by their place in the request. Errors:
    ResourceNotFound."""
    series = ctx.port(Series)
    values = [_value(one) for one in req["MetricData"]]
    now = ctx.clock.now()
    full = series.put(ctx, req["TrialComponentName"], [one for one in values if _is_valid(one, now)])
    errors = []
    for place, one in enumerate(values):
        if not _is_valid(one, now):
            errors.append({"Code": "VALIDATION_ERROR", "MetricIndex": place})
        elif one[0] in full:
            errors.append({"Code": "METRIC_LIMIT_EXCEEDED", "MetricIndex": place})
    return {"Errors": errors} if errors else {}


def _value(one: Doc) -> Value:
    return one["MetricName"], float(one["Timestamp"]), one.get("Step"), float(one["Value"])


def _is_valid(value: Value, now: float) -> bool:
    return math.isfinite(value[3]) and now - OLDEST_SECONDS <= value[1] <= now + LATEST_SECONDS
