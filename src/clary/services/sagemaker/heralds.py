"""What happens to SageMaker's resources, as Amazon EventBridge tells it: what Describe would answer, with times in
milliseconds and tags as a map. A new kind is one line in HERALDS.

Tags are those that the resource was made with.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.aws.heralds import Herald, envelope, seconds
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event
from clary.services.sagemaker import cards, endpoint_configs, endpoints, models, processing, training, transform, tuning
from clary.services.sagemaker.cards import searched as card_searched
from clary.services.sagemaker.endpoints.describing import described as endpoint_described
from clary.services.sagemaker.pipelines import heralds as pipeline_heralds
from clary.services.sagemaker.processing.operations import described as processing_described
from clary.services.sagemaker.registry.names import PACKAGE
from clary.services.sagemaker.registry.packages import TOUCHED
from clary.services.sagemaker.registry.packages import described as package_described
from clary.services.sagemaker.training.operations import described as training_described
from clary.services.sagemaker.transform.operations import described as transform_described
from clary.services.sagemaker.tuning.operations import described as tuning_described

SOURCE: Final = "aws.sagemaker"
_DEPLOYING: Final = frozenset({"Updating", "SystemUpdating", "RollingBack"})
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _state_change(detail_type: str, detail_of: Callable[[Resource], Doc], types: frozenset[str]) -> Herald:
    """Tells lines of these types."""

    def tell(event: Event) -> Sequence[Doc]:
        if event.type not in types:
            return ()
        return [envelope(event, SOURCE, detail_type, _detail(event, detail_of), [event.resource["arn"]])]

    return tell


def _endpoint(event: Event) -> Sequence[Doc]:
    """A change of the endpoint, and while another deployment takes its place, of the deployment too: also each stage of
    it, in which the endpoint stays as it is."""
    stage = event.type == "changed" and event.phase in _DEPLOYING
    if event.type not in _MOVES and event.type != "deleted" and not stage:
        return ()
    detail = _detail(event, endpoint_described)
    detail["EndpointStatus"] = "DELETED" if event.type == "deleted" else _WORD.sub("_", event.phase).upper()
    arn = event.resource["arn"]
    told = [] if stage else [envelope(event, SOURCE, "SageMaker Endpoint State Change", detail, [arn])]
    if stage or (event.type == "moved" and (event.phase in _DEPLOYING or event.old_phase in _DEPLOYING)):
        told.append(envelope(event, SOURCE, "SageMaker Endpoint Deployment State Change", detail, [arn]))
    return told


def _package(event: Event) -> Sequence[Doc]:
    """A package that came to be, or whose approval or other members changed: with its times as texts, and without the
    name that a version has not."""
    if event.type not in _CHANGES:
        return ()
    detail = {name: value for name, value in package_described(_resource(event)).items() if value is not None}
    for name in ("CreationTime", "LastModifiedTime"):
        if name in detail:
            detail[name] = seconds(detail[name])
    if "ModelPackageVersion" in detail:
        detail.pop("ModelPackageName")
    if event.type == "changed":
        detail["UpdatedModelPackageFields"] = event.resource["status"].get(TOUCHED, [])
    return [envelope(event, SOURCE, "SageMaker Model Package State Change", detail, [event.resource["arn"]])]


def _card(event: Event) -> Sequence[Doc]:
    """A card that came to be, or has another content or status: without the content, with its times as texts."""
    if event.type not in _CHANGES:
        return ()
    one = _resource(event)
    detail = {name: value for name, value in card_searched(one).items() if name not in ("Content", "RiskRating")}
    for name in ("CreationTime", "LastModifiedTime"):
        detail[name] = seconds(detail[name])
    detail["AccountId"] = event.account
    return [envelope(event, SOURCE, "SageMaker Model Card State Change", detail, [one.arn])]


def _plain(arn_member: str) -> Callable[[Resource], Doc]:
    """Of a kind that is what its Create request said."""

    def detail(one: Resource) -> Doc:
        said = one.public()
        said.pop("Tags", None)
        return {**said, arn_member: one.arn, "CreationTime": one.created}

    return detail


def _resource(event: Event) -> Resource:
    """As it was right after the change."""
    told = event.resource
    return Resource(
        event.kind,
        event.name,
        event.account,
        event.region,
        event.uid,
        arn=told["arn"],
        phase=event.phase,
        spec=told["spec"],
        status=told["status"],
        created=event.created,
        modified=event.at,
    )


def _detail(event: Event, detail_of: Callable[[Resource], Doc]) -> Doc:
    tags = {tag["Key"]: tag["Value"] for tag in event.resource["spec"].get("Tags") or []}
    detail: Doc = in_milliseconds(detail_of(_resource(event)))
    return {**detail, "Tags": tags}


def in_milliseconds(value: Any, name: str = "") -> Any:
    """The same, with times as epoch milliseconds: they are the numbers under names that end in "Time"."""
    if isinstance(value, dict):
        return {key: in_milliseconds(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [in_milliseconds(one) for one in value]
    if name.endswith("Time") and isinstance(value, int | float) and not isinstance(value, bool):
        return int(value * 1000)
    return value


_MOVES: Final = frozenset({"created", "moved"})
_LIFE: Final = frozenset({"created", "deleted"})
_CHANGES: Final = frozenset({"created", "moved", "changed"})

HERALDS: Final[Mapping[str, Herald]] = {
    training.KIND: _state_change("SageMaker Training Job State Change", training_described, _MOVES),
    tuning.KIND: _state_change("SageMaker HyperParameter Tuning Job State Change", tuning_described, _MOVES),
    processing.KIND: _state_change("SageMaker Processing Job State Change", processing_described, _MOVES),
    transform.KIND: _state_change("SageMaker Transform Job State Change", transform_described, _MOVES),
    endpoints.KIND: _endpoint,
    PACKAGE: _package,
    **pipeline_heralds.HERALDS,
    cards.KIND: _card,
    models.KIND: _state_change("SageMaker Model State Change", _plain("ModelArn"), _LIFE),
    endpoint_configs.KIND: _state_change("SageMaker Endpoint Config State Change", _plain("EndpointConfigArn"), _LIFE),
}
