"""What a front has counted since it started, for later metrics: a few additions a request."""

from clary.engines.serving.exchange import Exchange
from clary.engines.serving.routes import RouteKey
from clary.kernel.resource import Doc

BUCKETS = 32


class VariantCounters:
    """Of one variant of one endpoint. Latencies are in microseconds, as SageMaker's metrics are; a histogram's bucket n
    counts those below 2**n."""

    __slots__ = ("errors_4xx", "errors_5xx", "invocations", "model_buckets", "model_sum", "overhead_sum", "unanswered")

    def __init__(self) -> None:
        self.invocations = 0
        self.errors_4xx = 0
        self.errors_5xx = 0
        """The model's own 5xx, and requests that it gave no answer to."""
        self.unanswered = 0
        self.model_sum = 0
        self.overhead_sum = 0
        self.model_buckets = [0] * BUCKETS

    def doc(self) -> Doc:
        return {name: getattr(self, name) for name in self.__slots__}


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
        counted.overhead_sum += int((exchange.sent - exchange.started) * 1e6)
        counted.model_buckets[min(model.bit_length(), BUCKETS - 1)] += 1

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
