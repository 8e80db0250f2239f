"""What a front has counted since it started, for later metrics: a few additions a request.

Latencies are whole microseconds, as SageMaker's metrics are. Their histograms have 16 buckets for each power of two, so
the middle of a bucket is within 1/32 of every latency in it.

`doc` tells everything since the start. `grown` tells what came since it was asked before, to the one who makes metrics
of it: an answer that did not arrive is told again with the next, and one that was taken is never told twice."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from operator import attrgetter
from secrets import randbits
from typing import TYPE_CHECKING, Protocol

from clary.engines.serving.exchange import Exchange
from clary.engines.serving.routes import RouteKey
from clary.kernel.resource import Doc

if TYPE_CHECKING:
    from clary.engines.serving.base import Reply

BUCKETS = 464
"""The last one holds everything from half an hour on."""
CONCURRENCY_SECONDS = 120
"""For so long it is known how many inferences were under way in a second."""
_SUMS = ("errors_4xx", "errors_5xx", "invocations", "model_sum", "overhead_sum", "unanswered")
_HISTOGRAMS = ("model_buckets", "overhead_buckets")


class Capturing(Protocol):
    """Who writes inferences down."""

    def answered(self, exchange: Exchange, reply: "Reply", event: str) -> None:
        """The model has answered with 2xx; `event` is the request's id, "" when it has none."""
        ...


def bucket_of(latency: int) -> int:
    shift = latency.bit_length() - 5
    if shift <= 0:
        return latency
    number = (shift << 4) + (latency >> shift)
    return number if number < BUCKETS else BUCKETS - 1


_QUICK = 8192
_NUMBERS = [bucket_of(latency) for latency in range(_QUICK)]
"""Looked up: half the price of `bucket_of`."""


def middle_of(bucket: int) -> float:
    """The latency that stands for those in the bucket."""
    if bucket < 32:
        return float(bucket)
    shift = (bucket >> 4) - 1
    return (((bucket & 15) + 16) << shift) + ((1 << shift) - 1) / 2


class VariantCounters:
    """Of one variant of one endpoint. `model` is the time from the request to the model to its answer, `overhead` what
    the front needed before that."""

    __slots__ = (*_SUMS, *_HISTOGRAMS, "capture", "concurrency")

    def __init__(self) -> None:
        self.invocations = 0
        self.errors_4xx = 0
        self.errors_5xx = 0
        """The model's own 5xx, and requests that it gave no answer to."""
        self.unanswered = 0
        self.model_sum = 0
        self.overhead_sum = 0
        self.model_buckets = [0] * BUCKETS
        self.overhead_buckets = [0] * BUCKETS
        self.concurrency: dict[int, int] = {}
        """Inferences under way, by the second in which they were (of the epoch), where there were any."""
        self.capture: Capturing | None = None

    def ended(self, exchange: Exchange, now: float, event: str) -> None:
        """One inference has ended; `now` is `time.perf_counter`, `event` its id."""
        self.invocations += 1
        reply = exchange.reply
        if reply is None:
            self.unanswered += 1
            self.errors_5xx += 1
            return
        status = reply.status
        if status >= 500:
            self.errors_5xx += 1
        elif status >= 400:
            self.errors_4xx += 1
        elif self.capture is not None and status < 300:
            self.capture.answered(exchange, reply, event)
        sent = exchange.sent
        latency = int((now - sent) * 1e6)
        self.model_sum += latency
        self.model_buckets[_NUMBERS[latency] if latency < _QUICK else bucket_of(latency)] += 1
        latency = int((sent - exchange.started) * 1e6)
        self.overhead_sum += latency
        self.overhead_buckets[_NUMBERS[latency] if latency < _QUICK else bucket_of(latency)] += 1

    def doc(self) -> Doc:
        """Histograms as {bucket: count}, without those that are empty."""
        said: Doc = {name: getattr(self, name) for name in _SUMS}
        for name in _HISTOGRAMS:
            said[name] = {str(number): count for number, count in enumerate(getattr(self, name)) if count}
        said["concurrency"] = {str(second): count for second, count in self.concurrency.items()}
        return said


_Name = tuple[RouteKey, str]
_under_way = attrgetter("key", "variant")


class Counters:
    def __init__(self) -> None:
        self.requests = 0
        """Inferences begun, refused ones among them."""
        self.refused = 0
        """Answered with an error before any model was asked."""
        self.handed_over = 0
        self._variants: dict[_Name, VariantCounters] = {}
        self._serial = randbits(32)  # not that of an earlier process of this name
        self._told: dict[_Name, Doc] = {}
        """What somebody has taken already."""
        self._offered: dict[_Name, Doc] = {}
        """What the last answer told; whether it arrived, the next question says."""

    def of(self, key: RouteKey, variant: str) -> VariantCounters:
        """Those of a variant, the same ones until `grown` finds the variant gone."""
        counted = self._variants.get((key, variant))
        if counted is None:
            counted = self._variants[key, variant] = VariantCounters()
        return counted

    def ended(self, exchange: Exchange, now: float, event: str = "") -> None:
        """One inference has ended; `now` is `time.perf_counter`, `event` the request's id."""
        variant = exchange.variant
        if not variant:
            self.refused += 1
            return
        counted = self._variants.get((exchange.key, variant))
        if counted is None:
            counted = self.of(exchange.key, variant)
        counted.ended(exchange, now, event)

    def under_way(self, exchanges: Iterable[Exchange], second: int) -> None:
        """To be called once a second: these inferences are on their way now."""
        for (key, variant), count in Counter(map(_under_way, exchanges)).items():
            if variant:
                seconds = self.of(key, variant).concurrency
                seconds.setdefault(second, count)  # the first look at a second stands: it may be told already
                if len(seconds) > CONCURRENCY_SECONDS:
                    del seconds[next(iter(seconds))]

    def doc(self) -> Doc:
        variants = [{**_named(name), **counted.doc()} for name, counted in self._variants.items()]
        return {
            "requests": self.requests,
            "refused": self.refused,
            "handed_over": self.handed_over,
            "variants": variants,
        }

    def grown(self, after: int | None, served: Container[RouteKey]) -> Doc:
        """What came since the answer "serial" `after` was given, for variants where something did: "serial", and
        "variants" as in `doc`. There is one who asks; `after` None: he knows of no earlier answer, and whatever was
        told went to his forerunner. Variants that are not among `served` and have nothing to tell are forgotten."""
        if after is None or after == self._serial:
            self._told.update(self._offered)
        self._offered = {}
        found = []
        for name, counted in list(self._variants.items()):
            told = self._told.get(name, {})
            if counted.invocations == told.get("invocations", 0) and not _seen(counted, told):
                if name[0] not in served:
                    del self._variants[name]
                    self._told.pop(name, None)
                continue
            now = counted.doc()
            found.append({**_named(name), **difference(now, told)})
            self._offered[name] = now
        self._serial += 1
        return {"serial": self._serial, "variants": found}


def difference(now: Mapping[str, Doc], before: Mapping[str, Doc]) -> Doc:
    """By how much each count of a `VariantCounters.doc` has grown."""
    grown: Doc = {}
    for name, value in now.items():
        old = before.get(name)
        if isinstance(value, dict):
            known = old or {}
            grown[name] = {key: count - known.get(key, 0) for key, count in value.items() if count > known.get(key, 0)}
        else:
            grown[name] = value - (old or 0)
    return grown


def _seen(counted: VariantCounters, told: Doc) -> bool:
    """Inferences were under way in a second that is not told yet."""
    latest = next(reversed(counted.concurrency), None)
    return latest is not None and str(latest) not in told.get("concurrency", ())


def _named(name: _Name) -> Doc:
    (account, region, endpoint), variant = name
    return {"account": account, "region": region, "endpoint": endpoint, "variant": variant}
