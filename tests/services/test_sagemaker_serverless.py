"""Serverless variants, driven by their reconciler over scripted model servers and a scripted demand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import ValidationException
from clary.engines.runners.base import Work
from clary.engines.serving.demand import Asked, VariantKey
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.services.sagemaker import MACHINES, reconcilers, serverless
from clary.services.sagemaker.engines import Engines
from tests.asynchronous_house import Sink
from tests.sagemaker_house import ROLE, XGBOOST, House
from tests.serverless_house import archive

IDLE = 60.0
CONFIG = {"MemorySizeInMB": 2048, "MaxConcurrency": 8}


class Told:
    """A demand that tests say."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.concurrent = 0
        self.used: float | None = None

    def say(self, concurrent: int) -> None:
        self.concurrent, self.used = concurrent, self._clock.ticks()

    def of(self, key: VariantKey) -> Asked:
        if self.used is None or self.concurrent:
            self.used = self._clock.ticks()
        return Asked(self.concurrent, self.used)

    def forget(self, account: str, region: str, endpoint: str) -> None:
        self.used = None


class ServerlessHouse(House):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        assert isinstance(self.clock, ManualClock)
        self.demand, self.sink = Told(self.clock), Sink()
        self.engines = self.with_engines(demand=self.demand, metrics=self.sink, serverless_idle_seconds=IDLE)

    def with_engines(self, **others: Any) -> Any:
        made = Engines(**{**{name: getattr(self.engines, name) for name in Engines.__slots__}, **others})
        self.reconcilers = reconcilers(made)
        self.controller = Controller(self.store, self.clock, self.reconcilers, MACHINES)
        return made

    async def ask(self, concurrent: int, seconds: float = 5.0) -> None:
        """So many requests are in the fronts, and that is told."""
        self.demand.say(concurrent)
        self.store.hasten(self.get("endpoint", "e").uid)
        await self.run(seconds)

    def route(self) -> Any:
        (route,) = self.serving.routes().values()
        (variant,) = route["variants"]
        return variant


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ServerlessHouse]:
    made = ServerlessHouse(tmp_path)
    made.objects.write("lake", "model.tar.gz", archive(model=b"w"))
    yield made
    made.close()


async def model(house: House) -> None:
    primary = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz"}
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=primary)


async def config(house: House, name: str, *variants: dict[str, Any], **serverless: Any) -> None:
    one = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {**CONFIG, **serverless}}
    await house.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=list(variants) or [one])


async def deploy(house: House, **serverless: Any) -> None:
    await model(house)
    await config(house, "c", **serverless)
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(2.0)


async def shown(house: House) -> Any:
    said = await house.call("DescribeEndpoint", EndpointName="e")
    assert said["EndpointStatus"] == "InService", said
    return said["ProductionVariants"][0]


async def test_it_is_proven_to_load_and_then_goes_to_sleep(house: ServerlessHouse) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await deploy(house)
    said = await shown(house)
    assert said["CurrentInstanceCount"] == 1 and "DesiredInstanceCount" not in said
    assert said["CurrentServerlessConfig"] == said["DesiredServerlessConfig"] == CONFIG
    assert seen[0].memory_bytes == 2 << 30
    assert house.route()["wakes"] and house.route()["concurrency"] == 8
    await house.run(IDLE + 20)
    assert (await shown(house))["CurrentInstanceCount"] == 0
    assert house.route()["addresses"] == [] and await house.runner.uids() == []
    assert len(house.runner.starts()) == 1
    await house.run(3600.0)
    assert len(house.runner.starts()) == 1


async def test_requests_bring_instances_and_their_end_takes_them_away(house: ServerlessHouse) -> None:
    await deploy(house)
    await house.run(IDLE + 20)
    await house.ask(1)
    assert len(house.route()["addresses"]) == 1
    assert house.sink.told("ModelSetupTime") and house.sink.told("ModelSetupTime")[0] >= 0
    await house.ask(100)
    most = min(8, serverless.MOST_PROCESSES)
    assert len(house.route()["addresses"]) == most
    await house.ask(1, IDLE * 2)  # busy all the time: a lull takes nothing away
    assert len(house.route()["addresses"]) == most
    await house.ask(0, IDLE - 10)
    assert len(house.route()["addresses"]) == most
    await house.run(30.0)
    assert house.route()["addresses"] == []
    await house.run(30.0)
    assert await house.runner.uids() == []


async def test_what_is_provisioned_stays(house: ServerlessHouse) -> None:
    await deploy(house, ProvisionedConcurrency=2)
    await house.run(IDLE * 2)
    assert len(house.route()["addresses"]) == 2
    change = {"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 5, "ProvisionedConcurrency": 1}}
    await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=[change])
    await house.run(IDLE * 2)
    said = await shown(house)
    assert said["CurrentServerlessConfig"] == {**CONFIG, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    assert said["CurrentInstanceCount"] == 1
    assert house.route()["concurrency"] == 5
    change["ServerlessUpdateConfig"] = {"ProvisionedConcurrency": 6}
    with pytest.raises(ValidationException, match="must not be more than"):
        await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=[change])


async def test_an_update_loads_the_new_model_before_it_serves(house: ServerlessHouse) -> None:
    await deploy(house)
    await house.run(IDLE + 20)
    await config(house, "c2", MaxConcurrency=3)
    house.runner.behave = lambda uid, work, root: 1
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    await house.run(30.0)
    said = await house.call("DescribeEndpoint", EndpointName="e")
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert "exit code 1" in said["FailureReason"]
    house.runner.behave = lambda uid, work, root: None
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    await house.run(30.0)
    assert (await shown(house))["CurrentServerlessConfig"]["MaxConcurrency"] == 3
    await house.run(IDLE * 2)
    assert house.route()["addresses"] == [] and await house.runner.uids() == []


async def test_a_model_that_does_not_load_fails_the_endpoint(house: ServerlessHouse) -> None:
    house.runner.behave = lambda uid, work, root: 1
    await deploy(house)
    await house.run(20.0)
    said = await house.call("DescribeEndpoint", EndpointName="e")
    assert said["EndpointStatus"] == "Failed"


async def test_configurations_that_cannot_be_are_refused(house: ServerlessHouse) -> None:
    await model(house)
    plain = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    cases: list[tuple[str, list[dict[str, Any]]]] = [
        ("is serverless: leave InstanceType", [{**plain, "ServerlessConfig": CONFIG}]),
        ("must be one of 1024", [{"MemorySizeInMB": 1500}]),
        ("must not be more than", [{"ProvisionedConcurrency": 9}]),
        ("one production variant", [{}, {**plain, "VariantName": "w"}]),
        ("needs the member InstanceType", [{"VariantName": "v", "ModelName": "m"}]),
    ]
    for words, variants in cases:
        whole = [
            one if "ModelName" in one else {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {**CONFIG, **one}}
            for one in variants
        ]
        with pytest.raises(ValidationException, match=words):
            await config(house, "x", *whole)
    await config(house, "c")
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(2.0)
    change = {"VariantName": "v", "DesiredInstanceCount": 2}
    with pytest.raises(ValidationException, match="is serverless"):
        await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=[change])
