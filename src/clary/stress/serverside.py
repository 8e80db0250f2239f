"""What the server counted in the same time: CloudWatch's metrics of the endpoint."""

import asyncio
import math
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clary.stress.target import Target
from clary.stress.watch import reason

WAIT_SECONDS = 8.0
LOOK_SECONDS = 1.0
NAMESPACE = "AWS/SageMaker"
QUERIES = (
    ("Invocations", ("Sum",)),
    ("Invocation4XXErrors", ("Sum",)),
    ("Invocation5XXErrors", ("Sum",)),
    ("ModelLatency", ("Average", "p50", "p90", "p99", "p99.9", "Maximum")),
    ("OverheadLatency", ("Average", "p50", "p90", "p99", "p99.9", "Maximum")),
)


async def server_side(
    target: Target, variants: list[str], start: float, end: float, answered: int
) -> tuple[dict[str, Any], str]:
    """By variant and metric, each statistic over the whole minutes that hold [start, end]; and a sentence where
    something is amiss. Metrics are told with a delay: they are waited for a few seconds, until all `answered` requests
    are counted."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            found = await asyncio.to_thread(_read, target, variants, start, end)
        except (ClientError, BotoCoreError) as error:
            return {}, f"CloudWatch could not be asked ({reason(error)})"
        counted = sum(one.get("Invocations", {}).get("Sum", 0) for one in found.values())
        if counted >= answered or time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_SECONDS)
    if not counted:
        return {}, "CloudWatch has no data of this time yet: metrics are told with a delay"
    if counted < answered:
        return found, f"CloudWatch had counted {counted:,.0f} of {answered:,} invocations when this was written"
    return found, ""


def _read(target: Target, variants: list[str], start: float, end: float) -> dict[str, Any]:
    client = target.client("cloudwatch")
    first = math.floor(start / 60) * 60
    period = max(60, math.ceil((end - first) / 60) * 60)
    wanted = [
        (variant, metric, statistic) for variant in variants for metric, several in QUERIES for statistic in several
    ]
    found: dict[str, Any] = {}
    for chunk in (wanted[n : n + 400] for n in range(0, len(wanted), 400)):
        queries = [_query(number, target.endpoint, *one, period) for number, one in enumerate(chunk)]
        request = {
            "MetricDataQueries": queries,
            "StartTime": datetime.fromtimestamp(first, UTC),
            "EndTime": datetime.fromtimestamp(first + period, UTC),
        }
        for page in client.get_paginator("get_metric_data").paginate(**request):
            for result in page["MetricDataResults"]:
                variant, metric, statistic = chunk[int(result["Id"][1:])]
                if result["Values"]:
                    value = sum(result["Values"]) if statistic == "Sum" else max(result["Values"])
                    found.setdefault(variant, {}).setdefault(metric, {})[statistic] = value
    return found


def _query(number: int, endpoint: str, variant: str, metric: str, statistic: str, period: int) -> dict[str, Any]:
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    return {
        "Id": f"m{number}",
        "MetricStat": {
            "Metric": {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
            "Period": period,
            "Stat": statistic,
        },
    }
