"""The metrics of training jobs over time: every line that a job prints is read once, as it is stored.

The built-in images' metrics and the job's own MetricDefinitions become metrics of /aws/sagemaker/TrainingJobs with the
dimension TrainingJobName, by the second. A process that is killed between the storing and the counting loses what that
one batch of lines told."""

from collections.abc import Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.sagemaker import metrics

if TYPE_CHECKING:
    import regex

NAMESPACE: Final = "/aws/sagemaker/TrainingJobs"
_BUILT_IN_MARK: Final = "#011"
"""Every line of a built-in image that tells a metric has it."""

_Job = tuple[str, str, str]
"""(account, region, name)."""
_Patterns = dict[str, "regex.Pattern[str]"]
"""By the metric's name."""


class Curves:
    """`expect` says what a job's lines may tell; `heard` listens to the log store, from any thread."""

    def __init__(self, sink: MetricSink, group: str) -> None:
        self._sink = sink
        self._group = group
        self._jobs: dict[_Job, tuple[_Patterns, _Patterns]] = {}
        self._lock = Lock()

    def expect(self, account: str, region: str, job: str, built_in: Iterable[Doc], own: Iterable[Doc]) -> None:
        """Lines of that job are read from now on. Asked again: the same. Raises BadRegex."""
        key = (account, region, job)
        if key not in self._jobs:
            first, second = ({one["Name"]: metrics.compiled(one) for one in part} for part in (built_in, own))
            with self._lock:
                self._jobs[key] = first, second

    def forget(self, account: str, region: str, job: str) -> None:
        with self._lock:
            self._jobs.pop((account, region, job), None)

    def heard(self, stream: LogStreamName, events: Sequence[LogEvent], ingested: int) -> None:
        """These events have been stored: what they tell is counted."""
        if stream.group != self._group:
            return
        job = stream.stream.partition("/")[0]
        expected = self._jobs.get((stream.account, stream.region, job))
        if expected is None:
            return
        built_in, own = expected
        samples = []
        where = dimensions(TrainingJobName=job)
        for event in events:
            for patterns in (built_in, own) if _BUILT_IN_MARK in event.message else (own,):
                for name, value in metrics.told(patterns, event.message):
                    metric = MetricName(stream.account, stream.region, NAMESPACE, name, where)
                    samples.append(Sample(metric, event.timestamp / 1000, (value,), resolution=1))
        if samples:
            self._sink.add(samples)
