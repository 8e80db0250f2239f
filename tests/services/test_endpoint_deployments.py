"""Updates that move traffic in stages, bake, watch alarms and go back: each moment of them, over scripted servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.kernel.resource import Doc
from clary.services.sagemaker.heralds import HERALDS
from tests.sagemaker_house import House
from tests.services.test_sagemaker_endpoints import archive, config, deploy, status, uid, variant


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
    made.alarms = {"errors": "OK", "latency": "INSUFFICIENT_DATA"}
    yield made
    made.close()


def routing(kind: str, wait: int = 60, **more: Any) -> Doc:
    return {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **more}}


CANARY = {"BlueGreenUpdatePolicy": routing("CANARY", CanarySize={"Type": "CAPACITY_PERCENT", "Value": 10})}
WATCHED = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]}}
ROLLING = {
    "RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 60}
}


async def update(house: House, count: int = 1, deployment: Doc | None = None, name: str = "c2", **more: Any) -> None:
    await config(house, name, variant(InitialInstanceCount=count))
    asked = {} if deployment is None else {"DeploymentConfig": deployment}
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName=name, **asked, **more)


def weights(house: House) -> list[tuple[str, float, int]]:
    """(generation, weight, instances) of each variant of the route."""
    (route,) = house.serving.routes().values()
    return [
        (
            one["addresses"][0].split("/")[-2].split("-")[1] if one["addresses"] else "",
            one["weight"],
            len(one["addresses"]),
        )
        for one in route["variants"]
    ]


def pending(said: Doc) -> Doc:
    (one,) = said["PendingDeploymentSummary"]["ProductionVariants"]
    return one


async def test_a_canary_bakes_with_its_share_then_with_all(house: House) -> None:
    await deploy(house)
    house.serving.dead.add("-2-0-")
    await update(house, deployment=CANARY)
    await house.run(5.0)
    said = await status(house)
    assert said["EndpointStatus"] == "Updating"
    assert pending(said)["VariantStatus"][0]["Status"] == "Creating"
    assert (pending(said)["CurrentWeight"], pending(said)["CurrentInstanceCount"]) == (0.0, 0)
    assert weights(house) == [("1", 1.0, 1)]
    house.serving.dead.clear()
    await house.run(1.0)
    said = await status(house)
    assert weights(house) == [("2", 0.1, 1), ("1", 0.9, 1)]
    told = pending(said)["VariantStatus"][0]
    assert (told["Status"], told["StatusMessage"]) == ("Baking", "Stage 1 of 2: 10 % of the traffic for 60 s.")
    assert said["EndpointConfigName"] == "c"
    assert said["ProductionVariants"][0]["CurrentWeight"] == 0.9
    assert (pending(said)["CurrentWeight"], pending(said)["DesiredWeight"]) == (0.1, 1.0)
    await house.run(57.0)
    assert len(weights(house)) == 2
    await house.run(3.0)
    assert weights(house) == [("2", 1.0, 1)]
    said = await status(house)
    assert pending(said)["VariantStatus"][0]["StatusMessage"] == "Stage 2 of 2: 100 % of the traffic for 60 s."
    assert len(await house.runner.uids()) == 2, "the old instances stay until the last stage has baked"
    await house.run(61.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c2")
    assert said["LastDeploymentConfig"] == CANARY
    assert "PendingDeploymentSummary" not in said
    assert "VariantStatus" not in said["ProductionVariants"][0]
    assert await house.runner.uids() == [f"{uid(house)}-2-0-0"]


async def test_linear_steps_wait_each_and_the_old_are_kept_as_long_as_asked(house: House) -> None:
    await deploy(house)
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    policy = {**routing("LINEAR", 30, LinearStepSize=size), "TerminationWaitInSeconds": 100}
    await update(house, deployment={"BlueGreenUpdatePolicy": policy})
    await house.run(1.0)
    assert weights(house) == [("2", 0.5, 1), ("1", 0.5, 1)]
    await house.run(31.0)
    assert weights(house) == [("2", 1.0, 1)]
    await house.run(31.0)
    said = await status(house)
    assert said["EndpointStatus"] == "Updating"
    assert said["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Deleting"
    assert len(await house.runner.uids()) == 2
    await house.run(100.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert len(await house.runner.uids()) == 1


@pytest.mark.parametrize("when", ["starting", "canary", "all"])
async def test_an_alarm_takes_the_update_back_without_a_gap(house: House, when: str) -> None:
    await deploy(house)
    if when == "starting":
        house.serving.dead.add("-2-0-")
    await update(house, deployment={**CANARY, **WATCHED})
    await house.run(70.0 if when == "all" else 5.0)
    assert (
        weights(house)
        == {
            "starting": [("1", 1.0, 1)],
            "canary": [("2", 0.1, 1), ("1", 0.9, 1)],
            "all": [("2", 1.0, 1)],
        }[when]
    )
    house.alarms["latency"] = "ALARM"
    before = len(house.serving.published)
    await house.run(5.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert "'latency' of AutoRollbackConfiguration is in the state ALARM" in said["FailureReason"]
    assert weights(house) == [("1", 1.0, 1)]
    assert all(one.addresses for route in house.serving.published[before:] for one in route.variants if one.weight)
    assert await house.runner.uids() == [f"{uid(house)}-1-0-0"]
    assert house.get("endpoint", "e").status.get("_undone") is None


async def test_an_alarm_after_the_last_baking_changes_nothing(house: House) -> None:
    await deploy(house)
    policy = {**routing("ALL_AT_ONCE", 10), "TerminationWaitInSeconds": 100}
    await update(house, deployment={"BlueGreenUpdatePolicy": policy, **WATCHED})
    await house.run(20.0)
    house.alarms["errors"] = "ALARM"
    await house.run(100.0)
    assert (await status(house))["EndpointConfigName"] == "c2"


async def test_alarms_must_be_there(house: House) -> None:
    await deploy(house)
    del house.alarms["latency"]
    with pytest.raises(ValidationException, match="Could not find the alarm 'latency'"):
        await update(house, deployment=WATCHED)
    house.alarms["latency"] = "OK"
    await update(house, name="c3", deployment={**CANARY, **WATCHED})
    await house.run(5.0)
    del house.alarms["errors"]
    await house.run(5.0)
    said = await status(house)
    assert "'errors' of AutoRollbackConfiguration is gone" in said["FailureReason"]
    assert said["EndpointConfigName"] == "c"


async def test_an_update_that_takes_too_long_is_taken_back(house: House) -> None:
    await deploy(house)
    house.serving.dead.add("-2-0-")
    policy = {**routing("ALL_AT_ONCE", 0), "MaximumExecutionTimeoutInSeconds": 600}
    await config(house, "c2", variant(ContainerStartupHealthCheckTimeoutInSeconds=1800))
    await house.call(
        "UpdateEndpoint", EndpointName="e", EndpointConfigName="c2", DeploymentConfig={"BlueGreenUpdatePolicy": policy}
    )
    await house.run(599.0)
    assert (await status(house))["EndpointStatus"] == "Updating"
    await house.run(5.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert "MaximumExecutionTimeoutInSeconds, which is 600" in said["FailureReason"]


async def test_a_rolling_update_goes_batch_by_batch(house: House) -> None:
    await deploy(house, variant(InitialInstanceCount=3))
    await update(house, 3, ROLLING)
    seen = []
    for _ in range(3):
        await house.run(2.0)
        seen.append((weights(house), len(await house.runner.uids())))
        await house.run(60.0)
    third = pytest.approx(1 / 3)
    assert [one for one, _ in seen] == [
        [("2", third, 1), ("1", pytest.approx(2 / 3), 3)],
        [("2", pytest.approx(2 / 3), 2), ("1", third, 2)],
        [("2", 1.0, 3)],
    ]
    assert [count for _, count in seen] == [4, 4, 4]
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c2")
    assert await house.runner.uids() == [f"{uid(house)}-2-0-{n}" for n in range(3)]


@pytest.mark.parametrize("batch", [None, 1])
async def test_a_rolling_update_is_taken_back_with_its_capacity(house: House, batch: int | None) -> None:
    await deploy(house, variant(InitialInstanceCount=4))
    policy = dict(ROLLING["RollingUpdatePolicy"])
    if batch:
        policy["RollbackMaximumBatchSize"] = {"Type": "INSTANCE_COUNT", "Value": batch}
    await update(house, 4, {"RollingUpdatePolicy": policy, **WATCHED})
    await house.run(130.0)
    assert weights(house) == [("2", 0.75, 3), ("1", 0.25, 2)]
    house.alarms["errors"] = "ALARM"
    before = len(house.serving.published)
    await house.run(10.0)
    routes = house.serving.published[before:]
    assert all(sum(len(one.addresses) for one in route.variants) >= 4 for route in routes)
    mixed = [route for route in routes if len(route.variants) == 2 and route.variants[0].weight < 0.7]
    assert sorted({round(route.variants[0].weight, 2) for route in mixed}) == ([] if batch is None else [0.25, 0.5])
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert weights(house) == [("1", 1.0, 4)]
    assert len(await house.runner.uids()) == 4


async def test_a_way_back_that_fails_leaves_what_serves_and_another_update_leads_out(house: House) -> None:
    await deploy(house, variant(InitialInstanceCount=2))
    await update(house, 2, {**ROLLING, **WATCHED})
    await house.run(70.0)
    house.runner.behave = lambda uid, work, root: 1 if "-1-0-" in uid else None
    assert weights(house) == [("2", 1.0, 2)]
    house.alarms["errors"] = "ALARM"
    await house.run(30.0)
    said = await status(house)
    assert said["EndpointStatus"] == "UpdateRollbackFailed"
    assert "is in the state ALARM" in said["FailureReason"]
    assert "could not be taken back either" in said["FailureReason"]
    assert weights(house) == [("2", 1.0, 2)]
    house.alarms["errors"] = "OK"
    await update(house, 2, name="c3")
    await house.run(5.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c3")
    assert weights(house) == [("3", 1.0, 2)]
    assert all(any(one.addresses for one in route.variants) for route in house.serving.published)


async def test_a_crashing_generation_rolls_back_in_the_middle_of_a_canary(house: House) -> None:
    await deploy(house)
    await update(house, deployment=CANARY)
    await house.run(5.0)
    house.runner.behave = lambda uid, work, root: 1
    house.runner.end(f"{uid(house)}-2-0-0", 1)
    await house.run(30.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert "The container ended with exit code 1" in said["FailureReason"]
    assert await house.runner.uids() == [f"{uid(house)}-1-0-0"]


async def test_the_last_deployment_config_can_be_used_again(house: House) -> None:
    await deploy(house)
    await update(house, deployment=CANARY)
    await house.run(150.0)
    await update(house, name="c3", RetainDeploymentConfig=True)
    await house.run(5.0)
    assert [one for _, one, _ in weights(house)] == [0.1, 0.9]
    await house.run(150.0)
    await update(house, name="c4")
    await house.run(2.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c4")
    assert said["LastDeploymentConfig"] == CANARY


async def test_a_rollback_by_hand_is_an_update_to_the_config_before(house: House) -> None:
    await deploy(house)
    await update(house)
    await house.run(2.0)
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(2.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert await house.runner.uids() == [f"{uid(house)}-3-0-0"]


@pytest.mark.parametrize("seconds", [1.0, 70.0, 125.0])
async def test_an_endpoint_may_be_deleted_in_the_middle_of_an_update(house: House, seconds: float) -> None:
    await deploy(house)
    await update(house, deployment=CANARY)
    await house.run(seconds)
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(1.0)
    assert house.count("endpoint") == 0
    assert await house.runner.uids() == []
    assert house.serving.routes() == {}


async def test_instances_go_only_when_every_front_has_given_them_up(house: House) -> None:
    await deploy(house)
    await update(house)
    house.runner.stubborn = True
    house.serving.deaf = True
    await house.run(20.0)
    (old, _) = await house.runner.uids()
    stopped = house.runner._read(old).get("stop_asked")
    assert stopped is None
    house.serving.deaf = False
    await house.run(5.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert house.runner._read(old).get("stop_asked") is not None


async def test_a_stage_shares_traffic_by_weight_between_variants(house: House) -> None:
    await deploy(house, variant("a", InitialVariantWeight=3.0), variant("b"))
    await config(house, "c2", variant("a"), variant("b", InitialVariantWeight=9.0))
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2", DeploymentConfig=CANARY)
    await house.run(5.0)
    (route,) = house.serving.routes().values()
    found = [(one["name"], round(one["weight"], 6)) for one in route["variants"]]
    # A tenth of the traffic goes by the new weights 1 : 9, the rest by the old ones 3 : 1.
    assert found == [("a", 0.01), ("b", 0.09), ("a", 0.675), ("b", 0.225)]


async def test_a_shadow_has_instances_and_no_traffic_of_its_own(house: House) -> None:
    await deploy(house, variant("v", InitialVariantWeight=2.0))
    shadow = [variant("s", InitialInstanceCount=2)]
    await config(house, "c2", variant("v", InitialVariantWeight=2.0), ShadowProductionVariants=shadow)
    described = await house.call("DescribeEndpointConfig", EndpointConfigName="c2")
    assert described["ShadowProductionVariants"][0]["InitialVariantWeight"] == 1.0
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2", DeploymentConfig=CANARY)
    await house.run(5.0)
    (route,) = house.serving.routes().values()
    assert route["shadows"] == []
    assert pending(await status(house))["VariantName"] == "v"
    await house.run(130.0)
    (route,) = house.serving.routes().values()
    (one,) = route["shadows"]
    assert (one["name"], one["weight"], len(one["addresses"])) == ("s", 0.5, 2)
    said = await status(house)
    (told,) = said["ShadowProductionVariants"]
    assert (told["VariantName"], told["CurrentInstanceCount"], told["DesiredInstanceCount"]) == ("s", 2, 2)
    wanted = [{"VariantName": "s", "DesiredInstanceCount": 1, "DesiredWeight": 4.0}]
    await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
    await house.run(5.0)
    (route,) = house.serving.routes().values()
    (one,) = route["shadows"]
    assert (one["weight"], len(one["addresses"])) == (1.0, 1)
    assert len(await house.runner.uids()) == 2


async def test_what_a_shadow_cannot_go_with_is_refused(house: House) -> None:
    await deploy(house)
    with pytest.raises(ValidationException, match="one production variant and one shadow"):
        await config(house, "x", variant("a"), variant("b"), ShadowProductionVariants=[variant("s")])
    with pytest.raises(ValidationException, match="variant names must be unique"):
        await config(house, "x", variant("a"), ShadowProductionVariants=[variant("a")])
    scaled = variant("s", ManagedInstanceScaling={"Status": "ENABLED"})
    with pytest.raises(NotImplementedHere, match="ManagedInstanceScaling"):
        await config(house, "x", variant("a"), ShadowProductionVariants=[scaled])


async def test_each_stage_is_told_as_an_event_of_the_deployment(house: House) -> None:
    await deploy(house)
    last = house.store.events(0, 1000)[-1].seq
    await update(house, deployment=CANARY)
    await house.run(150.0)
    told = [
        one
        for event in house.store.events(last, 1000)
        if event.kind == "endpoint"
        for one in HERALDS["endpoint"](event)
    ]
    stages = [
        (one["detail"]["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0])
        for one in told
        if one["detail-type"] == "SageMaker Endpoint Deployment State Change"
        and "PendingDeploymentSummary" in one["detail"]
    ]
    assert [one["Status"] for one in stages] == ["Creating", "Baking", "Creating", "Baking"]
    assert stages[1]["StatusMessage"].startswith("Stage 1 of 2")
    moves = [one["detail"]["EndpointStatus"] for one in told if one["detail-type"] == "SageMaker Endpoint State Change"]
    assert moves == ["UPDATING", "IN_SERVICE"]
