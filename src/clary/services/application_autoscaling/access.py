"""What Application Auto Scaling asks of the policies. A target is asked for by its ARN where there is one, else by all
that could be; lists ask for "*"."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks, Given
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.application_autoscaling import tagged
from clary.services.application_autoscaling.api import TARGET, service, target_name

_PREFIX: Final = "application-autoscaling:"
_TAGGING: Final = ("ListTagsForResource", "TagResource", "UntagResource")


def _arn(ctx: Context, req: Doc) -> str:
    if "ResourceARN" in req:
        return str(req["ResourceARN"])
    try:
        return ctx.store.get(ctx.account, ctx.region, TARGET, target_name(req)).arn
    except Missing:
        return ctx.arn("application-autoscaling", "scalable-target/*")


def _of(operation: str) -> Asks:
    lists = operation.startswith("Describe")

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        keys: dict[str, Given] = {}
        if "ServiceNamespace" in req:
            keys[f"{_PREFIX}service-namespace"] = req["ServiceNamespace"]
        if "ScalableDimension" in req:
            keys[f"{_PREFIX}scalable-dimension"] = req["ScalableDimension"]
        if lists:
            return [Ask(f"{_PREFIX}{operation}", "*", keys)]
        arn = _arn(ctx, req)
        tags = _wanted(req)
        found = [Ask(f"{_PREFIX}{operation}", arn, keys, tags, lambda: tagged.of_arn(ctx, arn))]
        if tags and operation not in _TAGGING:
            found.append(Ask(f"{_PREFIX}TagResource", arn, {}, tags, lambda: tagged.of_arn(ctx, arn)))
        return found

    return asks


def _wanted(req: Doc) -> Mapping[str, str] | None:
    return req.get("Tags") or dict.fromkeys(req.get("TagKeys", ()), "") or None


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation, _of(operation))
