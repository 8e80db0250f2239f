"""Spares: who has one, what is left of them, and kill -9 on the way of a job to its spare. Without Java."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clary.engines.runners.base import Archive, StartError, Work
from clary.engines.runners.process import ProcessRunner
from clary.engines.spark import claims, handing, shape, warm
from clary.engines.spark.warm import WarmSpark
from tests import spark_standin
from tests.crash.harness import crashes
from tests.running import over, python, until

COUNT = "import os; ml = os.environ.get('CLARY_ML_ROOT', '/opt/ml'); open(ml + '/starts', 'a').write('x')"


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[WarmSpark]:
    made = spark_standin.warm(ProcessRunner(tmp_path / "runs"))
    yield made
    asyncio.run(_emptied(made))
    made.close()


async def _emptied(runner: WarmSpark) -> None:
    for uid in await runner.uids():
        await runner.remove(uid)
    await runner.rest()


def _spares(runner: WarmSpark) -> set[str]:
    return {path.name for path in runner.root.iterdir() if path.name.startswith("spare-")}


async def test_a_job_is_done_by_the_spare_and_another_one_follows_its_end(runner: WarmSpark) -> None:
    spare = await spark_standin.spare(runner)
    assert await runner.uids() == [] and _spares(runner) == {spare}
    await runner.start("a", python("print('done')"))
    run = await over(runner, "a")
    assert run.root is not None and run.root.parent.name == spare
    assert run.log is not None and run.log.read_text() == "done\n"  # nothing of what the spare said while it waited
    assert await runner.uids() == ["a"]
    await until(lambda: len(_spares(runner)) == 2, "a spare follows")
    await runner.remove("a")
    assert spare not in _spares(runner)


async def test_a_spare_is_for_one_job_and_the_next_starts_by_itself(runner: WarmSpark) -> None:
    await spark_standin.spare(runner)
    wait = python("import time; time.sleep(600)")
    await asyncio.gather(runner.start("a", wait), runner.start("b", wait))
    roots = [(await runner.observe(uid)).root for uid in "ab"]
    names = [root.parent.name for root in roots if root is not None]
    assert sum(name.startswith("spare-") for name in names) == 1 and len({*names}) == 2


async def test_work_of_another_shape_starts_by_itself(runner: WarmSpark) -> None:
    spare = await spark_standin.spare(runner)
    await runner.start("a", python("pass", cpus=1.0))
    run = await over(runner, "a")
    assert run.root is not None and run.root.parent.name == "a"
    # Its shape is what a spare is wanted for now: the other one has made room.
    await until(lambda: len(_spares(runner)) == 1 and spare not in _spares(runner), "a spare of its shape")


def test_an_archive_of_classes_makes_no_other_shape() -> None:
    work = Work(command=("python",))
    before = shape.shape(shape.told(work, {"CLARY_SPARK_MEMORY": "1g"}, ()))
    given = {"CLARY_SPARK_MEMORY": "1g", "CLARY_SPARK_CLASSES": "/classes/a.jsa"}
    assert shape.shape(shape.told(work, given, (Path("/classes"),))).key() == before.key()
    assert shape.shape(shape.told(work, {"CLARY_SPARK_MEMORY": "2g"}, ())).key() != before.key()


async def test_a_job_comes_to_a_spare_that_is_still_starting(runner: WarmSpark) -> None:
    spare = await runner.ahead(Work(command=(sys.executable,)))
    await runner.start("a", python("print('done')"))
    run = await over(runner, "a")
    assert run.exit_code == 0 and run.root is not None and run.root.parent.name == spare


async def test_a_spare_that_died_costs_the_job_nothing(runner: WarmSpark, monkeypatch: pytest.MonkeyPatch) -> None:
    spare = await spark_standin.spare(runner)
    below = ProcessRunner(runner.root)
    await below.stop(spare, 0.0)
    await over(below, spare)
    await runner.start("a", python(COUNT))
    run = await over(runner, "a")
    assert run.exit_code == 0 and run.root is not None and (run.root / "starts").read_text() == "x"
    assert spare not in _spares(runner)


async def test_a_spare_that_does_not_answer_is_killed_and_the_job_starts_by_itself(
    runner: WarmSpark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_standin, "PROGRAM", ("-S", "-c", "import time; time.sleep(600)"))
    real = handing.hand_over
    monkeypatch.setattr(handing, "hand_over", lambda *given: real(*given, seconds=0.05))
    deaf = spark_standin.warm(ProcessRunner(runner.root))
    spare = await deaf.ahead(Work(command=(sys.executable,)))
    await deaf.start("a", python(COUNT))
    run = await over(deaf, "a")
    assert run.exit_code == 0 and run.root is not None and (run.root / "starts").read_text() == "x"
    assert spare not in _spares(runner)
    await deaf.rest()
    deaf.close()


async def test_an_archive_that_cannot_be_unpacked_fails_the_start_and_leaves_nothing(
    runner: WarmSpark, tmp_path: Path
) -> None:
    spare = await spark_standin.spare(runner)
    (tmp_path / "bad.tar.gz").write_bytes(b"no archive")
    with pytest.raises(StartError):
        await runner.start("a", replace(python("pass"), archives=(Archive("/opt/ml/x", tmp_path / "bad.tar.gz"),)))
    assert await runner.uids() == [] and spare not in _spares(runner)


async def test_what_waits_too_long_ends_and_is_gone(tmp_path: Path) -> None:
    runner = spark_standin.warm(ProcessRunner(tmp_path / "runs"), idle_seconds=0.05)
    runner.watch(lambda uid: None)
    await runner.ahead(Work(command=(sys.executable,)))
    await until(lambda: not _spares(runner), "the spare is gone")
    await runner.rest()
    runner.close()


async def test_none_are_started_where_none_are_wanted(tmp_path: Path) -> None:
    runner = spark_standin.warm(ProcessRunner(tmp_path / "runs"), spares=0)
    assert await runner.ahead(Work(command=(sys.executable,))) is None
    await runner.start("a", python("pass"))
    await over(runner, "a")
    assert _spares(runner) == set()
    await runner.remove("a")
    runner.close()


async def test_a_new_server_removes_the_spares_of_the_old_one_and_keeps_their_jobs(runner: WarmSpark) -> None:
    await spark_standin.spare(runner)
    await runner.start("a", python("import time; time.sleep(600)"))
    idle = await spark_standin.spare(runner)
    later = spark_standin.warm(ProcessRunner(runner.root))
    await later.begin()
    assert await later.uids() == ["a"] and (await later.observe("a")).phase == "running"
    assert idle not in _spares(runner) and len(_spares(runner)) == 1
    later.close()


async def _handed(directory: Path) -> None:
    runner = spark_standin.warm(ProcessRunner(directory / "runs"))
    await runner.ahead(_work())
    await runner.start("a", _work())


def _work() -> Work:
    return replace(python(COUNT + "; import time; time.sleep(0.05)"), files={"/opt/ml/input/a": b"1"})


@pytest.mark.slow
def test_killed_at_any_line_the_job_runs_exactly_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a job is killed; two others, at the same time, then start it, too."""
    monkeypatch.setattr(handing, "_LOOK_SECONDS", 0.1)  # each look is lines to be killed at, and all are alike
    warmed = 0
    for crash in crashes(_handed, tmp_path, lines_of=(claims, handing, shape, warm), step=7):
        run_root, exit_code, left = asyncio.run(_recovered(crash.directory))
        assert exit_code == 0, crash
        assert (run_root / "starts").read_text() == "x", crash
        warmed += run_root.parent.name.startswith("spare-")
        assert left == [], crash
    assert warmed > 2


async def _recovered(directory: Path) -> tuple[Path, int | None, list[str]]:
    """(where the job's run is, how it ended, what a new server leaves of the rest)."""
    runners = [spark_standin.warm(ProcessRunner(directory / "runs")) for _ in range(2)]
    await asyncio.gather(*(one.start("a", _work()) for one in runners))
    run = await over(runners[0], "a")
    assert run.root is not None
    copy = directory / "kept" / run.root.parent.name / "ml"
    copy.mkdir(parents=True)
    (copy / "starts").write_bytes((run.root / "starts").read_bytes())
    await runners[0].remove("a")
    await runners[0].begin()
    left = _left(runners[0].root)
    for _ in range(100):  # the other of the two may still be taking away what it had begun
        if not left:
            break
        await asyncio.sleep(0.1)
        left = _left(runners[0].root)
    for one in runners:
        await one.rest()
        one.close()
    return copy, run.exit_code, left


def _left(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if not path.name.startswith(".")]
