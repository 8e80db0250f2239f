"""Transform jobs, driven by their reconciler over scripted servers and senders."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.engines.runners.base import Usage, Work
from clary.jobs import turns
from clary.jobs.turns import Demand
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import ResourceInUse
from clary.services.sagemaker.measured import Measured
from clary.services.sagemaker.transform.machine import instance
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, XGBOOST, House
from tests.services.test_sagemaker_endpoints import archive

GROUP = "/aws/sagemaker/TransformJobs"


def transform_request(name: str = "job", **more: Any) -> Doc:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/in/"}
    return {
        "TransformJobName": name,
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": "s3://lake/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


def sends(uid: str, work: Work, root: Path) -> int | None:
    """Every object is answered; a server runs on."""
    if work.serves:
        (root.parent / "log").write_text("serving\n")
        return None
    told = json.loads((root / "input/config/transform.json").read_text())
    for name in told["objects"]:
        out = root / "output/data" / f"{name}.out"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes((root / "input/data" / name).read_bytes().upper())
    (root.parent / "log").write_text("sent\n")
    return 0


@pytest.fixture
async def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path, behave=sends)
    made.objects.write("lake", "model.tar.gz", archive(model=b"weights"))
    for name in ("a.csv", "deep/b.csv", "c.csv"):
        made.objects.write("lake", f"in/{name}", f"{name}\n".encode())
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/model.tar.gz", "Environment": {"A": "model", "B": "b"}}
    await made.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    two = [{**container, "ContainerHostname": name} for name in ("head", "tail")]
    await made.call("CreateModel", ModelName="chain", ExecutionRoleArn=ROLE, Containers=two)
    yield made
    made.close()


async def status(house: House) -> dict[str, Any]:
    return await house.call("DescribeTransformJob", TransformJobName="job")


async def test_a_job_runs_to_its_end(house: House) -> None:
    seen: dict[str, Work] = {}

    def watches(uid: str, work: Work, root: Path) -> int | None:
        seen[uid] = work
        return sends(uid, work, root)

    house.runner.behave = watches
    request = transform_request(Environment={"A": "job"}, MaxPayloadInMB=3, BatchStrategy="MultiRecord")
    await house.call("CreateTransformJob", **request)
    assert (await status(house))["TransformJobStatus"] == "InProgress"
    await house.call("DeleteModel", ModelName="m")
    uid = house.get("transform-job", "job").uid
    await house.run(2.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Completed", said
    assert "FailureReason" not in said
    assert said["TransformStartTime"] <= said["TransformEndTime"]
    assert said["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert said["TransformInput"]["CompressionType"] == "None"
    assert said["TransformOutput"]["AssembleWith"] == "None"
    assert not any(name.startswith("_") for name in said)
    assert house.objects.keys("lake", "out/") == ["out/a.csv.out", "out/c.csv.out", "out/deep/b.csv.out"]
    assert house.objects.read("lake", "out/deep/b.csv.out") == b"DEEP/B.CSV\n"
    assert house.runner.starts() == [f"{uid}-s0-0", uid]
    server, sender = seen[f"{uid}-s0-0"], seen[uid]
    assert server.serves and server.env["A"] == "job" and server.env["B"] == "b"
    assert server.env["SAGEMAKER_BATCH"] == "true"
    assert server.env["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "3"
    assert server.env["SAGEMAKER_BATCH_STRATEGY"] == "MULTI_RECORD"
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in server.env
    assert not sender.serves and not sender.network and list(sender.peers) == ["CLARY_CONTAINER_0"]
    assert "AWS_SESSION_TOKEN" not in sender.env
    assert await house.runner.uids() == []
    instance, started = house.logs.streams(ACCOUNT, REGION, GROUP)[0].split("/")[1].rsplit("-", 1)
    assert instance.startswith("i-") and int(started) == int(said["TransformStartTime"])
    assert house.logs.streams(ACCOUNT, REGION, GROUP) == [
        f"job/{instance}-{started}",
        f"job/{instance}-{started}/data-log",
    ]
    assert house.lines(GROUP) == ["serving", "sent"]


async def test_two_hosts_share_the_objects_of_an_inference_pipeline(house: House) -> None:
    told = []

    def watches(uid: str, work: Work, root: Path) -> int | None:
        if not work.serves:
            told.append(json.loads((root / "input/config/transform.json").read_text()))
        return sends(uid, work, root)

    house.runner.behave = watches
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    await house.call("CreateTransformJob", **transform_request(ModelName="chain", TransformResources=resources))
    uid = house.get("transform-job", "job").uid
    await house.run(3.0)
    assert (await status(house))["TransformJobStatus"] == "Completed"
    assert [one["objects"] for one in told] == [["a.csv", "deep/b.csv"], ["c.csv"]]
    assert [one["upstreams"] for one in told] == [["CLARY_CONTAINER_0", "CLARY_CONTAINER_1"]] * 2
    assert sorted(house.runner.starts()) == sorted(
        [uid, f"{uid}-h2", *(f"{uid}-s{host}-{number}" for host in (0, 1) for number in (0, 1))]
    )
    assert house.objects.keys("lake", "out/") == ["out/a.csv.out", "out/c.csv.out", "out/deep/b.csv.out"]
    ends = {stream.split("/", 2)[2] for stream in house.logs.streams(ACCOUNT, REGION, GROUP)}
    assert ends == {"head", "tail", "data-log"}
    assert await house.runner.uids() == []


async def test_what_is_done_is_stored_of_a_job_that_failed(house: House) -> None:
    def fails(uid: str, work: Work, root: Path) -> int | None:
        if work.serves:
            return None
        (root / "output/data/a.csv.out").write_bytes(b"done")
        (root / "output/drafts").mkdir()
        (root / "output/drafts/1").write_bytes(b"half")
        (root / "output/failure").write_text("ClientError: c.csv: Bad HTTP status received from algorithm: 400")
        return 1

    house.runner.behave = fails
    await house.call("CreateTransformJob", **transform_request())
    await house.run(2.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Failed"
    assert said["FailureReason"] == "ClientError: c.csv: Bad HTTP status received from algorithm: 400"
    assert house.objects.keys("lake", "out/") == ["out/a.csv.out"]
    listed = await house.call("ListTransformJobs", StatusEquals="Failed")
    (summary,) = listed["TransformJobSummaries"]
    assert summary["FailureReason"] == said["FailureReason"]


async def test_a_server_that_ends_fails_the_job_in_its_words(house: House) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call("CreateTransformJob", **transform_request())
    uid = house.get("transform-job", "job").uid
    await house.run(2.0)
    (house.runner.root(uid) / "output/data/a.csv.out").write_bytes(b"done")
    house.runner.say(f"{uid}-s0-0", "segmentation fault\n")
    house.runner.end(f"{uid}-s0-0", 139)
    await house.run(2.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("AlgorithmError: the model's container ended with exit code: 139 (SIGSEGV)")
    assert "segmentation fault" in said["FailureReason"]
    assert house.objects.keys("lake", "out/") == ["out/a.csv.out"]
    assert await house.runner.uids() == []


async def test_nothing_is_sent_before_every_server_is_ready_and_patience_ends(house: House) -> None:
    house.serving.dead.add("s0-1")
    await house.call("CreateTransformJob", **transform_request(ModelName="chain"))
    uid = house.get("transform-job", "job").uid
    await house.run(60.0)
    assert house.runner.starts() == [f"{uid}-s0-0", f"{uid}-s0-1"]
    await house.run(1800.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Failed"
    assert "GET /ping" in said["FailureReason"]
    assert await house.runner.uids() == []


async def test_stop_ends_everything_and_stores_nothing(house: House) -> None:
    house.runner.behave = lambda uid, work, root: None
    await house.call("CreateTransformJob", **transform_request())
    uid = house.get("transform-job", "job").uid
    await house.run(2.0)
    (house.runner.root(uid) / "output/data/a.csv.out").write_bytes(b"done")
    await house.call("StopTransformJob", TransformJobName="job")
    assert (await status(house))["TransformJobStatus"] == "Stopping"
    await house.run(2.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Stopped"
    assert "TransformEndTime" in said
    assert house.objects.keys("lake", "out/") == []
    assert await house.runner.uids() == []
    with pytest.raises(ValidationException, match="is in status Stopped"):
        await house.call("StopTransformJob", TransformJobName="job")


class Line:
    """Turns that are given by hand."""

    def __init__(self) -> None:
        self.asked: list[Demand] = []
        self.left: list[str] = []
        self.granted = False

    def ask(self, job: Any, demand: Demand) -> str | None:
        self.asked.append(demand)
        return None if self.granted else "the machine is full"

    def check(self, demand: Demand) -> str | None:
        return None

    def leave(self, job: Any) -> None:
        self.left.append(job.name)


async def test_a_job_waits_for_its_turn_and_gives_it_back(house: House) -> None:
    line = Line()
    for reconciler in house.reconcilers.values():
        if (given := getattr(reconciler, "_engines", None)) is not None:
            object.__setattr__(given, "turns", line)
    await house.call("CreateTransformJob", **transform_request())
    await house.run(12.0)
    assert house.runner.starts() == []
    assert len(line.asked) == 3
    assert "TransformStartTime" not in await status(house)
    line.granted = True
    await house.run(8.0)
    assert (await status(house))["TransformJobStatus"] == "Completed"
    assert house.get("transform-job", "job").status[turns.GRANTED]["cpus"] == line.asked[0].cpus
    assert line.left == ["job"]


async def test_what_a_host_uses_is_one_metric_of_all_its_runs(house: House) -> None:
    class Sink:
        def __init__(self) -> None:
            self.samples: list[Any] = []

        def add(self, samples: Any) -> None:
            self.samples += samples

    async def usage(uid: str) -> Usage:
        return Usage(0.01 * house.clock.now(), 1 << 20)

    house.runner.behave = lambda uid, work, root: None
    house.runner.usage = usage  # type: ignore[attr-defined]
    sink = Sink()
    measured = Measured([house.runner], house.store, sink, house.clock)  # type: ignore[arg-type]
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
    await house.call("CreateTransformJob", **transform_request(ModelName="chain", TransformResources=resources))
    await house.run(3.0)
    assert len(await house.runner.uids()) == 6
    await measured.minute()
    await house.run(60.0)
    await measured.minute()
    told = {(one.metric.name, dict(one.metric.dimensions)["Host"]): one.values[0] for one in sink.samples}
    assert {host for _, host in told} == {f"job/{instance(house.get('transform-job', 'job').uid, n)}" for n in (0, 1)}
    assert [value for (name, _), value in told.items() if name == "CPUUtilization"] == pytest.approx([3.0, 3.0])


async def test_an_empty_prefix_and_a_role_that_may_not_read_fail_the_job(house: House) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://lake/nothing/"}
    given = {"DataSource": {"S3DataSource": source}}
    await house.call("CreateTransformJob", **transform_request(TransformInput=given))
    await house.run(2.0)
    said = await status(house)
    assert said["TransformJobStatus"] == "Failed"
    assert said["FailureReason"].startswith(
        'ClientError: No S3 objects found under S3 URL "s3://lake/nothing/" given in input data source. Please'
    )
    assert await house.runner.uids() == []


async def test_captured_data_is_two_manifests_that_a_job_can_read(house: House) -> None:
    capture = {"DestinationS3Uri": "s3://lake/captured"}
    await house.call("CreateTransformJob", **transform_request(DataCaptureConfig=capture))
    await house.run(2.0)
    assert (await status(house))["TransformJobStatus"] == "Completed"
    uid = house.get("transform-job", "job").uid
    made = {key.split("/")[1]: key for key in house.objects.keys("lake", "captured/")}
    assert sorted(made) == ["input", "output"] and all(key.endswith(f"/{uid}.json") for key in made.values())
    assert json.loads(house.objects.read("lake", made["input"])) == [
        {"prefix": "s3://lake/"}, "in/a.csv", "in/c.csv", "in/deep/b.csv",
    ]  # fmt: skip
    assert json.loads(house.objects.read("lake", made["output"])) == [
        {"prefix": "s3://lake/out/"}, "a.csv.out", "c.csv.out", "deep/b.csv.out",
    ]  # fmt: skip
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://lake/{made['output']}"}
    again = transform_request("again", TransformInput={"DataSource": {"S3DataSource": source}})
    await house.call("CreateTransformJob", **again)
    await house.run(2.0)
    assert "out/a.csv.out.out" in house.objects.keys("lake", "out/")


async def test_names_are_unique_and_what_is_missing_is_said_in_awss_words(house: House) -> None:
    await house.call("CreateTransformJob", **transform_request())
    with pytest.raises(ResourceInUse, match="a job with this name already exists"):
        await house.call("CreateTransformJob", **transform_request())
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/none"
    with pytest.raises(ValidationException, match=f'Could not find model "{arn}"'):
        await house.call("CreateTransformJob", **transform_request("two", ModelName="none"))
    with pytest.raises(ValidationException, match="Could not find requested job with name: none"):
        await house.call("DescribeTransformJob", TransformJobName="none")
    with pytest.raises(ValidationException, match="Could not find requested job with name: none"):
        await house.call("StopTransformJob", TransformJobName="none")


def _with(member: str, **changes: Any) -> Doc:
    return {member: {**transform_request()[member], **changes}}


BAD = [
    ({"MaxPayloadInMB": 101}, "MaxPayloadInMB must be at most 100"),
    ({"MaxPayloadInMB": 20, "MaxConcurrentTransforms": 6}, "must be at most 100, not 120"),
    (_with("TransformResources", InstanceCount=101), "InstanceCount must be at most 100"),
    ({"DataProcessing": {"InputFilter": "[0]"}}, r"begins with \$"),
    ({"DataProcessing": {"JoinSource": "Input"}, "MaxPayloadInMB": 0}, "MaxPayloadInMB above 0"),
    (_with("TransformInput", SplitType="RecordIO") | {"DataProcessing": {"JoinSource": "Input"}}, "SplitType Line"),
    (
        _with("TransformInput", ContentType="image/png") | {"DataProcessing": {"OutputFilter": "$[0]"}},
        "TransformInput.ContentType to be one of text/csv.*'image/png'",
    ),
    (
        _with("TransformOutput", Accept="application/json") | {"DataProcessing": {"JoinSource": "Input"}},
        "text/csv cannot be joined to application/json",
    ),
    (
        {
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://lake/x"}}
            }
        },
        "use S3Prefix or ManifestFile",
    ),
    ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "reserved"),
    (_with("TransformOutput", S3OutputPath="s3:///x"), "names no bucket"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
async def test_what_cannot_be_right_is_refused_at_once(house: House, change: Doc, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        await house.call("CreateTransformJob", **transform_request(**change))
    assert house.count("transform-job") == 0


async def test_a_model_without_a_role_and_inference_ids_are_refused(house: House) -> None:
    await house.call("CreateModel", ModelName="bare", PrimaryContainer={"Image": XGBOOST})
    with pytest.raises(ValidationException, match="has no ExecutionRoleArn"):
        await house.call("CreateTransformJob", **transform_request(ModelName="bare"))
    capture = {"DestinationS3Uri": "s3://lake/x", "GenerateInferenceId": True}
    with pytest.raises(NotImplementedHere, match="GenerateInferenceId"):
        await house.call("CreateTransformJob", **transform_request(DataCaptureConfig=capture))


async def test_lists_are_newest_first_and_a_change_is_told_as_an_event(house: House) -> None:
    from clary.services.sagemaker.heralds import HERALDS

    for name in ("one", "two", "three"):
        await house.call("CreateTransformJob", **transform_request(name, Tags=[{"Key": "team", "Value": "blue"}]))
        await house.run(1.0)
    listed = await house.call("ListTransformJobs")
    assert [one["TransformJobName"] for one in listed["TransformJobSummaries"]] == ["three", "two", "one"]
    events = [event for event in house.store.events(0, 1000) if event.kind == "transform-job" and event.name == "one"]
    told = [one for event in events for one in HERALDS["transform-job"](event)]
    assert {one["detail-type"] for one in told} == {"SageMaker Transform Job State Change"}
    assert [one["detail"]["TransformJobStatus"] for one in told] == ["InProgress", "Completed"]
    assert told[-1]["detail"]["Tags"] == {"team": "blue"}
    arn = listed["TransformJobSummaries"][0]["TransformJobArn"]
    assert (await house.call("ListTags", ResourceArn=arn))["Tags"] == [{"Key": "team", "Value": "blue"}]
