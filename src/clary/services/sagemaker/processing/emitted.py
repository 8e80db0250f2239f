"""Metrics that the program of a processing job leaves for CloudWatch, as programs of Model Monitor do.

They are told with the rights of the job's role when the job has ended well and its environment has
publish_cloudwatch_metrics Enabled. A metric that CloudWatch does not take is named in the server's log: what a program
wishes to tell about its work does not undo the work.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.runners.base import Run
from clary.jobs import outputs
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import roles
from clary.services.sagemaker.engines import Engines

FILE: Final = "/opt/ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl"
MOST_BYTES: Final = 4 << 20
AT_ONCE: Final = 500
"""Metrics of one PutMetricData; AWS takes 1000."""
_TAKEN: Final = (
    "MetricName",
    "Dimensions",
    "Value",
    "StatisticValues",
    "Values",
    "Counts",
    "Unit",
    "StorageResolution",
)

log = logging.getLogger(__name__)


async def publish(engines: Engines, job: Resource, runs: Sequence[Run]) -> None:
    """CloudWatch has what the job's hosts left. A crash right behind this tells it again: a value twice rather than
    never."""
    environment = job.spec.get("Environment") or {}
    if environment.get("publish_cloudwatch_metrics") != "Enabled":
        return
    found: dict[str, list[Doc]] = defaultdict(list)
    for run in runs:
        for one in _read(job, run):
            found[_namespace(environment, one)].append(one)
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    for namespace, metrics in found.items():
        for start in range(0, len(metrics), AT_ONCE):
            await _put(ctx, job, namespace, metrics[start : start + AT_ONCE])


async def _put(ctx: Context, job: Resource, namespace: str, metrics: list[Doc]) -> None:
    try:
        await ctx.call("cloudwatch", "PutMetricData", {"Namespace": namespace, "MetricData": metrics})
    except ServiceError as error:
        if len(metrics) > 1 and error.http_status == 400:
            for one in metrics:  # One bad name refuses them all.
                await _put(ctx, job, namespace, [one])
            return
        about = {"job": job.arn, "metric": metrics[0]["MetricName"], "reason": error.message}
        log.warning("metrics of a job were refused", extra=about)


def _namespace(environment: Doc, metric: Doc) -> str:
    """As AWS names them: by what was analyzed, and whether an endpoint or a batch was."""
    what = "model-metrics" if environment.get("analysis_type") == "MODEL_QUALITY" else "data-metrics"
    named = {one.get("Name") for one in metric.get("Dimensions") or []}
    return f"aws/sagemaker/{'Endpoints' if 'Endpoint' in named else 'ModelMonitoring'}/{what}"


def _read(job: Resource, run: Run) -> Iterator[Doc]:
    if run.root is None:
        return
    for number, line in enumerate(outputs.text(run.root, FILE, MOST_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _metric(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = f"line {number} of {FILE}: {type(error).__name__}: {error}"
            log.warning("a metric of a job cannot be read", extra={"job": job.arn, "reason": what})


def _metric(said: Any) -> Doc:
    """A MetricDatum, its time in epoch seconds."""
    made: Doc = {name: said[name] for name in _TAKEN if said.get(name) is not None}
    if "MetricName" not in made:
        raise KeyError("MetricName")
    at = said.get("Timestamp")
    if isinstance(at, str):
        moment = datetime.fromisoformat(at)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if at is not None:
        made["Timestamp"] = float(at)
    return made
