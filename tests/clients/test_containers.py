"""A user's own image, from its Dockerfile to answers: built, pushed to our registry, trained and served with."""

import base64
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers import Machine, machine
from tests.real import TRUST, RealClary, until

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(600)]
SECONDS = 180.0
TRAIN = """#!/usr/bin/env python3
import json
with open('/opt/ml/input/data/train/numbers.csv') as file:
    numbers = [float(line) for line in file]
with open('/opt/ml/input/config/hyperparameters.json') as file:
    shift = float(json.load(file)['shift'])
with open('/opt/ml/model/model.json', 'w') as file:
    json.dump(sum(numbers) / len(numbers) + shift, file)
print(f'mean={sum(numbers) / len(numbers)};', flush=True)
"""
SERVE = """#!/usr/bin/env python3
import http.server, json
with open('/opt/ml/model/model.json') as file:
    mean = json.load(file)
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        self.say(b'')
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.say(str(float(body) - mean).encode())
    def say(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('', 8080), Server).serve_forever()
"""


class World:
    """A server whose containers run in the engine of the tests, and a user's image in its registry."""

    def __init__(self, server: RealClary, engine: Machine) -> None:
        self.server = server
        self.engine = engine
        self.host = f"127.0.0.1:{server.port}"
        self.account: str = server.client("sts").get_caller_identity()["Account"]
        iam = server.client("iam")
        self.role: str = iam.create_role(RoleName="job", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
            iam.attach_role_policy(RoleName="job", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        s3 = server.client("s3")
        s3.create_bucket(Bucket="data")
        s3.put_object(Bucket="data", Key="train/numbers.csv", Body=b"1\n2\n3\n")

    def client(self, name: str) -> Any:
        return self.server.client(name)

    def run(self, *line: str, said: str = "") -> str:
        """What the program printed; Podman's own world around it."""
        done = subprocess.run(
            [str(self.engine.enter), *line], input=said, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, directory: Path, name: str) -> None:
        """The image of that directory is in the registry, as `docker build` and `docker push` do it."""
        token = self.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        keys = f"--authfile={directory / 'auth.json'}"
        login = ("podman", "login", "--tls-verify=false", keys, "-u", user, "--password-stdin", self.host)
        self.run(*login, said=password)
        self.run("podman", "build", "-t", f"{self.host}/{name}", str(directory))
        self.run("podman", "push", "--tls-verify=false", keys, f"{self.host}/{name}")

    def train(self, name: str, image: str, **more: Any) -> dict[str, Any]:
        """The training job of that image, once it has ended."""
        self.begin(name, image, **more)
        return self.trained(name)

    def begin(self, name: str, image: str, **more: Any) -> None:
        sagemaker = self.client("sagemaker")
        metric = {"Name": "mean", "Regex": "mean=([0-9.]+);"}
        source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}
        asked = {
            "AlgorithmSpecification": {
                "TrainingImage": image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [metric],
                **more.pop("AlgorithmSpecification", {}),
            },
            "HyperParameters": {"shift": "0"},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "RoleArn": self.role,
            **more,
        }
        sagemaker.create_training_job(TrainingJobName=name, **asked)

    def trained(self, name: str) -> dict[str, Any]:
        sagemaker = self.client("sagemaker")

        def ended() -> Any:
            job = sagemaker.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        found: dict[str, Any] = until(ended, SECONDS, f"{name} has ended")
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    engine = machine()
    server = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_CONTAINER_ENGINE", engine.address)
        server.up()
        try:
            made = World(server, engine)
            directory = tmp_path_factory.mktemp("image")
            for name, text in (("train", TRAIN), ("serve", SERVE)):
                (directory / name).write_text(text)
                (directory / name).chmod(0o755)
            (directory / "Dockerfile").write_text(f"FROM {engine.image}\nCOPY train serve /usr/local/bin/\n")
            made.client("ecr").create_repository(repositoryName="team/mean")
            made.push(directory, "team/mean:1")
            yield made
            # Nothing of ours is left in the engine that others may use too.
            with contextlib.suppress(AssertionError):
                made.run("podman", "rmi", "--force", f"{made.host}/team/mean:1")
        finally:
            server.sweep()


@pytest.fixture
def image(world: World) -> str:
    return f"{world.account}.dkr.ecr.us-east-1.amazonaws.com/team/mean:1"


def test_what_was_pushed_is_described_and_copied(world: World, tmp_path: Path) -> None:
    detail = world.client("ecr").describe_images(repositoryName="team/mean")["imageDetails"][0]
    assert detail["imageTags"] == ["1"] and detail["imageSizeInBytes"] > 1_000_000
    token = world.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    login = base64.b64decode(token).decode()
    source = f"docker://{world.host}/team/mean:1"
    world.run("skopeo", "copy", "--src-tls-verify=false", "--src-creds", login, source, f"dir:{tmp_path}")
    assert json.loads((tmp_path / "manifest.json").read_text())["schemaVersion"] == 2


def test_an_own_image_trains_processes_and_serves(world: World, image: str) -> None:
    job = world.train("whole", image)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["FinalMetricDataList"][0]["Value"] == 2.0
    sagemaker = world.client("sagemaker")
    model = {"Image": image, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="mean", ExecutionRoleArn=world.role, PrimaryContainer=model)
    variant = {"VariantName": "all", "ModelName": "mean", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="mean", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="mean", EndpointConfigName="mean")

    def ready() -> Any:
        found = sagemaker.describe_endpoint(EndpointName="mean")
        assert found["EndpointStatus"] in ("Creating", "InService"), found.get("FailureReason")
        return found["EndpointStatus"] == "InService"

    until(ready, SECONDS, "the endpoint is in service")
    answer = world.client("sagemaker-runtime").invoke_endpoint(EndpointName="mean", Body=b"5")
    assert answer["Body"].read() == b"3.0"
    sagemaker.delete_endpoint(EndpointName="mean")


def test_an_own_image_processes_with_an_entry_point(world: World) -> None:
    sagemaker = world.client("sagemaker")
    taken = {"S3Uri": "s3://data/train/", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix"}
    given = {"S3Uri": "s3://data/sorted", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName="reverse",
        RoleArn=world.role,
        AppSpecification={
            "ImageUri": f"localhost:{world.server.port}/team/mean:1",
            "ContainerEntrypoint": ["/bin/sh", "-c"],
            "ContainerArguments": ["sort -r /opt/ml/processing/in/numbers.csv > /opt/ml/processing/out/r.csv"],
        },
        ProcessingInputs=[{"InputName": "in", "S3Input": {**taken, "S3InputMode": "File"}}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": given}]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )

    def ended() -> Any:
        job = sagemaker.describe_processing_job(ProcessingJobName="reverse")
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    job = until(ended, SECONDS, "the job has ended")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert world.client("s3").get_object(Bucket="data", Key="sorted/r.csv")["Body"].read() == b"3\n2\n1\n"


def test_an_own_image_answers_a_batch(world: World, image: str) -> None:
    sagemaker = world.client("sagemaker")
    job = world.train("for-batch", image)
    model = {"Image": image, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="batch", ExecutionRoleArn=world.role, PrimaryContainer=model)
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}
    sagemaker.create_transform_job(
        TransformJobName="batch",
        ModelName="batch",
        TransformInput={"DataSource": {"S3DataSource": source}, "SplitType": "Line", "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": "s3://data/batch", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        BatchStrategy="SingleRecord",
    )

    def ended() -> Any:
        found = sagemaker.describe_transform_job(TransformJobName="batch")
        return found if found["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found = until(ended, SECONDS, "the batch has ended")
    assert found["TransformJobStatus"] == "Completed", found.get("FailureReason")
    body = world.client("s3").get_object(Bucket="data", Key="batch/numbers.csv.out")["Body"].read()
    assert body == b"-1.0\n0.0\n1.0\n"


def test_an_image_that_fails_says_so_with_its_last_lines(world: World, image: str) -> None:
    entry = {"ContainerEntrypoint": ["python3", "-c", "raise SystemExit('no luck')"]}
    job = world.train("fails", image, AlgorithmSpecification=entry)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ") and "no luck" in job["FailureReason"]


def test_an_image_that_nobody_has_is_told_what_to_push(world: World) -> None:
    job = world.train("nobody", f"{world.account}.dkr.ecr.us-east-1.amazonaws.com/none:7")
    assert job["FailureReason"].startswith("ClientError: ")
    assert f"docker push {world.host}/none:7" in job["FailureReason"]


def test_a_role_that_may_not_pull_is_told_so(world: World, image: str) -> None:
    iam = world.client("iam")
    role = iam.create_role(RoleName="poor", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="poor", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    job = world.train("poor", image, RoleArn=role)
    assert job["TrainingJobStatus"] == "Failed" and "ecr:BatchGetImage" in job["FailureReason"]


def test_a_job_in_a_container_outlives_a_killed_server(world: World, image: str) -> None:
    waits = "until [ -e /opt/ml/model/go ]; do sleep 0.1; done; echo 'mean=7;'"
    entry = {"ContainerEntrypoint": ["/bin/sh", "-c", waits]}
    runs = world.server.home / "runs"

    def running() -> Any:
        return [one for one in runs.glob("*/container") if (one.parent / "started").exists()]

    world.begin("outlives", image, AlgorithmSpecification=entry)
    run = until(running, SECONDS, "the container runs")[0].parent
    world.server.kill()
    (run / "ml" / "model" / "go").write_text("")
    world.server.up()
    job = world.trained("outlives")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["FinalMetricDataList"][0]["Value"] == 7.0
