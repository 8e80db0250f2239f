"""Endpoints, driven by their reconciler over scripted model servers."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import BadSessionToken, Keys
from clary.aws.errors import ValidationException
from clary.engines.runners.base import Work
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.sagemaker import roles
from tests.sagemaker_house import ROLE, XGBOOST, House

MODEL_URL = "s3://lake/models/job/output/model.tar.gz"


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    made.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
    yield made
    made.close()


async def model(house: House, name: str = "m", **container: Any) -> None:
    primary = {"Image": XGBOOST, "ModelDataUrl": MODEL_URL, **container}
    await house.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=primary)


async def config(house: House, name: str, *variants: Doc, **more: Any) -> None:
    await house.call(
        "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=list(variants or [variant()]), **more
    )


def variant(name: str = "AllTraffic", **more: Any) -> Doc:
    return {"VariantName": name, "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", **more}


async def deploy(house: House, *variants: Doc) -> None:
    await model(house)
    await config(house, "c", *variants)
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)


async def status(house: House) -> dict[str, Any]:
    return await house.call("DescribeEndpoint", EndpointName="e")


def uid(house: House) -> str:
    return house.get("endpoint", "e").uid


async def test_an_endpoint_comes_into_service(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await model(house, Environment={"MODEL_SERVER_WORKERS": "1"})
    await config(house, "c", variant("a"), variant("b", InitialInstanceCount=2, InitialVariantWeight=3.0))
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    assert (await status(house))["EndpointStatus"] == "Creating"
    await house.run(1.0)
    said = await status(house)
    assert said["EndpointStatus"] == "InService"
    assert said["EndpointConfigName"] == "c"
    one, two = said["ProductionVariants"]
    assert (one["VariantName"], one["CurrentWeight"], one["CurrentInstanceCount"]) == ("a", 1.0, 1)
    assert (two["VariantName"], two["DesiredWeight"], two["DesiredInstanceCount"]) == ("b", 3.0, 2)
    assert one["DeployedImages"][0]["SpecifiedImage"] == XGBOOST
    assert not [name for name in said if name.startswith("_")]
    assert sorted(house.runner.starts()) == [f"{uid(house)}-1-0-0", f"{uid(house)}-1-1-0", f"{uid(house)}-1-1-1"]
    addresses = house.serving.addresses("e")
    assert (len(addresses["a"]), len(addresses["b"])) == (1, 2)
    assert seen[0].serves
    assert seen[0].network
    claims = house.keys.claims(seen[0].env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    assert claims == {"kind": "endpoint", "uid": uid(house), "role": ROLE}
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & seen[0].env.keys()
    assert seen[0].command[1:] == ("-m", "clary.algorithms.xgboost", "serve")
    assert seen[0].env["MODEL_SERVER_WORKERS"] == "1"
    assert (house.runner.root(house.runner.starts()[0]) / "model" / "model").read_bytes() == b"weights"


async def test_an_isolated_model_has_neither_network_nor_keys(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    primary = {"Image": XGBOOST, "ModelDataUrl": MODEL_URL}
    await house.call(
        "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=primary, EnableNetworkIsolation=True
    )
    await config(house, "c", variant())
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)
    assert not seen[0].network
    assert not [name for name in seen[0].env if name.startswith("AWS_") and "REGION" not in name]


async def test_keys_are_lent_as_long_as_the_endpoint_is_there_and_its_role_trusts(house: House) -> None:
    seen: list[Work] = []
    house.runner.behave = lambda uid, work, root: seen.append(work)
    await deploy(house)
    warrant = seen[0].env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]

    def redeem(text: str = warrant) -> tuple[str, Keys]:
        return roles.redeem(house.keys, house.store, house, text, house.clock.now())

    role, keys = redeem()
    known = house.keys.find(keys.access_key_id, keys.session_token)
    assert role == ROLE and known is not None and known.expires == house.clock.now() + roles.LENT_SECONDS
    assert known.principal.arn.endswith("assumed-role/job-role/SageMaker")
    for forged in (warrant[:-4] + "AAA=", "", "no base64!", keys.session_token or ""):
        with pytest.raises(BadSessionToken):
            redeem(forged)
    none = house.keys.warrant({"kind": "endpoint", "uid": uid(house), "role": ROLE.replace("job-role", "none")})
    with pytest.raises(roles.NotAssumable):
        redeem(none)
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(120.0)
    with pytest.raises(Missing):
        redeem()


async def test_it_is_in_service_only_when_every_front_says_so(house: House) -> None:
    house.serving.deaf = True
    await deploy(house)
    await house.run(30.0)
    assert (await status(house))["EndpointStatus"] == "Creating"
    house.serving.deaf = False
    await house.run(1.0)
    assert (await status(house))["EndpointStatus"] == "InService"


async def test_a_server_that_never_answers_ping_fails_the_endpoint(house: House) -> None:
    house.serving.dead.add("serve.sock")
    await model(house)
    await config(house, "c", variant(ContainerStartupHealthCheckTimeoutInSeconds=60))
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)
    house.runner.say(house.runner.starts()[0], "cannot load the model\n")
    await house.run(59.0)
    assert (await status(house))["EndpointStatus"] == "Creating"
    await house.run(5.0)
    said = await status(house)
    assert said["EndpointStatus"] == "Failed"
    assert "variant AllTraffic did not pass the ping health check" in said["FailureReason"]
    assert "cannot load the model" in said["FailureReason"]
    await house.run(5.0)
    assert await house.runner.uids() == []


async def test_a_server_that_crashes_again_and_again_fails_the_endpoint(house: House) -> None:
    house.runner.behave = lambda uid, work, root: 1
    await deploy(house)
    await house.run(10.0)
    said = await status(house)
    assert said["EndpointStatus"] == "Failed"
    assert "The container ended with exit code 1" in said["FailureReason"]
    assert len(house.runner.starts()) == 3
    assert house.serving.addresses("e") == {}
    await house.run(5.0)
    assert await house.runner.uids() == []
    with pytest.raises(ValidationException, match="in status Failed"):
        await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c")


async def test_an_instance_that_dies_is_replaced(house: House) -> None:
    await deploy(house)
    (first,) = house.runner.starts()
    house.runner.say(first, "last words\n")
    house.runner.end(first, 137)
    await house.run(3.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert len(house.runner.starts()) == 2
    assert await house.runner.uids() == [house.runner.starts()[1]]
    assert house.serving.addresses("e")["AllTraffic"][0].endswith(f"{house.runner.starts()[1]}/serve.sock")
    assert "last words" in house.lines("/aws/sagemaker/Endpoints/e")


async def test_while_one_instance_is_down_the_other_serves(house: House) -> None:
    await deploy(house, variant(InitialInstanceCount=2))
    first, second = house.runner.starts()
    house.runner.lose(first)
    await house.run(15.0)  # No hint: a machine that went down tells nobody.
    assert house.serving.addresses("e")["AllTraffic"][0].endswith(f"{second}/serve.sock")
    await house.run(5.0)
    assert len(house.serving.addresses("e")["AllTraffic"]) == 2
    assert (await status(house))["ProductionVariants"][0]["CurrentInstanceCount"] == 2


async def test_after_a_reboot_it_serves_again_without_being_asked(house: House, tmp_path: Path) -> None:
    await deploy(house, variant(InitialInstanceCount=2))
    for run in house.runner.starts():
        house.runner.lose(run)
    await house.call("DeleteEndpointConfig", EndpointConfigName="c")
    await house.call("DeleteModel", ModelName="m")
    await house.run(20.0)
    assert (await status(house))["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert len(house.serving.addresses("e")["AllTraffic"]) == 2
    assert len(await house.runner.uids()) == 2


async def test_an_instance_in_service_that_keeps_crashing_is_tried_less_and_less_often(house: House) -> None:
    await deploy(house)
    house.runner.behave = lambda uid, work, root: 1
    house.runner.end(house.runner.starts()[0], 1)
    await house.run(600.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert 8 < len(house.runner.starts()) < 20
    house.runner.behave = lambda uid, work, root: None
    await house.run(61.0)
    assert (await status(house))["ProductionVariants"][0]["CurrentInstanceCount"] == 1


async def test_an_instance_that_falls_silent_is_replaced(house: House) -> None:
    await deploy(house)
    (first,) = house.runner.starts()
    house.serving.dead.add(first)
    await house.run(20.0)
    assert house.runner.starts() == [first]
    await house.run(40.0)
    assert len(house.runner.starts()) == 2
    assert await house.runner.uids() == [house.runner.starts()[1]]


async def test_an_update_swaps_without_a_gap(house: House) -> None:
    await deploy(house)
    (old,) = house.runner.starts()
    await config(house, "c2", variant(InitialInstanceCount=2))
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("Updating", "c")
    assert said["PendingDeploymentSummary"]["EndpointConfigName"] == "c2"
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    house.serving.dead.add("-2-0-")
    await house.run(5.0)
    assert house.serving.addresses("e")["AllTraffic"][0].endswith(f"{old}/serve.sock")
    house.serving.dead.clear()
    await house.run(5.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c2")
    assert "PendingDeploymentSummary" not in said
    assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert await house.runner.uids() == [f"{uid(house)}-2-0-0", f"{uid(house)}-2-0-1"]
    assert all(route.variants[0].addresses for route in house.serving.published)


async def test_an_update_that_fails_rolls_back(house: House) -> None:
    await deploy(house)
    (old,) = house.runner.starts()
    await config(house, "c2")
    house.runner.behave = lambda uid, work, root: 1
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    await house.run(10.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c")
    assert "did not pass the ping health check" in said["FailureReason"]
    assert await house.runner.uids() == [old]
    house.runner.behave = lambda uid, work, root: None
    await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    await house.run(10.0)
    said = await status(house)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", "c2")
    assert "FailureReason" not in said
    assert await house.runner.uids() == [f"{uid(house)}-3-0-0"]


async def test_retained_variants_keep_their_weights_and_counts(house: House) -> None:
    await deploy(house)
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 5.0}]
    await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
    await house.run(1.0)
    await config(house, "c2")
    await house.call(
        "UpdateEndpoint",
        EndpointName="e",
        EndpointConfigName="c2",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    await house.run(1.0)
    (said,) = (await status(house))["ProductionVariants"]
    assert (said["DesiredInstanceCount"], said["DesiredWeight"]) == (2, 1.0)


async def test_weights_and_counts_change_on_the_running_instances(house: House) -> None:
    await deploy(house)
    (first,) = house.runner.starts()

    async def want(**members: Any) -> None:
        wanted = [{"VariantName": "AllTraffic", **members}]
        await house.call("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)

    await want(DesiredInstanceCount=3, DesiredWeight=2.0)
    said = (await status(house))["ProductionVariants"][0]
    assert (said["CurrentInstanceCount"], said["DesiredInstanceCount"]) == (1, 3)
    assert (said["CurrentWeight"], said["DesiredWeight"]) == (1.0, 2.0)
    await house.run(1.0)
    said = (await status(house))["ProductionVariants"][0]
    assert (said["CurrentInstanceCount"], said["CurrentWeight"]) == (3, 2.0)
    assert len(house.serving.addresses("e")["AllTraffic"]) == 3
    await want(DesiredInstanceCount=1)
    await house.run(5.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert await house.runner.uids() == [first]
    assert len(house.runner.starts()) == 3
    with pytest.raises(ValidationException, match="no production variant 'x'"):
        await house.call(
            "UpdateEndpointWeightsAndCapacities",
            EndpointName="e",
            DesiredWeightsAndCapacities=[{"VariantName": "x", "DesiredWeight": 1.0}],
        )


@pytest.mark.parametrize("seconds", [None, 0.0, 30.0])
async def test_a_deleted_endpoint_leaves_nothing(house: House, seconds: float | None) -> None:
    await model(house)
    await config(house, "c")
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    arn = house.get("endpoint", "e").arn
    await house.call("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    if seconds is not None:
        await house.run(seconds)
    await house.call("DeleteEndpoint", EndpointName="e")
    assert (await status(house))["EndpointStatus"] == "Deleting"
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        await house.call("UpdateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run()
    with pytest.raises(ValidationException, match='Could not find endpoint "arn:aws:sagemaker'):
        await status(house)
    assert await house.runner.uids() == []
    assert house.serving.routes() == {}
    assert house.count("sagemaker-tags") == 0


async def test_a_stray_run_is_removed(house: House) -> None:
    await deploy(house)
    stray = f"{uid(house)}-1-0-9"
    await house.runner.start(stray, Work(("serve",), serves=True))
    await house.run(20.0)
    assert stray not in await house.runner.uids()


async def test_what_is_missing_is_named_as_aws_names_it(house: House) -> None:
    with pytest.raises(ValidationException, match="Could not find model data at s3://lake/nowhere"):
        await model(house, ModelDataUrl="s3://lake/nowhere")
    with pytest.raises(ValidationException, match='Could not find model "arn:aws:sagemaker'):
        await config(house, "c")
    with pytest.raises(ValidationException, match='Could not find endpoint configuration "arn:aws:sagemaker'):
        await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await model(house)
    with pytest.raises(ValidationException, match="Cannot create already existing model"):
        await model(house)
    await config(house, "c")
    with pytest.raises(ValidationException, match="Cannot create already existing endpoint configuration"):
        await config(house, "c")
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    with pytest.raises(ValidationException, match='Cannot create already existing endpoint "arn'):
        await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    (house.objects.local("lake", "models/job/output/model.tar.gz") or Path()).unlink()
    with pytest.raises(ValidationException, match="Could not find model data at s3://lake/models"):
        await house.call("CreateEndpoint", EndpointName="e2", EndpointConfigName="c")


async def test_what_cannot_be_done_is_refused_by_name(house: House) -> None:
    container = {"Image": XGBOOST, "ModelDataUrl": MODEL_URL}
    await model(house)
    await config(house, "c")
    with pytest.raises(ValidationException, match="not both"):
        await house.call("CreateModel", ModelName="x", PrimaryContainer=container, Containers=[container])
    with pytest.raises(ValidationException, match="unique"):
        await config(house, "x", variant(), variant())
    for weight in (float("inf"), float("nan"), 1e39, -1.0):
        with pytest.raises(ValidationException, match="InitialVariantWeight"):
            await config(house, "x", variant(InitialVariantWeight=weight))
    step = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0, "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1}}
    with pytest.raises(ValidationException, match="CanarySize"):
        at_once = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": step}}
        await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c", DeploymentConfig=at_once)
    linear = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "LINEAR", "WaitIntervalInSeconds": 1}}}
    with pytest.raises(ValidationException, match="LINEAR needs the member LinearStepSize"):
        await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c", DeploymentConfig=linear)


async def test_model_data_may_be_plain_files_under_a_prefix(house: House) -> None:
    house.objects.write("lake", "plain/xgboost-model", b"w")
    source = {"S3Uri": "s3://lake/plain/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": XGBOOST, "ModelDataSource": {"S3DataSource": source}}
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    await config(house, "c")
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)
    assert (await status(house))["EndpointStatus"] == "InService"
    assert (house.runner.root(house.runner.starts()[0]) / "model" / "xgboost-model").read_bytes() == b"w"


PHASES = ("Creating", "InService", "Updating", "RollingBack", "Failed", "Deleting")


@pytest.mark.parametrize("run", ["absent", "running", "silent", "ended", "lost"])
@pytest.mark.parametrize("phase", PHASES)
async def test_every_step_may_be_taken_twice(house: House, phase: str, run: str) -> None:
    house.runner.stubborn = True
    await deploy(house)
    endpoint = house.get("endpoint", "e")
    (first,) = house.runner.starts()
    live = endpoint.status["_live"]
    members: Doc = {}
    if phase in ("Creating", "Failed"):
        members = {"_live": None, "_target": live if phase == "Creating" else None}
    elif phase == "Updating":
        members = {"_target": {**live, "generation": 2, "config": "c"}}
    endpoint = house.store.update(endpoint, phase=phase, due=None, **members)
    match run:
        case "absent":
            await house.runner.remove(first)
        case "silent":
            house.serving.dead.add("serve.sock")
        case "ended":
            house.runner.end(first, 1)
        case "lost":
            house.runner.lose(first)
    reconciler = house.reconcilers["endpoint"]
    one = await reconciler(endpoint)
    started = house.runner.starts()
    two = await reconciler(endpoint)
    assert (one.kind, one.phase) == (two.kind, two.phase) or phase == "Updating"
    assert house.runner.starts() == started
    if phase == "Deleting":
        assert one.kind == "gone"
        assert await house.runner.uids() == []
    elif phase in ("InService", "RollingBack"):
        assert one.phase in (None, "InService")
        assert one.after is not None
    elif phase == "Failed":
        assert one.phase is None


async def test_giving_up_never_takes_an_endpoint_out_of_service(house: House) -> None:
    await deploy(house)
    endpoint = house.get("endpoint", "e")
    give_up = house.reconcilers["endpoint"].give_up
    assert give_up(endpoint, OSError()).kind == "again"
    updating = house.store.update(endpoint, phase="Updating", due=None, _target=endpoint.status["_live"])
    assert give_up(updating, OSError()).phase == "RollingBack"
