"""What a demonstration of a pipeline made is removed again."""

import time
from collections.abc import Callable
from typing import Any

from clary.cli.demo.shared import (
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    DemoFailed,
    remove_bucket_and_role,
    unless_missing,
    until_endpoint_is_gone,
)
from clary.cli.demo.stage import Line


def stop_executions(line: Line, sagemaker: Any, pipeline: str) -> None:
    """None of the pipeline's executions goes on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    asked: set[str] = set()
    while going := _going(sagemaker, pipeline):
        for arn in going - asked:
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        asked |= going
        line.say("executions are being stopped")
        if time.monotonic() > deadline:
            raise DemoFailed(f"an execution of {pipeline} did not stop within {PATIENCE_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)


def clear(line: Line, client: Callable[[str], Any], own: str, endpoint: str) -> None:
    """The endpoint, its models and configurations, the versions, the pipeline, the bucket and the role are gone."""
    sagemaker = client("sagemaker")
    unless_missing(sagemaker.delete_endpoint, {"EndpointName": endpoint})
    for one in sagemaker.list_endpoint_configs(NameContains=own)["EndpointConfigs"]:
        unless_missing(sagemaker.delete_endpoint_config, {"EndpointConfigName": one["EndpointConfigName"]})
    for one in sagemaker.list_models(NameContains=own)["Models"]:
        unless_missing(sagemaker.delete_model, {"ModelName": one["ModelName"]})
    until_endpoint_is_gone(line, sagemaker, endpoint)
    unless_missing(_delete_group, {"sagemaker": sagemaker, "group": own})
    unless_missing(sagemaker.delete_pipeline, {"PipelineName": own})
    iam = client("iam")
    unless_missing(_detach, {"iam": iam, "role": own})
    remove_bucket_and_role(client("s3"), own, iam, own)


def _going(sagemaker: Any, pipeline: str) -> set[str]:
    found: list[Any] = []
    unless_missing(
        lambda **which: found.extend(sagemaker.list_pipeline_executions(**which)["PipelineExecutionSummaries"]),
        {"PipelineName": pipeline},
    )
    return {one["PipelineExecutionArn"] for one in found if one["PipelineExecutionStatus"] in ("Executing", "Stopping")}


def _delete_group(sagemaker: Any, group: str) -> None:
    for one in sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
        unless_missing(sagemaker.delete_model_package, {"ModelPackageName": one["ModelPackageArn"]})
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)


def _detach(iam: Any, role: str) -> None:
    for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        unless_missing(iam.detach_role_policy, {"RoleName": role, "PolicyArn": one["PolicyArn"]})
