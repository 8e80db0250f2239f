"""Versions of model package groups, as the public operations tell of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from clary.cli.registry.wire import Wire
from clary.cli.say import fail
from clary.numbers import numbers
from clary.program import program

APPROVED = "Approved"
PENDING = "PendingManualApproval"
STAGES = ("staging", "production")
TAG = "clary:model-package"
"""The tag of an endpoint and of its configuration that names what it serves."""


@dataclass(frozen=True)
class Served:
    """What an endpoint serves now."""

    endpoint: str
    status: str
    config: str
    package: str | None
    """The ARN of the package; None: its model is not of the registry."""
    described: Mapping[str, Any] = field(repr=False)

    @property
    def version(self) -> str | None:
        return self.package.rpartition("/")[2] if self.package else None


def named(wire: Wire, said: str) -> dict[str, Any]:
    """The package of "GROUP:VERSION", "GROUP/VERSION", "GROUP:ALIAS" or an ARN. Ends the command when there is none."""
    if said.startswith("arn:"):
        return describe(wire, said)
    group, mark, version = said.partition("/" if "/" in said else ":")
    if not mark or not version:
        fail(f"{said!r} names no version", f"write {said.rstrip(':/')}:VERSION; there are: {program()} models {group}")
    return of_group(wire, group, version)


def of_group(wire: Wire, group: str, version: str) -> dict[str, Any]:
    """The group's version of that number or alias. Ends the command when there is none."""
    if not version.isdigit():
        found = aliases(wire, group)
        if version not in found:
            known = ", ".join(found) or "no aliases"
            fail(f"no version of {group} is called {version!r} ({known})", f"look: {program()} models {group}")
        version = found[version]
    return describe(wire, f"{group}/{version}")


def describe(wire: Wire, said: str) -> dict[str, Any]:
    found: dict[str, Any] = wire.client("sagemaker").describe_model_package(ModelPackageName=said)
    return found


def aliases(wire: Wire, group: str) -> dict[str, str]:
    """{"champion": "3"}."""
    sagemaker = wire.client("sagemaker")
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {one["Key"].removeprefix("alias:"): one["Value"] for one in tags if one["Key"].startswith("alias:")}


def newest(wire: Wire, group: str, status: str) -> dict[str, Any] | None:
    """The group's newest version in that status."""
    summaries = wire.client("sagemaker").list_model_packages(
        ModelPackageGroupName=group,
        ModelApprovalStatus=status,
        SortBy="CreationTime",
        SortOrder="Descending",
        MaxResults=1,
    )["ModelPackageSummaryList"]
    return describe(wire, summaries[0]["ModelPackageArn"]) if summaries else None


def metrics(wire: Wire, package: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of the version's ModelQuality statistics, by path; {} where it has none, or they may not be read."""
    from botocore.exceptions import ClientError

    source = ((package.get("ModelMetrics") or {}).get("ModelQuality") or {}).get("Statistics")
    if not source:
        return {}
    bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
    try:
        body = wire.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return numbers(orjson.loads(body))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("AccessDenied", "NoSuchKey", "NoSuchBucket"):
            return {}
        raise
    except orjson.JSONDecodeError:
        return {}


def short(names: list[str]) -> dict[str, str]:
    """Each path by as few of its last words as tell it from the others: "mse" for regression_metrics.mse.value."""
    plain = {name: name.removesuffix(".value").split(".") for name in names}
    found = {}
    for name, words in plain.items():
        for count in range(1, len(words) + 1):
            told = words[-count:]
            if sum(other[-count:] == told for other in plain.values()) == 1:
                break
        found[name] = ".".join(told)
    return found


def served(wire: Wire, endpoint: str) -> Served | None:
    """What the endpoint serves; None: there is none of that name."""
    from botocore.exceptions import ClientError

    sagemaker = wire.client("sagemaker")
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" in error.response["Error"]["Message"]:
            return None
        raise
    config = described["EndpointConfigName"]
    return Served(endpoint, described["EndpointStatus"], config, _package(wire, described, config), described)


def _package(wire: Wire, endpoint: Mapping[str, Any], config: str) -> str | None:
    """By way of the configuration and its model; the endpoint's tag where one of the two is gone."""
    from botocore.exceptions import ClientError

    sagemaker = wire.client("sagemaker")
    try:
        variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        model = sagemaker.describe_model(ModelName=variants[0]["ModelName"])
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
        tags = sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
        return next((one["Value"] for one in tags if one["Key"] == TAG), None)
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    said: str | None = containers[0].get("ModelPackageName")
    if said and not said.startswith("arn:"):
        return str(describe(wire, said)["ModelPackageArn"])
    return said
