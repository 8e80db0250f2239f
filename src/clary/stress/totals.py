"""What all processes of a load report, added up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clary.stress.histogram import Histogram
from clary.stress.windows import Series, Window

BUSY = 0.85
"""From this share of a core on, a process of the load is what limits it."""
LATE_MS = 5.0
LATE_SHARE_PERCENTILE = 0.99
LAG_MS = 50.0


@dataclass
class Totals:
    """Grows with every report; its size does not depend on the number of requests."""

    series: Series = field(default_factory=Series)
    whole: Window = field(default_factory=Window)
    sent: int = 0
    unanswered: int = 0
    waited: int = 0
    signatures: int = 0
    signed: int = 0
    late: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    firsts: dict[str, dict[str, Any]] = field(default_factory=dict)
    cpu: dict[int, list[list[float]]] = field(default_factory=dict)
    """By process: [second, length in seconds, share of a core]."""
    latest: Callable[[Window], None] = lambda window: None
    """Hears every window as it is reported."""

    def add(self, report: dict[str, Any]) -> None:
        for second, packed in report["windows"].items():
            window = Window.unpacked(packed)
            self.series.add(int(second), window)
            self.whole.merge(window)
            self.latest(window)
        self.sent += report["sent"]
        self.unanswered += report["unanswered"]
        self.waited += report["waited"]
        self.late.merge(Histogram.unpacked(report["late"]))
        self.lag.merge(Histogram.unpacked(report["lag"]))
        for kind, first in report["firsts"].items():
            known = self.firsts.get(kind)
            if known is None or first["second"] < known["second"]:
                self.firsts[kind] = first
        self._add_cpu(report["part"], report["cpu"])

    def _add_cpu(self, part: int, cpu: list[float]) -> None:
        """One entry a second and process, thinned where a run is long."""
        shares = self.cpu.setdefault(part, [])
        shares.append(cpu)
        if len(shares) > 2400:
            pairs = zip(shares[::2], shares[1::2], strict=False)
            self.cpu[part] = [[a[0], a[1] + b[1], (a[1] * a[2] + b[1] * b[2]) / (a[1] + b[1])] for a, b in pairs]

    @property
    def seconds(self) -> float:
        """From the start to when the last process had its last answer."""
        return max((shares[-1][0] + shares[-1][1] for shares in self.cpu.values()), default=0.0)

    def cpu_share(self, part: int) -> float:
        """The share of a core that this process used over the whole run; its last, partial report not counted alone."""
        shares = self.cpu.get(part, [])
        seconds = sum(one[1] for one in shares)
        return sum(one[1] * one[2] for one in shares) / seconds if seconds else 0.0

    @property
    def busiest(self) -> float:
        return max((self.cpu_share(part) for part in self.cpu), default=0.0)

    def limits(self) -> list[str]:
        """Why the figures may tell of the load generator instead of the endpoint; empty when nothing says so."""
        found = []
        if self.busiest > BUSY:
            found.append(
                f"its busiest process used {self.busiest:.0%} of a core: more of them (--processes), or another"
                " machine, may show a faster endpoint"
            )
        (late,) = self.late.percentiles([LATE_SHARE_PERCENTILE])
        if late / 1e3 > LATE_MS:
            found.append(
                f"1 % of the requests were sent {late / 1e3:.0f} ms or more after their time: this machine could not"
                " keep the rate, and the latencies hold that delay"
            )
        (lag,) = self.lag.percentiles([0.99])
        if lag / 1e3 > LAG_MS:
            found.append(
                f"its event loops were up to {lag / 1e3:.0f} ms late (p99): the machine has no core to spare, and the"
                " latencies hold part of that"
            )
        return found
