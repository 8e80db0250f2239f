"""What the CloudWatch agent tells of a machine, of this one: how full its disk and its memory are, how busy its CPUs.

Names, units and dimensions are the agent's own (namespace `CWAgent`), so that dashboards and alarms made for it work
here. Once a minute; what this system does not tell is left out.
"""

import asyncio
import logging
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions

NAMESPACE: Final = "CWAgent"
SECONDS: Final = 60.0
_PROC: Final = Path("/proc")
log = logging.getLogger(__name__)


class Host:
    """`look` tells the sink what is true now; `run` calls it at once, and as minutes begin."""

    def __init__(
        self, sink: MetricSink, clock: Clock, account: str, region: str, home: Path, proc: Path = _PROC
    ) -> None:
        """`home`: on the disk that is told of."""
        self._sink = sink
        self._clock = clock
        self._place = (account, region)
        self._home = home
        self._proc = proc
        self._busy: tuple[float, float] | None = None
        """Ticks of the CPUs: busy, and all, at the last look."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A look that fails is told in the log; the next one is taken in its time."""
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            try:
                self.look()
            except Exception:
                log.exception("this machine could not be measured")
            nap = asyncio.ensure_future(self._clock.sleep(SECONDS - self._clock.now() % SECONDS))
            await asyncio.wait({stopping, nap}, return_when=asyncio.FIRST_COMPLETED)
            nap.cancel()

    def look(self) -> None:
        self._sink.add(list(self._samples()))

    def _samples(self) -> Iterator[Sample]:
        now, host = self._clock.now(), platform.node() or "localhost"

        def sample(name: str, value: float, unit: str, **more: str) -> Sample:
            named = MetricName(*self._place, NAMESPACE, name, dimensions(host=host, **more))
            return Sample(named, now, [value], (), unit)

        disk, path = shutil.disk_usage(self._home), str(_mount(self._home))
        # As df counts: what only root may still fill is not free.
        yield sample("disk_used_percent", 100 * disk.used / (disk.used + disk.free), "Percent", path=path)
        yield sample("disk_free", disk.free, "Bytes", path=path)
        memory = self._memory()
        if memory is not None:
            yield sample("mem_used_percent", memory, "Percent")
        busy = self._cpu()
        if busy is not None:
            yield sample("cpu_usage_active", busy, "Percent", cpu="cpu-total")

    def _memory(self) -> float | None:
        """The share in use, in percent; None: this system does not say."""
        try:
            lines = (self._proc / "meminfo").read_text().splitlines()
        except OSError:
            return None
        told = {name: float(rest.split()[0]) for name, _, rest in (one.partition(":") for one in lines) if rest.split()}
        if "MemTotal" not in told or "MemAvailable" not in told:
            return None
        return 100 * (1 - told["MemAvailable"] / told["MemTotal"])

    def _cpu(self) -> float | None:
        """The share in use since the last look, in percent; None: this is the first one, or nobody says."""
        try:
            first = (self._proc / "stat").read_text().partition("\n")[0].split()
        except OSError:
            return None
        ticks = [float(one) for one in first[1:9]]  # user nice system idle iowait irq softirq steal
        now = (sum(ticks) - ticks[3] - ticks[4], sum(ticks))
        before, self._busy = self._busy, now
        if before is None or now[1] <= before[1]:
            return None
        return min(100.0, max(0.0, 100 * (now[0] - before[0]) / (now[1] - before[1])))


def _mount(place: Path) -> Path:
    """Where the disk of that place is mounted."""
    at = place.resolve()
    while not at.is_mount() and at != at.parent:
        at = at.parent
    return at
