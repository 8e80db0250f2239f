"""From a metric filter to samples: what one batch of events counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clary.kernel.metrics import MetricName, Sample, of_mapping
from clary.kernel.resource import Doc
from clary.kernel.telemetry import LogEvent
from clary.services.logs.api import InvalidParameterException
from clary.services.logs.patterns import Pattern, parse, taking
from clary.services.logs.patterns.compare import number_of

MOST_DIMENSIONS: Final = 3
LONGEST_DIMENSION: Final = 255
MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """A metric filter, compiled."""

    uid: str
    pattern: Pattern
    namespace: str
    name: str
    value: str
    """A number, or the selector of a field."""
    constant: float | None
    default: float | None
    dimensions: Mapping[str, str]
    """Selectors by the name of the dimension."""
    unit: str

    def count(self, account: str, region: str, events: Sequence[LogEvent]) -> tuple[list[Sample], set[int], set[int]]:
        """(what the events count, the minutes of those that matched, those of the others). Minutes are milliseconds."""
        values: dict[tuple[MetricName, int], Counter[float]] = {}
        matched, other = set(), set()
        plain = self.constant is not None and not self.dimensions
        for event in events:
            minute = event.timestamp - event.timestamp % MINUTE_MS
            if plain:
                taken: Mapping[str, str] | None = {} if self.pattern(event.message) else None
            else:
                taken = self.pattern.match(event.message)
            if taken is None:
                other.add(minute)
                continue
            matched.add(minute)
            value = self.constant if self.constant is not None else number_of(taken.get(self.value, ""))
            metric = self._metric(account, region, taken)
            if value is not None and metric is not None:
                values.setdefault((metric, minute), Counter())[value] += 1
        samples = [
            Sample(metric, minute / 1000, tuple(seen), tuple(map(float, seen.values())), self.unit)
            for (metric, minute), seen in values.items()
        ]
        return samples, matched, other

    def defaults(self, account: str, region: str, minute: int) -> Sample:
        """What a minute counts in which events came and none matched."""
        assert self.default is not None
        metric = MetricName(account, region, self.namespace, self.name)
        return Sample(metric, minute / 1000, (self.default,), unit=self.unit)

    def _metric(self, account: str, region: str, taken: Mapping[str, str]) -> MetricName | None:
        """None: the event lacks a field that is a dimension, so it belongs to no metric of this filter."""
        found = {name: taken.get(selector, "")[:LONGEST_DIMENSION] for name, selector in self.dimensions.items()}
        if not all(found.values()):
            return None
        return MetricName(account, region, self.namespace, self.name, of_mapping(found))


def compile_filter(uid: str, spec: Doc) -> MetricFilter:
    """From the request of PutMetricFilter. Raises InvalidParameterException."""
    (said,) = spec["metricTransformations"]
    dimensions: Mapping[str, str] = said.get("dimensions", {})
    value, default = said["metricValue"], said.get("defaultValue")
    _check(said["metricNamespace"], said["metricName"], dimensions, default)
    constant = number_of(value)
    wanted = [*dimensions.values(), *(() if constant is not None else (value,))]
    if constant is None and not value.startswith("$"):
        raise InvalidParameterException(
            f"Invalid metric transformation: metricValue {value!r} is neither a number nor a field ($.name, $name)."
        )
    pattern = taking(parse(spec["filterPattern"]), wanted)
    unit = said.get("unit", "None")
    return MetricFilter(
        uid, pattern, said["metricNamespace"], said["metricName"], value, constant, default, dimensions, unit
    )


def _check(namespace: str, name: str, dimensions: Mapping[str, str], default: float | None) -> None:
    why = ""
    if not namespace or not name:
        why = "metricNamespace and metricName cannot be empty."
    elif namespace.startswith("AWS/"):
        why = 'metricNamespace cannot begin with "AWS/", which is for AWS services.'
    elif len(dimensions) > MOST_DIMENSIONS:
        why = f"a metric filter can have {MOST_DIMENSIONS} dimensions, not {len(dimensions)}."
    elif dimensions and default is not None:
        why = "dimensions and default value are mutually exclusive properties."
    if why:
        raise InvalidParameterException(f"Invalid metric transformation: {why}")
