"""Models of several containers: inference pipelines and containers that are invoked directly, by their reconciler."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, SKLEARN, XGBOOST, House
from tests.services.test_sagemaker_endpoints import MODEL_URL, archive, config, status, uid, variant

HEAD = {"Image": SKLEARN, "Environment": {"SAGEMAKER_PROGRAM": "x.py"}}
TAIL = {"Image": XGBOOST, "ModelDataUrl": MODEL_URL}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
    yield made
    made.close()


async def create(house: House, *containers: Doc, **more: Any) -> None:
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, Containers=list(containers), **more)


async def deploy(house: House) -> None:
    await config(house, "c", variant())
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)


def two(**more: Any) -> list[Doc]:
    return [{"Image": XGBOOST, "ModelDataUrl": MODEL_URL, "ContainerHostname": name, **more} for name in ("one", "two")]


async def test_an_instance_of_a_pipeline_is_one_run_a_container(house: House) -> None:
    await create(house, *two())
    await deploy(house)
    first = f"{uid(house)}-1-0-0"
    assert house.runner.starts() == [first, f"{first}-c1"]
    (route,) = house.serving.routes().values()
    (served,) = route["variants"]
    (address,) = served["addresses"]
    assert [part.split("/")[-2] for part in address.split("|")] == [first, f"{first}-c1"]
    assert (served["hosts"], served["direct"], served["multi_model"]) == (["one", "two"], False, False)
    said = await status(house)
    assert said["EndpointStatus"] == "InService"
    assert len(said["ProductionVariants"][0]["DeployedImages"]) == 2
    house.runner.say(f"{first}-c1", "hello\n")
    await house.run(20.0)
    streams = list(house.logs.streams(ACCOUNT, REGION, "/aws/sagemaker/Endpoints/e"))
    assert [one.rpartition("/")[2] for one in streams if "/i-" in one] == ["two"]


async def test_an_instance_is_ready_when_all_its_containers_answer(house: House) -> None:
    house.serving.dead = {"-c1/"}
    await create(house, *two())
    await deploy(house)
    assert (await status(house))["EndpointStatus"] == "Creating"
    house.serving.dead = set()
    await house.run(1.0)
    assert (await status(house))["EndpointStatus"] == "InService"


async def test_a_container_that_ends_takes_its_instance_with_it_and_is_named(house: House) -> None:
    def crashes(uid: str, work: Any, root: Path) -> int | None:
        return 3 if uid.endswith("-c1") else None

    house.runner.behave = crashes
    await create(house, *two())
    await deploy(house)
    await house.run(60.0)
    said = await status(house)
    assert said["EndpointStatus"] == "Failed"
    assert "The container two ended with exit code 3" in said["FailureReason"]
    assert await house.runner.uids() == []


async def test_a_dead_container_is_replaced_with_its_instance(house: House) -> None:
    await create(house, *two())
    await deploy(house)
    house.runner.end(f"{uid(house)}-1-0-0-c1", 137)
    await house.run(5.0)
    assert await house.runner.uids() == [f"{uid(house)}-1-0-1", f"{uid(house)}-1-0-1-c1"]
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(1.0)
    assert await house.runner.uids() == []


async def test_containers_of_a_pipeline_end_one_after_another(house: House) -> None:
    await create(house, *two())
    await deploy(house)
    house.runner.stubborn = True
    await house.call("CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer=TAIL)
    await config(house, "d", variant(ModelName="n"))
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="d")
    await house.run(3.0)
    first = f"{uid(house)}-1-0-0"
    assert (await status(house))["EndpointStatus"] == "InService"
    assert {first, f"{first}-c1"} <= set(await house.runner.uids())
    house.runner.end(first, 0)
    await house.run(3.0)
    assert (await house.runner.observe(f"{first}-c1")).phase == "running"
    house.runner.end(f"{first}-c1", 0)
    await house.run(3.0)
    assert await house.runner.uids() == [f"{uid(house)}-2-0-0"]


async def test_direct_containers_are_told_to_the_data_plane(house: House) -> None:
    await create(house, *two(), InferenceExecutionConfig={"Mode": "Direct"})
    await deploy(house)
    (route,) = house.serving.routes().values()
    assert route["variants"][0]["direct"]
    assert (await house.call("DescribeModel", ModelName="m"))["InferenceExecutionConfig"] == {"Mode": "Direct"}


@pytest.mark.parametrize(
    ("containers", "more", "words"),
    [
        ([TAIL, {**TAIL, "ContainerHostname": "two"}], {}, "in every container of an inference pipeline, or in none"),
        ([{**TAIL, "ContainerHostname": "a"}] * 2, {}, "called 'a': ContainerHostname must be unique"),
        ([TAIL, TAIL], {"InferenceExecutionConfig": {"Mode": "Direct"}}, "Direct needs a ContainerHostname"),
        ([TAIL], {"InferenceExecutionConfig": {"Mode": "Direct"}}, "needs several Containers"),
        ([TAIL, {**TAIL, "Mode": "MultiModel"}], {}, "goes with one container only"),
        ([{"Image": XGBOOST, "Mode": "MultiModel"}], {}, "Mode MultiModel needs ModelDataUrl"),
        (
            [{**TAIL, "MultiModelConfig": {"ModelCacheSetting": "Enabled"}}],
            {},
            "MultiModelConfig needs Mode MultiModel",
        ),
    ],
    ids=["some-named", "twice", "direct-unnamed", "direct-alone", "multi-model-of-two", "no-prefix", "config"],
)
async def test_what_cannot_stand_together_is_refused(house: House, containers: Any, more: Doc, words: str) -> None:
    with pytest.raises(ValidationException, match=words):
        await create(house, *containers, **more)
