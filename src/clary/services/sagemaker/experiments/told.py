"""The metrics that a training job's lines told: every value of every metric that the job has at its end.

Read from the log again, once, when the job has ended: what was counted while it ran is coarser, and is lost in part
when the server is killed."""

from typing import TYPE_CHECKING, Final

from clary.kernel.resource import Resource
from clary.kernel.telemetry import LogStore, LogWindow
from clary.services.sagemaker import images, metrics
from clary.services.sagemaker.experiments.measures import Point
from clary.services.sagemaker.training import LOG_GROUP
from clary.services.sagemaker.training.ending import stream
from clary.services.sagemaker.training.machine import instances

if TYPE_CHECKING:
    import regex

MOST_LINES: Final = 1_000_000
"""Lines of a host that are read."""


def points(logs: LogStore, job: Resource) -> list[Point]:
    """By time. Of several hosts, a metric is that of the first one that told it. Blocks: call in a thread."""
    left = {one["MetricName"] for one in job.status.get("FinalMetricDataList") or ()}
    found: list[Point] = []
    for host in range(1, instances(job)[1] + 1):
        if not left:
            break
        of_host = _of_host(logs, job, host, left)
        found += of_host
        left -= {point.name for point in of_host}
    return sorted(found, key=lambda point: point.at)


def _of_host(logs: LogStore, job: Resource, host: int, names: set[str]) -> list[Point]:
    wanted = _patterns(job, names)
    log = stream(job, host)
    lines = logs.read(job.account, job.region, LOG_GROUP, [log.stream], LogWindow())
    return [
        Point(name, event.timestamp / 1000, None, value)
        for (_, event), _ in zip(lines, range(MOST_LINES), strict=False)
        for name, value in metrics.told(wanted, event.message)
    ]


def _patterns(job: Resource, names: set[str]) -> "dict[str, regex.Pattern[str]]":
    """What tells these metrics: a definition of the job's own goes before its image's."""
    algorithm = job.spec["AlgorithmSpecification"]
    image = images.lookup(algorithm["TrainingImage"])
    definitions = (*(image.metrics if image is not None else ()), *(algorithm.get("MetricDefinitions") or ()))
    return {one["Name"]: metrics.compiled(one) for one in definitions if one["Name"] in names}
