"""The hosts of one job, over a scripted runner."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from clary.engines.runners.base import Work
from clary.kernel.clock import ManualClock
from clary.services.sagemaker.cluster import MOST_HOSTS, Cluster, host_of, host_uid, hosts
from tests.memory_runner import MemoryRunner

WORK = Work(("true",))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runner(tmp_path: Path, clock: ManualClock) -> MemoryRunner:
    return MemoryRunner(tmp_path / "runs", clock)


def test_hosts_have_names_and_addresses_of_their_own() -> None:
    assert hosts("u", 1) == (("algo-1", "127.0.0.1"),)
    three = hosts("u", 3)
    assert [name for name, _ in three] == ["algo-1", "algo-2", "algo-3"]
    assert three == hosts("u", 3)
    assert len({address for _, address in three}) == 3
    assert all(address.startswith("127.") and not address.startswith("127.0.") for _, address in three)
    assert three != hosts("other", 3)
    assert len(set(hosts("u", MOST_HOSTS))) == MOST_HOSTS
    with pytest.raises(ValueError, match="254 hosts"):
        hosts("u", MOST_HOSTS + 1)


async def test_one_host_is_a_run(runner: MemoryRunner) -> None:
    cluster = Cluster(runner, "u", 1)
    assert (await cluster.observe()).phase == "absent"
    await cluster.start([WORK])
    seen = await cluster.observe()
    assert seen.whole == seen.runs[0] == await runner.observe("u")
    assert await runner.uids() == ["u"]


async def test_a_cluster_runs_while_one_host_does(runner: MemoryRunner, clock: ManualClock) -> None:
    cluster = Cluster(runner, "u", 2)
    await cluster.start([WORK, WORK])
    assert await runner.uids() == ["u", "u-h2"]
    runner.end("u", 0)
    assert (await cluster.observe()).phase == "running"
    clock.advance(5)
    runner.end("u-h2", 0)
    seen = await cluster.observe()
    assert (seen.phase, seen.exit_code, seen.whole.ended) == ("ended", 0, clock.now())
    await cluster.remove()
    assert await runner.uids() == []


async def test_a_start_that_was_cut_short_goes_on(runner: MemoryRunner) -> None:
    cluster = Cluster(runner, "u", 3)
    await runner.start("u", WORK)
    seen = await cluster.observe()
    assert (seen.phase, seen.whole.started, seen.some_run) == ("absent", None, True)
    await cluster.start([WORK] * 3)
    assert runner.starts() == ["u", "u-h2", "u-h3"]
    assert (await cluster.observe()).whole.started is not None


async def test_one_host_that_fails_ends_the_others(runner: MemoryRunner, clock: ManualClock) -> None:
    runner.stubborn = True
    cluster = Cluster(runner, "u", 3)
    await cluster.start([WORK] * 3)
    clock.advance(1)
    runner.end("u-h2", 3)
    assert (await cluster.observe()).phase == "running"
    clock.advance(119)
    assert (await cluster.observe()).phase == "running"
    clock.advance(2)
    await cluster.observe()
    seen = await cluster.observe()
    assert (seen.phase, seen.exit_code, seen.decided) == ("ended", 3, 1)
    assert seen.whole.log == seen.runs[1].log
    assert seen.whole.ended == seen.runs[1].ended
    assert [run.exit_code for run in seen.runs] == [137, 3, 137]


async def test_one_host_that_is_lost_loses_the_cluster(runner: MemoryRunner) -> None:
    cluster = Cluster(runner, "u", 2)
    await cluster.start([WORK, WORK])
    runner.lose("u-h2")
    await cluster.observe()
    seen = await cluster.observe()
    assert (seen.phase, seen.exit_code, seen.decided) == ("lost", None, 1)


@pytest.mark.parametrize(
    ("ends", "phase"),
    [
        ((0, None), "absent"),
        ((1, None), "ended"),
        (("lost", None), "lost"),
        ((0, 0), "ended"),
        (("lost", 1), "lost"),
    ],
)
async def test_the_whole_is_told_from_its_hosts(
    runner: MemoryRunner, ends: Sequence[int | str | None], phase: str
) -> None:
    for number, end in enumerate(ends, 1):
        if end is None:
            continue
        uid = host_uid("u", number)
        await runner.start(uid, WORK)
        if isinstance(end, int):
            runner.end(uid, end)
        else:
            runner.lose(uid)
    assert (await Cluster(runner, "u", 2).observe()).phase == phase


@pytest.mark.parametrize("uid", ["0f3a", "0f3a-2"])
def test_a_run_says_which_host_it_is(uid: str) -> None:
    assert [host_of(host_uid(uid, number)) for number in (1, 2, 12)] == ["algo-1", "algo-2", "algo-12"]
