"""Asynchronous invocations: accepted, worked off, ended, over a scripted model."""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from clary.aws.errors import NotImplementedHere, ServiceError, ValidationException
from clary.engines.serving.base import NoInstance, Reply
from clary.engines.serving.faults import ModelTimeout, NoAnswer
from clary.kernel.clock import ManualClock
from clary.services.sagemaker.asynchronous.machine import KIND
from tests.asynchronous_house import TOPIC, AsyncHouse, forever
from tests.sagemaker_house import ROLE, NoSuchBucket


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AsyncHouse]:
    made = AsyncHouse(tmp_path)
    yield made
    made.close()


def key(location: str) -> str:
    return location.removeprefix("s3://lake/")


def nothing_is_left(house: AsyncHouse) -> bool:
    return not house.waiting() and not [one for one in house.scratch.glob("*") if "-" not in one.name]


async def test_a_request_comes_back_as_an_object_and_a_notification(house: AsyncHouse) -> None:
    await house.deploy()
    said = await house.ask(ContentType="text/csv", InferenceId="mine")
    assert said == {
        "InferenceId": "mine",
        "OutputLocation": "s3://lake/out/mine.out",
        "FailureLocation": "s3://lake/bad/mine-error.out",
    }
    await house.work()
    assert house.objects.read("lake", "out/mine.out") == b"HELLO"
    assert house.objects.keys("lake", "bad") == []
    (told,) = house.published
    assert (told["invocationStatus"], told["inferenceId"], told["eventName"]) == (
        "Completed",
        "mine",
        "InferenceResult",
    )
    assert told["requestParameters"] == {
        "contentType": "text/csv",
        "endpointName": "e",
        "inputLocation": "s3://lake/in.txt",
    }
    assert told["responseParameters"] == {"contentType": "text/plain", "outputLocation": "s3://lake/out/mine.out"}
    assert "responseBody" not in told
    assert nothing_is_left(house)
    assert house.sink.told("InvocationsProcessed") == [1.0]
    assert house.sink.told("TimeInBacklog") == [0.0]


async def test_the_body_may_come_with_the_request_and_the_answer_with_the_notification(house: AsyncHouse) -> None:
    topics = {"SuccessTopic": TOPIC, "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]}
    await house.deploy(OutputConfig={"S3OutputPath": "s3://lake/out", "NotificationConfig": topics})
    said = await house.ask(Body=b"inline", Filename="a/b.txt", S3OutputPathExtension="today")
    assert said["OutputLocation"] == "s3://lake/out/today/a/b.txt"
    assert "FailureLocation" not in said
    await house.work()
    assert house.objects.read("lake", "out/today/a/b.txt") == b"INLINE"
    (told,) = house.published
    assert base64.b64decode(told["responseBody"]["content"]) == b"INLINE"


@pytest.mark.parametrize(("status", "side"), [(400, "ClientError"), (500, "InternalServerError")])
async def test_a_models_error_is_stored_as_a_failure(house: AsyncHouse, status: int, side: str) -> None:
    async def failing(body: bytes, headers: Mapping[str, str]) -> Reply:
        return Reply(status, {}, b"no such column")

    await house.deploy()
    house.serving.model = failing
    said = await house.ask()
    await house.work()
    failure = house.objects.read("lake", key(said["FailureLocation"])).decode()
    assert failure.startswith(f"{side}: Received") and "no such column" in failure
    assert house.objects.keys("lake", "out") == []
    assert house.published[0]["failureReason"] == failure
    assert house.sink.told("InvocationFailures") == [1.0] and len(house.serving.asked) == 1
    assert nothing_is_left(house)


async def test_it_waits_for_an_instance_until_its_time_is_over(house: AsyncHouse) -> None:
    await house.deploy()
    await house.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="e",
        DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredInstanceCount": 0}],
    )
    await house.run(5.0)
    said = await house.call("DescribeEndpoint", EndpointName="e")
    assert (said["EndpointStatus"], said["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 0)
    assert said["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == "s3://lake/out"
    short, long = await house.ask(RequestTTLSeconds=60), await house.ask()
    await house.work()
    assert len(house.waiting()) == 2 and house.serving.asked == []
    await house.run(61.0)
    assert "RequestTTLSeconds" in house.objects.read("lake", key(short["FailureLocation"])).decode()
    assert house.sink.told("ExpiredRequests") == [1.0]
    await house.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="e",
        DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredInstanceCount": 1}],
    )
    await house.run(2.0)
    await house.work()
    assert house.objects.read("lake", key(long["OutputLocation"])) == b"HELLO"
    assert house.sink.told("TimeInBacklog")[0] >= 61_000.0


async def test_the_oldest_go_first_and_no_more_at_once_than_instances_take(house: AsyncHouse) -> None:
    two, gate = asyncio.Event(), asyncio.Event()

    async def gated(body: bytes, headers: Mapping[str, str]) -> Reply:
        if len(house.serving.asked) == 2:
            two.set()
        await gate.wait()
        return Reply(200, {}, body)

    await house.deploy(instances=2, ClientConfig={"MaxConcurrentInvocationsPerInstance": 1})
    house.serving.model = gated
    for n in range(5):
        await house.ask(Body=b"%d" % n)
        house.clock.advance(1.0)  # type: ignore[attr-defined]
    pump = house.backlog.pump
    pump.look()
    pump.look()
    await two.wait()
    assert (pump.flying, sorted(house.serving.asked)) == (2, [b"0", b"1"])
    gate.set()
    await house.work()
    assert sorted(house.serving.asked[2:4]) == [b"2", b"3"] and house.serving.asked[4:] == [b"4"]
    assert len(house.objects.keys("lake", "out")) == 5


async def test_no_instance_is_no_failure_and_a_death_is_one_only_at_last(house: AsyncHouse) -> None:
    async def away(body: bytes, headers: Mapping[str, str]) -> Reply:
        raise NoInstance("nobody")

    async def dying(body: bytes, headers: Mapping[str, str]) -> Reply:
        raise NoAnswer("it ended")

    await house.deploy()
    house.serving.model = away
    said = await house.ask()
    clock = house.clock
    assert isinstance(clock, ManualClock)
    for _ in range(5):
        await house.work()
        clock.advance(2.0)
    assert len(house.serving.asked) == 5 and len(house.waiting()) == 1
    house.serving.model = dying
    await house.work()
    assert len(house.serving.asked) == 8
    assert "3 times a model went away" in house.objects.read("lake", key(said["FailureLocation"])).decode()
    assert nothing_is_left(house)


async def test_a_model_that_takes_too_long_has_failed(house: AsyncHouse) -> None:
    async def slow(body: bytes, headers: Mapping[str, str]) -> Reply:
        raise ModelTimeout("too slow")

    await house.deploy()
    house.serving.model = slow
    said = await house.ask(InvocationTimeoutSeconds=7)
    await house.work()
    assert "within 7 s" in house.objects.read("lake", key(said["FailureLocation"])).decode()


async def test_what_is_under_way_when_its_time_in_the_queue_ends_goes_on(house: AsyncHouse) -> None:
    await house.deploy()
    house.serving.model = forever
    await house.ask(RequestTTLSeconds=60)
    house.backlog.pump.look()
    await house.run(100.0)
    assert [one.phase for one in house.waiting()] == ["Queued"]
    await house.backlog.pump._land()


async def test_a_missing_input_and_a_refused_output_are_failures(house: AsyncHouse) -> None:
    await house.deploy()
    missing = await house.ask(InputLocation="s3://lake/none")
    await house.work()
    assert "s3://lake/none" in house.objects.read("lake", key(missing["FailureLocation"])).decode()
    await house.ask()
    house.objects.broken = NoSuchBucket("The specified bucket does not exist")
    await house.work()
    assert "could not be written" in house.published[-1]["failureReason"]
    assert nothing_is_left(house)
    assert house.sink.told("RequestDownloadFailures") == house.sink.told("ResponseUploadFailures") == [1.0]


async def test_when_the_endpoint_goes_its_requests_have_failed(house: AsyncHouse) -> None:
    await house.deploy()
    said = [await house.ask() for _ in range(3)]
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(120.0)
    await house.work()
    for one in said:
        assert b"was deleted" in house.objects.read("lake", key(one["FailureLocation"]))
    assert nothing_is_left(house)


async def test_requests_that_cannot_be_are_refused(house: AsyncHouse) -> None:
    with pytest.raises(ServiceError, match="not found") as refused:
        await house.ask()
    assert refused.value.error_code == "ValidationError"
    await house.deploy()
    with pytest.raises(ServiceError, match="either as Body or by InputLocation"):
        await house.ask(Body=b"x", InputLocation="s3://lake/in.txt")
    with pytest.raises(ServiceError, match="either as Body or by InputLocation"):
        await house.ask(Body=b"")
    with pytest.raises(ServiceError, match="128000"):
        await house.ask(Body=b"x" * 128_001)
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    await house.call("CreateEndpointConfig", EndpointConfigName="direct", ProductionVariants=[variant])
    await house.call("CreateEndpoint", EndpointName="direct", EndpointConfigName="direct")
    await house.run(1.0)
    with pytest.raises(ServiceError, match="is not an asynchronous endpoint"):
        await house.ask(EndpointName="direct")
    with pytest.raises(ValidationException, match="at least 1"):
        await house.call(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="direct",
            DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredInstanceCount": 0}],
        )
    assert house.count(KIND) == 0


async def test_configurations_that_cannot_be_are_refused(house: AsyncHouse) -> None:
    await house.deploy()
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    output = {"S3OutputPath": "s3://lake/out"}

    async def refused(words: str, output: object = output, *variants: object, **more: object) -> None:
        with pytest.raises((ValidationException, NotImplementedHere), match=words):
            await house.call(
                "CreateEndpointConfig",
                EndpointConfigName="x",
                ProductionVariants=list(variants) or [variant],
                AsyncInferenceConfig={"OutputConfig": output},
                **more,
            )

    await refused("needs an S3OutputPath", {})
    await refused("no S3 URI", {"S3OutputPath": "lake/out"})
    await refused("no S3 URI", {**output, "S3FailurePath": "s3:///x"})
    await refused("one production variant", output, variant, {**variant, "VariantName": "w"})
    serverless = {
        "VariantName": "v",
        "ModelName": "m",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    await refused("exclude each other", output, serverless)
    await refused("leave one of them out", output, ShadowProductionVariants=[{**variant, "VariantName": "w"}])


async def test_the_backlog_is_measured_also_when_there_is_none(house: AsyncHouse) -> None:
    await house.deploy()
    house.serving.model = forever
    pump, clock = house.backlog.pump, house.clock
    assert isinstance(clock, ManualClock)
    clock.advance(10.0)
    pump._measure()
    for _ in range(6):
        await house.ask()
    clock.advance(20.0)
    pump._measure()
    assert house.sink.told("ApproximateBacklogSize") == [0.0, 6.0]
    assert house.sink.told("ApproximateBacklogSizePerInstance") == [0.0, 6.0]
    assert house.sink.told("ApproximateAgeOfOldestRequest") == [0.0, 20.0]
    assert house.sink.told("HasBacklogWithoutCapacity") == [0.0, 0.0]
    assert ROLE in str(house.waiting()[0].spec)
