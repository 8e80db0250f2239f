"""What a front has counted since it started, for later metrics: a few additions a request.

Latencies are whole microseconds, as SageMaker's metrics are. Their histograms have 16 buckets for each power of two, so
the middle of a bucket is within 1/32 of every latency in it."""

from clary.engines.serving.exchange import Exchange
from clary.engines.serving.routes import RouteKey
from clary.kernel.resource import Doc

BUCKETS = 464
"""The last one holds everything from half an hour on."""


class VariantCounters:
    """Of one variant of one endpoint. `model` is the time from the request to the model to its answer, `overhead` what
    the front needed before that."""

    __slots__ = (
        "errors_4xx",
        "errors_5xx",
        "invocations",
        "model_buckets",
        "model_sum",
        "overhead_buckets",
        "overhead_sum",
        "unanswered",
    )

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

    def doc(self) -> Doc:
        """Histograms as {bucket: count}, without those that are empty."""
        said = {name: getattr(self, name) for name in self.__slots__}
        for name in ("model_buckets", "overhead_buckets"):
            said[name] = {str(number): count for number, count in enumerate(said[name]) if count}
        return said


def bucket_of(latency: int) -> int:
    shift = latency.bit_length() - 5
    if shift <= 0:
        return latency
    number = (shift << 4) + (latency >> shift)
    return number if number < BUCKETS else BUCKETS - 1


def middle_of(bucket: int) -> float:
    """The latency that stands for those in the bucket."""
    if bucket < 32:
        return float(bucket)
    shift = (bucket >> 4) - 1
    return (((bucket & 15) + 16) << shift) + ((1 << shift) - 1) / 2


class Counters:
    def __init__(self) -> None:
        self.requests = 0
        """Inferences begun, refused ones among them."""
        self.refused = 0
        """Answered with an error before any model was asked."""
        self.handed_over = 0
        self._variants: dict[tuple[RouteKey, str], VariantCounters] = {}

    def ended(self, exchange: Exchange, now: float) -> None:
        """One inference has ended; `now` is `time.perf_counter`."""
        if not exchange.variant:
            self.refused += 1
            return
        counted = self._variants.get((exchange.key, exchange.variant))
        if counted is None:
            counted = self._variants[exchange.key, exchange.variant] = VariantCounters()
        counted.invocations += 1
        reply = exchange.reply
        if reply is None:
            counted.unanswered += 1
            counted.errors_5xx += 1
            return
        if reply.status >= 500:
            counted.errors_5xx += 1
        elif reply.status >= 400:
            counted.errors_4xx += 1
        model = int((now - exchange.sent) * 1e6)
        counted.model_sum += model
        counted.model_buckets[bucket_of(model)] += 1
        overhead = int((exchange.sent - exchange.started) * 1e6)
        counted.overhead_sum += overhead
        counted.overhead_buckets[bucket_of(overhead)] += 1

    def doc(self) -> Doc:
        variants = [
            {"account": key[0], "region": key[1], "endpoint": key[2], "variant": variant, **counted.doc()}
            for (key, variant), counted in self._variants.items()
        ]
        return {
            "requests": self.requests,
            "refused": self.refused,
            "handed_over": self.handed_over,
            "variants": variants,
        }
