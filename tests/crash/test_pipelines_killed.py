"""Random pipelines whose server is killed at random moments end as if nobody had killed it: the same steps with the
same statuses, and every job made once."""

import asyncio
import json
import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clary.engines.runners.base import Work
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Doc
from clary.kernel.store import Where
from clary.services.sagemaker import MACHINES, pipelines, processing, reconcilers
from clary.services.sagemaker.pipelines.machine import step_name
from tests.crash.harness import crashes, pausing
from tests.crash.test_sagemaker_crash import LATER, START
from tests.pipelines_house import condition, definition, fails, step_of
from tests.pipelines_house import processing as processing_step
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, House

BROKEN = "broken"
"""Jobs of steps whose name begins so fail."""
LIVES = "lives"
TOKEN = "t" * 32
Outcome = dict[str, Any]


class Killable(House):
    """Gives way at each call of the runner and of an operation. Each life begins long after the one before, when every
    lease has lapsed."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        count = directory / LIVES
        lives = len(count.read_text()) if count.exists() else 0
        count.write_text("x" * (lives + 1))
        super().__init__(directory, behave=behave, clock=ManualClock(START + lives * LATER))
        engines = {name: getattr(self.engines, name) for name in self.engines.__slots__}
        fragile = type(self.engines)(**{**engines, "runner": pausing(self.runner)})
        self.reconcilers = reconcilers(fragile)
        self.controller = type(self.controller)(self.store, self.clock, self.reconcilers, MACHINES)

    async def _call(self, ctx: Any, name: str, operation: str, req: Any) -> Any:
        await asyncio.sleep(0)
        answer = await super()._call(ctx, name, operation, req)
        await asyncio.sleep(0)
        return answer


def behave(uid: str, work: Work, root: Path) -> int:
    """A job writes a report that says how good it was: 1 where its step's name ends with an even number."""
    step = step_of(work.env["PROCESSING_JOB_NAME"])
    good = int(step[-1]) % 2 == 0
    (root / "processing" / "out" / "report.json").write_text(json.dumps({"scores": [int(good)]}))
    return int(step.startswith(BROKEN))


def scattered(seed: int) -> Doc:
    """Steps that wait for any of those before them, with conditions on what they wrote, nested; nothing fails."""
    draw = random.Random(seed)
    steps: list[Doc] = []
    known: list[str] = []
    for number in range(draw.randint(3, 6)):
        after = draw.sample(known, min(len(known), draw.randint(0, 2)))
        if known and draw.random() < 0.4:
            asked = draw.choice(known)
            steps.append(chosen(f"if{number}", asked, draw))
        else:
            steps.append(job(f"step{number}", *after))
            known.append(f"step{number}")
    return definition(*steps)


def chosen(name: str, asked: str, draw: random.Random) -> Doc:
    """A condition on the report of the step `asked`."""
    read = {"S3Uri": {"Std:Join": {"On": "/", "Values": [{"Get": output(asked)}, "report.json"]}}, "Path": "scores[0]"}
    good = {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Std:JsonGet": read}, "RightValue": 1}
    inner = [job(f"{name}-yes{draw.randint(0, 9)}")]
    if draw.random() < 0.3:
        inner.append(chosen(f"{name}-in", asked, draw))
    return condition(name, good, then=inner, otherwise=[job(f"{name}-no{draw.randint(0, 9)}")], after=(asked,))


def layered(seed: int) -> Doc:
    """Layers that each wait for all of the layer before them, so that what runs beside a failure is known; one of them
    fails, by a job or by a Fail step."""
    draw = random.Random(seed)
    steps: list[Doc] = []
    before: list[str] = []
    depth = draw.randint(2, 3)
    broken = draw.randint(0, depth - 1)
    for layer in range(depth):
        names = [f"layer{layer}-{number}" for number in range(draw.randint(1, 3))]
        if layer == broken and draw.random() < 0.5:
            steps.append(fails("stop", "enough", *before))
            names = ["stop"]
        else:
            if layer == broken:
                names[-1] = f"{BROKEN}-{layer}"
            steps += [job(name, *before) for name in names]
        before = names
    return definition(*steps)


def job(name: str, *after: str) -> Doc:
    return processing_step(name, *after, arguments={"RoleArn": ROLE})


def output(step: str) -> str:
    return f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"


async def live(document: Doc, directory: Path) -> None:
    """From the definition to the end of its execution, going on with whatever an earlier life has left."""
    house = Killable(directory)
    try:
        house.objects.write("lake", "x", b"")
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/p"
        if not house.count(pipelines.PIPELINE):
            text = json.dumps(document)
            asked = {"PipelineName": "p", "PipelineDefinition": text, "RoleArn": ROLE, "ClientRequestToken": TOKEN}
            assert (await house.call("CreatePipeline", **asked))["PipelineArn"] == arn
        await house.call("StartPipelineExecution", PipelineName="p", ClientRequestToken=TOKEN)
        await house.run(600.0)
    finally:
        house.close()


def outcome(directory: Path) -> Outcome:
    """How the execution has ended, with what each step says of itself, and what was made."""
    house = Killable(directory)
    try:
        here = Where(account=ACCOUNT, region=REGION)
        (execution,) = house.store.page(pipelines.EXECUTION, here)
        rows = house.store.page(pipelines.STEP, here)
        jobs = house.store.page(processing.KIND, here)
        starts = house.runner.starts()
        assert len(starts) == len(set(starts)) == len(jobs), "a job was made twice"
        return {
            "status": execution.phase,
            "reason": execution.status.get("FailureReason"),
            "steps": {step_name(row): (row.phase, row.status.get("FailureReason")) for row in rows},
            "attempts": {row.status["AttemptCount"] for row in rows},
            "jobs": sorted(step_of(one.name) for one in jobs),
        }
    finally:
        house.close()


def undisturbed(document: Doc, directory: Path) -> Outcome:
    asyncio.run(live(document, directory))
    found = outcome(directory)
    assert found["status"] in ("Succeeded", "Failed")
    assert found["attempts"] == {1}
    shutil.rmtree(directory)
    return found


DOCUMENTS = [(scattered, seed) for seed in range(4)] + [(layered, seed) for seed in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "seed"), DOCUMENTS)
def test_a_kill_at_any_moment_changes_nothing(make: Any, seed: int, tmp_path: Path) -> None:
    document = make(seed)
    wanted = undisturbed(document, tmp_path / "undisturbed")
    points = 0
    for crash in crashes(partial(live, document), tmp_path, step=random.Random(seed).randint(17, 37)):
        asyncio.run(live(document, crash.directory))
        assert outcome(crash.directory) == wanted, f"killed at point {crash.number} ({crash.where})"
        shutil.rmtree(crash.directory)
        points = crash.number
    assert points > 20


@pytest.mark.slow
@pytest.mark.parametrize(("make", "seed"), [(scattered, 11), (layered, 12), (scattered, 13)])
def test_a_server_that_never_lives_long_comes_to_the_same_end(make: Any, seed: int, tmp_path: Path) -> None:
    """One home, killed again and again, each time a little later in its life."""
    document = make(seed)
    wanted = undisturbed(document, tmp_path / "undisturbed")
    home = tmp_path / "home"

    async def again(_: Path) -> None:
        await live(document, home)

    killed = 0
    for crash in crashes(again, tmp_path / "lives", step=random.Random(seed).randint(3, 9)):
        killed = crash.number
    assert killed > 20
    assert outcome(home) == wanted
