"""SageMaker over everything that is real but the front: sandboxed processes, built-in algorithms, boto3."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.aws.authorize import IdentityPolicies
from clary.cli.demo import car, car_features
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.runners.process import ProcessRunner
from clary.engines.serving.base import Route
from clary.engines.serving.plane import Plane
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import SystemClock
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.services import iam, s3, sagemaker
from tests.inprocess import ACCOUNT, REGION, URL, InProcess, make_role
from tests.real import until
from tests.sagemaker_house import ROLE, SKLEARN, XGBOOST

pytestmark = pytest.mark.slow


class Frontless(Plane):
    """The data plane where the router of this process is the only front, and reads the route table at each request."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._asked: dict[str, Route] = {}

    async def publish(self, route: Route) -> None:
        await super().publish(route)
        self._asked[route.endpoint] = route

    async def serves(self, route: Route) -> bool:
        return self._asked.get(route.endpoint) == route


class Machine:
    """One control plane with its controller running."""

    def __init__(self, directory: Path) -> None:
        self.clock = SystemClock()
        self.directory = directory
        self.objects = DiskObjects(directory / "objects", self.clock)
        self.logs = SegmentLogs(directory / "logs", self.clock)
        self.runner = ProcessRunner(directory / "runs", clock=self.clock)
        self.plane = Frontless(directory / "serving")
        ports = {BucketStore: self.objects, ObjectStore: self.objects}
        self.inside = InProcess(directory, [iam.service, sagemaker.service, s3.service], clock=self.clock, ports=ports)
        make_role(self.inside)
        self.sagemaker = self.inside.client("sagemaker")
        self.s3 = self.inside.client("s3")
        self.engines = sagemaker.Engines(
            runner=self.runner,
            serving=self.plane,
            objects=self.objects,
            logs=self.logs,
            keys=self.inside.ring,
            clock=self.clock,
            store=self.inside.raw_store,
            inside=self.inside.gateway.inside,
            identities=self.inside.ports[IdentityPolicies],
            endpoint_url=URL,
            scratch=directory / "scratch",
        )
        self.runner.watch(self._changed)
        self._stop: asyncio.Event | None = None
        self.start()

    def _changed(self, run: str) -> None:
        hasten = self.inside.raw_store.hasten
        self.inside.thread.loop.call_soon_threadsafe(hasten, run.partition("-")[0])

    def start(self) -> None:
        store = self.inside.raw_store

        async def begin() -> None:
            controller = Controller(store, self.clock, sagemaker.reconcilers(self.engines), sagemaker.MACHINES)
            self._stop = asyncio.Event()
            self._loop = asyncio.create_task(controller.run(self._stop))

        self.inside.run(begin())

    def restart(self, engines: sagemaker.Engines) -> None:
        """The controller goes on with other engines."""

        self.inside.run(self._end())
        self.engines = engines
        self.start()

    async def _end(self) -> None:
        assert self._stop is not None
        self._stop.set()
        await self._loop

    def close(self) -> None:
        async def end() -> None:
            await self._end()
            for uid in await self.runner.uids():
                await self.runner.remove(uid)
            self.plane.close()

        self.inside.run(end())
        self.runner.close()
        self.inside.close()
        self.objects.close()
        self.logs.close()

    def ask(self, endpoint: str, body: bytes) -> str:
        reply = self.inside.run(self.plane.invoke(ACCOUNT, REGION, endpoint, body, {"content-type": "text/csv"}))
        assert reply.status == 200, reply.body
        return reply.body.decode().strip()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    try:
        made.s3.create_bucket(Bucket="lake")
        made.s3.put_object(Bucket="lake", Key="raw/car.csv", Body=car.csv().encode())
        made.s3.put_object(Bucket="lake", Key="code/features.py", Body=Path(car_features.__file__ or "").read_bytes())
        yield made
    finally:
        made.close()


def entry(name: str, key: str) -> dict[str, Any]:
    at = {"S3Uri": f"s3://lake/{key}", "LocalPath": f"/opt/ml/processing/input/{name}"}
    return {"InputName": name, "S3Input": {**at, "S3DataType": "S3Prefix", "S3InputMode": "File"}}


def leaving(name: str) -> dict[str, Any]:
    at = {"S3Uri": f"s3://lake/features/{name}", "LocalPath": f"/opt/ml/processing/output/{name}"}
    return {"OutputName": name, "S3Output": {**at, "S3UploadMode": "EndOfJob"}}


def cluster() -> dict[str, Any]:
    return {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}


def process(machine: Machine, name: str, *command: str, outputs: tuple[str, ...] = ()) -> dict[str, Any]:
    machine.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": list(command)},
        ProcessingResources={"ClusterConfig": cluster()},
        ProcessingInputs=[entry("raw", "raw/"), entry("code", "code/features.py")],
        ProcessingOutputConfig={"Outputs": [leaving(one) for one in outputs]},
    )

    def ended() -> Any:
        said = machine.sagemaker.describe_processing_job(ProcessingJobName=name)
        return said if said["ProcessingJobStatus"] != "InProgress" else None

    said: dict[str, Any] = until(ended, 60.0, "the processing job to end")
    return said


def train(machine: Machine, name: str, channels: list[str], **hyperparameters: str) -> None:
    machine.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        HyperParameters=hyperparameters,
        InputDataConfig=[
            {
                "ChannelName": one,
                "ContentType": "text/csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/features/{one}/"}},
            }
            for one in channels
        ],
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig=cluster(),
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def ended(machine: Machine, name: str) -> dict[str, Any]:
    def look() -> Any:
        said = machine.sagemaker.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    said: dict[str, Any] = until(look, 100.0, "the training job to end")
    return said


@pytest.mark.timeout(240)
def test_from_raw_file_to_answered_request(machine: Machine) -> None:
    said = process(
        machine,
        "features",
        "python3",
        "/opt/ml/processing/input/code/features.py",
        outputs=("train", "validation", "holdout", "encoding"),
    )
    assert said["ProcessingJobStatus"] == "Completed", said.get("FailureReason")
    train(
        machine,
        "cars",
        ["train", "validation"],
        objective="multi:softmax",
        num_class="4",
        num_round="20",
        max_depth="6",
        eta="0.5",
        eval_metric="merror",
    )
    said = ended(machine, "cars")
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    values = {one["MetricName"]: one["Value"] for one in said["FinalMetricDataList"]}
    assert set(values) == {"train:merror", "validation:merror"}
    assert values["validation:merror"] < 0.1
    assert said["ModelArtifacts"] == {"S3ModelArtifacts": "s3://lake/models/cars/output/model.tar.gz"}
    _serve(machine)


def _serve(machine: Machine) -> None:
    client = machine.sagemaker
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://lake/models/cars/output/model.tar.gz"}
    client.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")

    def in_service() -> Any:
        said = client.describe_endpoint(EndpointName="e")
        assert said["EndpointStatus"] != "Failed", said["FailureReason"]
        return said["EndpointStatus"] == "InService"

    until(in_service, 60.0, "the endpoint to come into service")
    # Cheap, four doors, four persons, a big boot and safe: very good, as the tables of the data say.
    assert float(machine.ask("e", b"0,0,2,1,2,2")) == 3.0

    (before,) = machine.inside.run(machine.runner.uids())
    run = machine.inside.run(machine.runner.observe(before))
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)

    def again() -> Any:
        uids = machine.inside.run(machine.runner.uids())
        ready = client.describe_endpoint(EndpointName="e")["ProductionVariants"][0]["CurrentInstanceCount"]
        return before not in uids and len(uids) == 1 and ready == 1

    until(again, 60.0, "a killed model server to be replaced")
    assert float(machine.ask("e", b"0,0,2,1,2,2")) == 3.0
    client.delete_endpoint(EndpointName="e")
    until(lambda: not client.list_endpoints()["Endpoints"], 30.0, "the endpoint to go")
    assert machine.inside.run(machine.runner.uids()) == []


def test_bad_data_is_the_clients_fault_in_words(machine: Machine) -> None:
    machine.s3.put_object(Bucket="lake", Key="features/train/x.csv", Body=b"one,two,three\n")
    train(machine, "bad", ["train"], num_round="2")
    said = ended(machine, "bad")
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("ClientError: ")
    assert said["FailureReason"].endswith(", exit code: 1")


def test_a_stopped_training_leaves_what_it_had(machine: Machine) -> None:
    rows = "".join(f"{n % 2},{n},{n * 7 % 13},{n * 5 % 11}\n" for n in range(2000))
    machine.s3.put_object(Bucket="lake", Key="features/train/x.csv", Body=rows.encode())
    train(machine, "long", ["train"], num_round="100000", objective="binary:logistic")

    def trains() -> Any:
        lines = (
            machine.inside.thread.call(machine.logs.streams, ACCOUNT, REGION, "/aws/sagemaker/TrainingJobs")
            if machine.logs.groups(ACCOUNT, REGION)
            else []
        )
        return (
            lines and machine.sagemaker.describe_training_job(TrainingJobName="long")["SecondaryStatus"] == "Training"
        )

    until(trains, 60.0, "the first lines of the job")
    machine.sagemaker.stop_training_job(TrainingJobName="long")
    said = ended(machine, "long")
    assert said["TrainingJobStatus"] == said["SecondaryStatus"] == "Stopped"
    assert machine.inside.run(machine.runner.uids()) == [] or until(
        lambda: not machine.inside.run(machine.runner.uids()), 10.0, "the run to be removed"
    )


def test_a_job_talks_to_the_wire_with_its_role(machine: Machine) -> None:
    code = "import os, sys; print(sorted(k for k in os.environ if k.startswith('AWS'))); sys.exit(3)"
    said = process(machine, "talks", "python3", "-c", code)
    assert said["ProcessingJobStatus"] == "Failed"
    assert "exit code: 3" in said["FailureReason"]
    assert "AWS_ENDPOINT_URL" in said["FailureReason"]
    assert "AWS_SESSION_TOKEN" in said["FailureReason"]


def test_inputs_are_linked_and_never_changed_by_the_job(machine: Machine) -> None:
    code = "open('/opt/ml/processing/input/raw/car.csv', 'w').write('changed')"
    said = process(machine, "writes", "python3", "-c", code)
    body = machine.s3.get_object(Bucket="lake", Key="raw/car.csv")["Body"].read()
    assert body == car.csv().encode(), said


def test_memory_beyond_the_limit_is_said(machine: Machine) -> None:
    machine.restart(replace(machine.engines, max_memory_bytes=300 << 20))
    said = process(machine, "eats", "python3", "-c", "x = bytearray(2 << 30)")
    assert said["ProcessingJobStatus"] == "Failed"
    # A limit on pages kills the process; one on the address space lets Python say so itself.
    assert "instance type with more memory" in said["FailureReason"] or "MemoryError" in said["FailureReason"]
