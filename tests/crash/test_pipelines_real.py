"""A real server, killed in the middle of an execution: its jobs run on, and it goes on with the next steps."""

import json
from typing import Any

import pytest

from tests.pipelines_house import definition
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN

CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
NAMES = ("one", "two", "three", "four")


def step(role: str, name: str, *after: str) -> dict[str, Any]:
    said = {
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(0.3)"],
        },
        "ProcessingResources": {"ClusterConfig": CLUSTER},
    }
    return {"Name": name, "Type": "Processing", "Arguments": said, **({"DependsOn": list(after)} if after else {})}


@pytest.mark.slow
@pytest.mark.server
def test_an_execution_outlives_its_server(own_server: RealClary) -> None:
    own_server.up()
    sagemaker = own_server.client("sagemaker")
    role = own_server.role("job")
    own_server.client("iam").attach_role_policy(RoleName="job", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    steps = [step(role, name, *NAMES[max(0, at - 1) : at]) for at, name in enumerate(NAMES)]
    text = json.dumps(definition(*steps))
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=role)
    arn = sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    for name in NAMES[:3]:
        until(lambda name=name: name in statuses(sagemaker, arn), 60.0, f"the step {name} begins")
        own_server.kill()
        own_server.up()

    def ended() -> str | None:
        said: str = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        return None if said == "Executing" else said

    assert until(ended, 120.0, "the execution ends") == "Succeeded"
    assert statuses(sagemaker, arn) == dict.fromkeys(NAMES, "Succeeded")
    jobs = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert [one["ProcessingJobStatus"] for one in jobs] == ["Completed"] * len(NAMES)


def statuses(sagemaker: Any, arn: str) -> dict[str, str]:
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return {one["StepName"]: one["StepStatus"] for one in listed}
