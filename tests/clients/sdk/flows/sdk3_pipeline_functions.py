"""sagemaker 3.x: a pipeline of plain functions (@step), with a condition on what one of them returned."""

import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.workflow.conditions import ConditionGreaterThan
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.pipeline import Pipeline

session = Session()
role = get_execution_role()
image = "081325390199.dkr.ecr.us-east-1.amazonaws.com/sagemaker-base-python-310:1.0"
common = {"instance_type": "ml.m5.large", "image_uri": image, "role": role}
factor = ParameterInteger("Factor", default_value=2)


@step(name="Prepare", **common)
def prepare(factor):
    return {"values": [factor * one for one in (1, 2, 3)], "unit": "m"}


@step(name="Total", **common)
def total(values, unit):
    print("adding", values, unit)
    return sum(values)


prepared = prepare(factor)
added = total(prepared["values"], prepared["unit"])
check = ConditionStep(
    name="Check",
    conditions=[ConditionGreaterThan(left=added, right=10)],
    if_steps=[],
    else_steps=[FailStep(name="TooLittle", error_message="too little")],
)
pipeline = Pipeline("Functions3", parameters=[factor], steps=[check], sagemaker_session=session)
pipeline.upsert(role_arn=role)
execution = pipeline.start()
try:
    execution.wait(delay=1, max_attempts=300)
except Exception:
    print(json.dumps([execution.list_steps(), execution.describe()], default=str), file=sys.stderr)
    raise
steps = {one["StepName"]: one for one in execution.list_steps()}
job = boto3.client("sagemaker").describe_training_job(
    TrainingJobName=steps["Total"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
)
print(
    json.dumps(
        {
            "steps": {name: one["StepStatus"] for name, one in steps.items()},
            "outcome": steps["Check"]["Metadata"]["Condition"]["Outcome"],
            "total": execution.result("Total"),
            "image": job["AlgorithmSpecification"]["TrainingImage"],
        }
    )
)
