"""What an endpoint serves: its containers, and the model package that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clary.cli.registry.wire import Wire


@dataclass(frozen=True, slots=True)
class Served:
    """The first production variant of an endpoint."""

    arn: str
    status: str
    containers: tuple[Mapping[str, Any], ...] = ()
    """As CreateModel takes them; of a package, those of its inference specification."""
    package: Mapping[str, Any] | None = None
    """As DescribeModelPackage tells it; None: the model is not of the registry."""


def served(wire: Wire, endpoint: str) -> Served | None:
    """None: there is no such endpoint. What was deleted meanwhile is passed over."""
    sagemaker = wire.client("sagemaker")
    found = _found(lambda: sagemaker.describe_endpoint(EndpointName=endpoint))
    if found is None:
        return None
    known = Served(found["EndpointArn"], found["EndpointStatus"])
    config = _found(lambda: sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"]))
    named = config and config["ProductionVariants"][0].get("ModelName")
    model = _found(lambda: sagemaker.describe_model(ModelName=named)) if named else None
    if model is None:
        return known
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    arn = next((one["ModelPackageName"] for one in containers if one.get("ModelPackageName")), None)
    package = _found(lambda: sagemaker.describe_model_package(ModelPackageName=arn)) if arn else None
    if package is not None:
        containers = package.get("InferenceSpecification", {}).get("Containers", [])
    return Served(known.arn, known.status, tuple(containers), package)


def _found(read: Any) -> Any:
    """What `read` answers; None: SageMaker could not find it."""
    from botocore.exceptions import ClientError

    try:
        return read()
    except ClientError as error:
        said = error.response["Error"]
        missing = said["Message"].startswith("Could not find") or "does not exist" in said["Message"]
        if said["Code"] in ("ValidationException", "ResourceNotFound") and missing:
            return None
        raise
