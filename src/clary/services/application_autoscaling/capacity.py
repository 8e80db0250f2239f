"""The capacity of a variant, as SageMaker tells it and as SageMaker is asked for it: by the public operations alone."""

from dataclasses import dataclass
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.application_autoscaling.api import PROVISIONED, variant_of

_BUSY: Final = ("Creating", "Updating", "SystemUpdating", "RollingBack")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is true of a variant now."""

    status: str
    """EndpointStatus."""
    desired: int
    asynchronous: bool
    serverless: bool
    """It has no instances that could be counted."""
    why: str
    """FailureReason."""

    @property
    def busy(self) -> bool:
        """It is being changed, and takes no other change until that is over."""
        return self.status in _BUSY

    @property
    def active(self) -> bool:
        """It can be asked for another capacity."""
        return self.status == "InService"


class NoVariant(Exception):
    """No such endpoint, or it has no such variant: the message says which."""


async def look(ctx: Context, resource_id: str, dimension: str) -> Capacity:
    """Raises NoVariant; ServiceError, for example when the caller may not look."""
    endpoint, name = variant_of(resource_id)
    try:
        said = await ctx.call("sagemaker", "DescribeEndpoint", {"EndpointName": endpoint})
    except ServiceError as error:
        if error.error_code == "ValidationException":  # SageMaker's word for what is not there
            raise NoVariant(error.message) from None
        raise
    variants = {one["VariantName"]: one for one in said.get("ProductionVariants", ())}
    variant = variants.get(name)
    phase = said["EndpointStatus"]
    if variant is None:
        if phase not in ("Creating", "Failed"):
            raise NoVariant(f'Could not find variant "{name}" of endpoint "{said["EndpointArn"]}".')
        variant = {}
    serverless = "CurrentServerlessConfig" in variant or "DesiredServerlessConfig" in variant
    desired = _provisioned(variant) if dimension == PROVISIONED else int(variant.get("DesiredInstanceCount", 0))
    return Capacity(phase, desired, "AsyncInferenceConfig" in said, serverless, said.get("FailureReason", ""))


def _provisioned(variant: Doc) -> int:
    config: Doc = variant.get("DesiredServerlessConfig") or variant.get("CurrentServerlessConfig") or {}
    return int(config.get("ProvisionedConcurrency", 0))


async def ask(ctx: Context, resource_id: str, dimension: str, wanted: int) -> None:
    """The variant is asked for that capacity; asked again for the same, it is no other. Raises ServiceError."""
    endpoint, name = variant_of(resource_id)
    change: Doc = {"VariantName": name}
    if dimension == PROVISIONED:
        said = await ctx.call("sagemaker", "DescribeEndpoint", {"EndpointName": endpoint})
        [variant] = [one for one in said["ProductionVariants"] if one["VariantName"] == name]
        now: Doc = variant.get("DesiredServerlessConfig") or variant.get("CurrentServerlessConfig") or {}
        change["ServerlessUpdateConfig"] = {
            "MaxConcurrency": max(int(now.get("MaxConcurrency", wanted)), wanted),
            "ProvisionedConcurrency": wanted,
        }
    else:
        change["DesiredInstanceCount"] = wanted
    params = {"EndpointName": endpoint, "DesiredWeightsAndCapacities": [change]}
    await ctx.call("sagemaker", "UpdateEndpointWeightsAndCapacities", params)
