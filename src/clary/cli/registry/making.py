"""What a deployment is made of: a model of the package, a configuration, and an endpoint to try it on."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clary.cli.demo.stage import Line
from clary.cli.registry import versions
from clary.cli.registry.versions import Served
from clary.cli.registry.waiting import until_gone, until_serving
from clary.cli.registry.wire import Wire
from clary.cli.say import err, fail

if TYPE_CHECKING:
    from clary.cli.registry.deploying import Asked

PREVIOUS: Final = "clary:previous-config"
"""The tag of a configuration that names the one before it."""
VARIANT: Final = "AllTraffic"
INSTANCE_TYPE: Final = "ml.m5.large"
_TRUSTED: Final = "sagemaker.amazonaws.com"


@dataclass(frozen=True)
class Made:
    model: str
    config: str
    keeps_counts: bool
    """The variant stands under the same name in what is served now: its instances can stay as many."""


def configuration(wire: Wire, asked: "Asked", package: Mapping[str, Any], now: Served | None) -> Made:
    """There is a model of the package, and a configuration that serves it."""
    sagemaker = wire.client("sagemaker")
    before = _before(wire, now)
    arn = package["ModelPackageArn"]
    stem = f"{asked.endpoint_name[:40]}-v{package['ModelPackageVersion']}-{_stamp()}"
    own = tags(arn, asked.group, now.config if now else None)
    role = _role(wire, asked, package, before)
    sagemaker.create_model(
        ModelName=stem, ExecutionRoleArn=role, Containers=[{"ModelPackageName": arn}], Tags=tags(arn, asked.group, None)
    )
    variants = (before or {}).get("ProductionVariants") or []
    variant = variants[0] if len(variants) == 1 else {}
    name = variant.get("VariantName", VARIANT)
    supported = (package.get("InferenceSpecification") or {}).get("SupportedRealtimeInferenceInstanceTypes") or []
    shape = {
        "InitialInstanceCount": asked.instances or variant.get("InitialInstanceCount", 1),
        "InstanceType": asked.instance_type or variant.get("InstanceType") or next(iter(supported), INSTANCE_TYPE),
    }
    kept = {one: before[one] for one in ("DataCaptureConfig",) if before and before.get(one)}
    sagemaker.create_endpoint_config(
        EndpointConfigName=stem,
        ProductionVariants=[{"VariantName": name, "ModelName": stem, "InitialVariantWeight": 1.0, **shape}],
        Tags=own,
        **kept,
    )
    return Made(stem, stem, keeps_counts=bool(variant.get("InstanceType")) and not asked.instance_type)


@contextmanager
def candidate(wire: Wire, name: str, made: Made, line: Line) -> Iterator[None]:
    """Inside, one instance of the new model serves at an endpoint of its own; it is gone afterwards."""
    sagemaker = wire.client("sagemaker")
    config = f"{made.config[:57]}-smoke"
    sagemaker.create_endpoint_config(
        EndpointConfigName=config,
        ProductionVariants=[
            {
                "VariantName": VARIANT,
                "ModelName": made.model,
                "InitialInstanceCount": 1,
                "InstanceType": INSTANCE_TYPE,
                "InitialVariantWeight": 1.0,
            }
        ],
    )
    try:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        try:
            until_serving(wire, name, config, line, 0)
            yield
        finally:
            sagemaker.delete_endpoint(EndpointName=name)
            until_gone(wire, name)
    finally:
        sagemaker.delete_endpoint_config(EndpointConfigName=config)


def tags(arn: str, group: str, previous: str | None) -> list[dict[str, str]]:
    """What the resources of a deployment say of it."""
    said = {versions.TAG: arn, "clary:model-package-group": group, **({PREVIOUS: previous} if previous else {})}
    return [{"Key": key, "Value": value} for key, value in said.items()]


def _before(wire: Wire, now: Served | None) -> dict[str, Any] | None:
    """The configuration that is served now; None: there is none, or it was deleted."""
    from botocore.exceptions import ClientError

    if now is None:
        return None
    try:
        found: dict[str, Any] = wire.client("sagemaker").describe_endpoint_config(EndpointConfigName=now.config)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
    return found


def _role(wire: Wire, asked: "Asked", package: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """The role that the model acts as: named, or that of the model that serves here, or in staging, or of the training
    job that made it, or the only one there is. Ends the command when it cannot be told."""
    if asked.role:
        named: str = asked.role
        return named if named.startswith("arn:") else str(wire.client("iam").get_role(RoleName=named)["Role"]["Arn"])
    staging = versions.served(wire, f"{asked.group}-staging")
    found = _role_of(wire, before) or _role_of(wire, _before(wire, staging)) or _role_of_job(wire, package)
    if found:
        return found
    roles = [one for one in _roles(wire) if _TRUSTED in str(one["AssumeRolePolicyDocument"])]
    if len(roles) == 1:
        err.print(f"the model acts as {roles[0]['RoleName']}, the only role that SageMaker may assume", markup=False)
        return str(roles[0]["Arn"])
    names = ", ".join(one["RoleName"] for one in roles) or "there is none that SageMaker may assume"
    fail("which role shall the model act as? It must be allowed to read its data", f"name it with --role ({names})")


def _role_of(wire: Wire, config: Mapping[str, Any] | None) -> str | None:
    from botocore.exceptions import ClientError

    if not config:
        return None
    try:
        model = wire.client("sagemaker").describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
    role: str | None = model.get("ExecutionRoleArn")
    return role


def _role_of_job(wire: Wire, package: Mapping[str, Any]) -> str | None:
    from clary.cli.registry.comparing import training_job

    job = training_job(wire, package)
    return str(job["RoleArn"]) if job else None


def _roles(wire: Wire) -> list[dict[str, Any]]:
    return [one for page in wire.client("iam").get_paginator("list_roles").paginate() for one in page["Roles"]]


def _stamp() -> str:
    """Short, and later ones are greater: what makes the names of one version's deployments different."""
    return f"{int(time.time() * 1000):x}"[-9:]
