"""The curves of trials: the values of their objective, read once from the lines that their training jobs print."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogPlace, LogStore
from clary.services.sagemaker import jobs, metrics
from clary.services.sagemaker.training.machine import LOG_GROUP

AT_ONCE = 1000
MOST_VALUES = 20_000


@dataclass(slots=True)
class _Read:
    place: LogPlace | None = None
    values: list[float] = field(default_factory=list)


class Curves:
    """Keeps what it has read while a tuning job runs, and reads on from there; what it keeps, the log store has too."""

    def __init__(self, logs: LogStore) -> None:
        self._logs = logs
        self._read: dict[str, dict[str, _Read]] = {}
        """By the uid of the tuning job and the name of the training job."""

    def of(self, tuning: Resource, job: Resource, definition: Doc) -> list[float]:
        """All values so far of the metric that the definition (Name, Regex) finds in the training job's lines."""
        read = self._read.setdefault(tuning.uid, {}).setdefault(job.name, _Read())
        stream = jobs.stream(job, LOG_GROUP, job.status.get("TrainingStartTime", job.created))
        patterns = {definition["Name"]: metrics.compiled(definition)}
        while len(read.values) < MOST_VALUES:
            try:
                events, read.place = self._logs.arrived(stream, read.place, AT_ONCE)
            except Missing:
                break  # It has printed nothing yet.
            if not events:
                break
            for event in events:
                read.values += [value for _, value in metrics.told(patterns, event.message)]
        return read.values

    def forget(self, tuning: Resource) -> None:
        self._read.pop(tuning.uid, None)


def definition_of(name: str, among: Iterable[Doc]) -> Doc | None:
    """The metric definition of that name."""
    return next((one for one in among if one["Name"] == name), None)
