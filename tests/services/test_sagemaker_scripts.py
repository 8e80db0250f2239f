"""Script mode over everything that is real: a server, sandboxes, pip, and wheels that only this machine has."""

import io
import itertools
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real import RealClary, until
from tests.wheels import write_wheel

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3"
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
TRAIN = """
import argparse, json, os, sys, tinything
parser = argparse.ArgumentParser()
parser.add_argument("--times", type=int)
print("value", tinything.VALUE * parser.parse_args().times, os.environ["SM_HPS"], flush=True)
with open(os.path.join(os.environ["SM_MODEL_DIR"], "factor.json"), "w") as file:
    json.dump(tinything.VALUE, file)
"""
INFERENCE = """
import json, os, tinything

def model_fn(model_dir):
    assert tinything.VALUE == 42
    with open(os.path.join(model_dir, "factor.json")) as file:
        return json.load(file)

def predict_fn(data, model):
    return data * model
"""
names = map("job-{}".format, itertools.count())


class Place:
    """A server, a role and a bucket."""

    def __init__(self, server: RealClary) -> None:
        self.server = server
        self.role = server.role("scripts")
        self.sagemaker, self.s3, self.logs = (server.client(name) for name in ("sagemaker", "s3", "logs"))
        self.s3.create_bucket(Bucket="lake")

    def start(self, image: str = SKLEARN, requirements: str = "tinything==1.0\n", **algorithm: Any) -> str:
        """The name of a training job that has been asked for."""
        name = next(names)
        source = tar({"train.py": TRAIN, "inference.py": INFERENCE, "requirements.txt": requirements})
        self.s3.put_object(Bucket="lake", Key=f"{name}/sourcedir.tar.gz", Body=source)
        given = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://lake/{name}/sourcedir.tar.gz",
            "times": 2,
        }
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=self.role,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File", **algorithm},
            HyperParameters={key: json.dumps(value) for key, value in given.items()},
            OutputDataConfig={"S3OutputPath": "s3://lake/models"},
            ResourceConfig=CLUSTER,
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        return name

    def ended(self, name: str) -> tuple[dict[str, Any], str]:
        """What became of the job, and all its lines."""

        def look() -> Any:
            said = self.sagemaker.describe_training_job(TrainingJobName=name)
            return said if said["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        said: dict[str, Any] = until(look, 120.0, f"{name} to end")
        group = "/aws/sagemaker/TrainingJobs"
        lines = []
        for stream in self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]:
            events = self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )
            lines += [event["message"] for event in events["events"]]
        return said, "\n".join(lines)


def tar(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose pip knows one wheel, and no index."""
    wheels = tmp_path_factory.mktemp("wheels")
    write_wheel(wheels)
    server = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PIP_FIND_LINKS", str(wheels))
        patched.setenv("PIP_NO_INDEX", "1")
        server.up()
        yield Place(server)
        server.sweep()


def test_an_installation_that_a_power_cut_ends_leaves_nothing_and_is_begun_anew(place: Place) -> None:
    server = place.server
    before = environments(server.home)
    name = place.start(requirements="# of its own\ntinything==1.0\n")
    until(lambda: list(server.home.glob("runs/packages-*/ml/environment/bin")), 60.0, "pip to begin")
    server.kill()
    server.kill_left_behind()
    assert environments(server.home) == before
    server.up()
    said, lines = place.ended(name)
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert 'value 84 {"times":2}' in lines
    assert len(environments(server.home) - before) == 1


def environments(home: Path) -> set[str]:
    """The environments of requirements that are there."""
    root = home / "environments"
    found = {one.name for one in root.iterdir()} if root.is_dir() else set()
    return {one for one in found if one != "uses" and not one.startswith("base-")}


def test_a_second_job_and_an_endpoint_find_the_packages(place: Place) -> None:
    place.ended(place.start())
    name = place.start()
    said, lines = place.ended(name)
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert "value 84" in lines and "Installing" not in lines
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": said["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://lake/{name}/sourcedir.tar.gz",
        },
    }
    client = place.sagemaker
    client.create_model(ModelName=name, ExecutionRoleArn=place.role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def in_service() -> Any:
        described = client.describe_endpoint(EndpointName=name)
        assert described["EndpointStatus"] != "Failed", described["FailureReason"]
        return described["EndpointStatus"] == "InService"

    until(in_service, 120.0, "the endpoint to come into service")
    runtime = place.server.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"1,2\n", ContentType="text/csv", Accept="text/csv")
    assert answer["Body"].read() == b"42.0,84.0\n"
    with pytest.raises(runtime.exceptions.ModelError) as error:
        runtime.invoke_endpoint(EndpointName=name, Body=b"x", ContentType="image/png")
    assert error.value.response["OriginalStatusCode"] == 415
    client.delete_endpoint(EndpointName=name)


def test_packages_that_are_nowhere_fail_the_job_with_pips_words(place: Place) -> None:
    said, lines = place.ended(place.start(requirements="no-such-package==7\n"))
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("ClientError: the packages of requirements.txt could not be installed.")
    assert "No matching distribution found for no-such-package==7" in said["FailureReason"]
    assert "No matching distribution" in lines


def test_a_command_may_install_for_itself(place: Place) -> None:
    """As the drivers of SDK 3 and runproc.sh do."""
    words = (
        "set -e; python3 -c 'import tinything' 2>/dev/null && exit 9; pip install tinything; "
        "python3 -c 'import tinything, numpy; print(tinything.__file__)'; command -v python3 pip3"
    )
    place.sagemaker.create_processing_job(
        ProcessingJobName="installs",
        RoleArn=place.role,
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["/bin/bash", "-c", words]},
        ProcessingResources={"ClusterConfig": CLUSTER},
    )
    said, lines = place.ended(
        place.start(requirements="", ContainerEntrypoint=["/bin/bash"], ContainerArguments=["-c", words])
    )
    assert said["TrainingJobStatus"] == "Completed", said.get("FailureReason")
    assert "/opt/ml/packages/" in lines

    def processed() -> Any:
        found = place.sagemaker.describe_processing_job(ProcessingJobName="installs")
        return found if found["ProcessingJobStatus"] != "InProgress" else None

    found = until(processed, 120.0, "the processing job to end")
    assert found["ProcessingJobStatus"] == "Completed", found.get("FailureReason")


def test_the_end_of_a_program_is_the_end_of_its_job(place: Place) -> None:
    said, _ = place.ended(place.start(image=f"{REGISTRY}/sagemaker-xgboost:1.7-1", requirements="tinything\n./x\n"))
    assert said["FailureReason"].startswith("ClientError: ")
    place.s3.put_object(Bucket="lake", Key="bad.tar.gz", Body=tar({"train.py": "raise KeyError('no column')\n"}))
    place.sagemaker.create_training_job(
        TrainingJobName="bad",
        RoleArn=place.role,
        AlgorithmSpecification={"TrainingImage": SKLEARN, "TrainingInputMode": "File"},
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://lake/bad.tar.gz"},
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig=CLUSTER,
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    said, lines = place.ended("bad")
    assert said["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ")
    assert "KeyError: 'no column'" in said["FailureReason"] and "KeyError: 'no column'" in lines
