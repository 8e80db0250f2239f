"""What is told of the machine itself, in the CloudWatch agent's words."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from clary.kernel.clock import SystemClock
from clary.kernel.metrics import Sample
from clary.services.cloudwatch.host import NAMESPACE, Host
from tests.real import RealClary, until


class Heard:
    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, samples: Sequence[Sample]) -> None:
        self.samples += samples


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nHugePages_Total: 0\n")
    (tmp_path / "stat").write_text("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n")
    return tmp_path


def told(heard: Heard) -> dict[str, Sample]:
    return {one.metric.name: one for one in heard.samples}


def test_disk_memory_and_cpus_are_told_by_the_agents_names(heard: Heard, proc: Path) -> None:
    host = Host(heard, SystemClock(), "123456789012", "eu-west-1", proc, proc)
    host.look()
    (proc / "stat").write_text("cpu  130 0 120 740 110 0 0 0 0 0\n")
    host.look()
    found = told(heard)
    assert {one.metric.namespace for one in heard.samples} == {NAMESPACE}
    assert (found["mem_used_percent"].values, found["mem_used_percent"].unit) == ([60.0], "Percent")
    assert found["cpu_usage_active"].values == [50.0]
    usage = shutil.disk_usage(proc)
    assert found["disk_used_percent"].values[0] == pytest.approx(100 * usage.used / (usage.used + usage.free), abs=2)
    where = dict(found["disk_used_percent"].metric.dimensions)
    assert where["host"] and Path(where["path"]).is_mount()


def test_what_the_system_does_not_tell_is_left_out(heard: Heard, tmp_path: Path) -> None:
    host = Host(heard, SystemClock(), "1", "r", tmp_path, tmp_path / "none")
    host.look()
    host.look()
    assert told(heard).keys() == {"disk_used_percent", "disk_free"}


async def test_it_looks_at_once_and_ends_when_it_is_told_to(heard: Heard, proc: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Host(heard, SystemClock(), "1", "r", proc, proc).run(stop))
    await asyncio.sleep(0)
    assert heard.samples
    stop.set()
    await asyncio.wait_for(running, 5)


@pytest.mark.server
def test_a_server_tells_of_its_disk(server: RealClary) -> None:
    cloudwatch = server.client("cloudwatch")

    def disks() -> list[object]:
        return list(cloudwatch.list_metrics(Namespace=NAMESPACE, MetricName="disk_used_percent")["Metrics"])

    assert len(until(disks)) == 1
