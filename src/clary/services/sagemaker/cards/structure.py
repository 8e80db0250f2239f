"""What a model card may say: the structure that AWS documents as JSON schema, and each place where a card leaves it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from clary.aws.errors import ValidationException

_METADATA: Final = {
    "model_overview": ("model_id", "model_name"),
    "intended_uses": ("risk_rating",),
    "model_package_details": ("model_package_group_name", "model_package_arn"),
}
"""What MetadataOnly leaves of the content."""
Problems = Iterator[str]
Check = Callable[[Any, str], Problems]
_SHOWN: Final = 20
"""Problems that one answer names."""


def check(content: str, *, of_package: bool = False) -> dict[str, Any]:
    """The card's document. Raises ValidationException with every path that is wrong; the card inside a model package
    (`of_package`) has a shorter overview, and no model package details."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValidationException(f"The content of the model card is no JSON: {error}") from None
    problems = list((_OF_PACKAGE if of_package else _CARD)(document, ""))
    if problems:
        more = f" (and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        raise ValidationException(
            f"The content of the model card is not of the model card schema: {'; '.join(problems[:_SHOWN])}{more}"
        )
    known: dict[str, Any] = document
    return known


def metadata(content: str) -> str:
    """As much of the content as is shown without it."""
    document: dict[str, Any] = orjson.loads(content)
    left = {
        part: {name: document[part][name] for name in names if document[part].get(name) is not None}
        for part, names in _METADATA.items()
        if document.get(part)
    }
    return orjson.dumps({part: members for part, members in left.items() if members}).decode()


def _text(most: int | None = None, least: int = 0) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, str):
            yield f"{path} must be a string"
        elif most is not None and len(value) > most:
            yield f"{path} has {len(value)} letters, {most} are allowed"
        elif len(value) < least:
            yield f"{path} must not be empty"

    return check


def _number(value: Any, path: str) -> Problems:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield f"{path} must be a number"


def _scalar(value: Any, path: str) -> Problems:
    if not isinstance(value, str | int | float):
        yield f"{path} must be a number, a string or a boolean"


def _choice(*allowed: str) -> Check:
    def check(value: Any, path: str) -> Problems:
        if value not in allowed:
            yield f"{path} must be one of {', '.join(allowed)}"

    return check


def _list(item: Check, most: int | None = None, least: int = 0) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, list):
            yield f"{path} must be a list"
            return
        if most is not None and len(value) > most:
            yield f"{path} has {len(value)} items, {most} are allowed"
        if len(value) < least:
            yield f"{path} has {len(value)} items, at least {least} are needed"
        for place, one in enumerate(value):
            yield from item(one, f"{path}[{place}]")

    return check


def _map(item: Check) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{path} must be an object"
            return
        for name, one in value.items():
            yield from item(one, _below(path, name))

    return check


def _object(members: Mapping[str, Check], required: Sequence[str] = ()) -> Check:
    def check(value: Any, path: str) -> Problems:
        if not isinstance(value, dict):
            yield f"{path or 'the card'} must be an object"
            return
        yield from (f"{_below(path, name)} is missing" for name in required if name not in value)
        for name, one in value.items():
            if name not in members:
                yield f"{_below(path, name)} is not a member of the schema; {path or 'a card'} has {', '.join(members)}"
            elif one is not None:  # SDKs write absent members as null
                yield from members[name](one, _below(path, name))

    return check


def _metric(value: Any, path: str) -> Problems:
    """By its type: a simple value, a graph, bars or a matrix."""
    kind = value.get("type") if isinstance(value, dict) else None
    known = _METRICS.get(str(kind))
    if known is None:
        yield f"{_below(path, 'type')} must be one of {', '.join(_METRICS)}"
        return
    yield from known(value, path)


def _metric_of(value: Check, x: Check, y: Check) -> Check:
    members = {"name": _NAME, "notes": _text(1024), "type": _text(), "value": value, "x_axis_name": x, "y_axis_name": y}
    return _object(members, ("name", "type", "value"))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)


_LONG: Final = _text(2048)
_NAME: Final = _text(least=1)
_AXIS: Final = _text(63)
_AXES: Final = _list(_text(63))
_URIS: Final = _list(_text(1024), 15)
_ENVIRONMENT: Final = _object({"container_image": _URIS})
_SIMPLE: Final = _metric_of(_scalar, _AXIS, _AXIS)
_METRICS: Final[Mapping[str, Check]] = {
    "number": _SIMPLE,
    "string": _SIMPLE,
    "boolean": _SIMPLE,
    "linear_graph": _metric_of(_list(_list(_number, 2, 2), None, 1), _AXIS, _AXIS),
    "bar_chart": _metric_of(_list(_number, None, 1), _AXES, _AXIS),
    "matrix": _metric_of(_list(_list(_number, 20, 1), 20, 1), _AXES, _AXES),
}
_TRAINING_METRIC: Final = _object({"name": _NAME, "notes": _text(1024), "value": _number}, ("name", "value"))
_PARAMETER: Final = _object({"name": _NAME, "value": _text(least=1)}, ("name", "value"))
_OBJECTIVE: Final = _object(
    {"function": _choice("Maximize", "Minimize"), "facet": _text(63), "condition": _text(63)},
)
_TRAINING_JOB: Final = _object(
    {
        "training_arn": _text(1024),
        "training_datasets": _URIS,
        "training_environment": _ENVIRONMENT,
        "training_metrics": _list(_TRAINING_METRIC, 50),
        "user_provided_training_metrics": _list(_TRAINING_METRIC, 50),
        "hyper_parameters": _list(_PARAMETER, 100),
        "user_provided_hyper_parameters": _list(_PARAMETER, 100),
    }
)
_EVALUATION: Final = _object(
    {
        "name": _NAME,
        "evaluation_observation": _text(2096),
        "evaluation_job_arn": _text(256),
        "datasets": _list(_text(1024), 10),
        "metadata": _map(_text(1024)),
        "metric_groups": _list(_object({"name": _NAME, "metric_data": _list(_metric)}, ("name", "metric_data"))),
    },
    ("name",),
)
_PARTS: Final[Mapping[str, Check]] = {
    "intended_uses": _object(
        {
            "purpose_of_model": _LONG,
            "intended_uses": _LONG,
            "factors_affecting_model_efficiency": _LONG,
            "risk_rating": _choice("High", "Medium", "Low", "Unknown"),
            "explanations_for_risk_rating": _LONG,
        }
    ),
    "business_details": _object(
        {"business_problem": _LONG, "business_stakeholders": _LONG, "line_of_business": _LONG},
    ),
    "training_details": _object(
        {
            "objective_function": _object({"function": _OBJECTIVE, "notes": _text(1024)}),
            "training_observations": _text(1024),
            "training_job_details": _TRAINING_JOB,
        }
    ),
    "evaluation_details": _list(_EVALUATION),
    "additional_information": _object(
        {
            "ethical_considerations": _LONG,
            "caveats_and_recommendations": _LONG,
            "custom_details": _map(_text(1024)),
        }
    ),
}
_OVERVIEW: Final = _object(
    {
        "model_id": _text(1024),
        "model_name": _text(1024),
        "model_version": _number,
        "model_description": _text(1024),
        "model_creator": _text(1024),
        "model_artifact": _URIS,
        "algorithm_type": _text(1024),
        "problem_type": _text(),
        "model_owner": _text(1024),
        "inference_environment": _ENVIRONMENT,
    }
)
_CONTAINER: Final = _object(
    {"image": _text(255), "model_data_url": _text(1024), "nearest_model_name": _text()}, ("image",)
)
_ALGORITHM: Final = _object({"algorithm_name": _text(170), "model_data_url": _text(1024)}, ("algorithm_name",))
_PACKAGE: Final = _object(
    {
        "model_package_arn": _text(1024),
        "model_package_name": _text(1024),
        "model_package_group_name": _text(1024),
        "model_package_version": _number,
        "model_package_status": _choice("Pending", "InProgress", "Completed", "Failed", "Deleting"),
        "model_package_description": _text(1024),
        "model_approval_status": _choice("Approved", "Rejected", "PendingManualApproval"),
        "approval_description": _text(1024),
        "created_by": _object({"user_profile_name": _text(63)}),
        "domain": _text(),
        "task": _text(),
        "source_algorithms": _list(_ALGORITHM, 15),
        "inference_specification": _object({"containers": _list(_CONTAINER, 15, 1)}, ("containers",)),
    }
)
_CARD: Final = _object({"model_overview": _OVERVIEW, "model_package_details": _PACKAGE, **_PARTS})
_OF_PACKAGE: Final = _object(
    {"model_overview": _object({"model_creator": _text(1024), "model_artifact": _URIS}), **_PARTS}
)
