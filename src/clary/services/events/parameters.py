"""Parameters of pipelines that an event sets: of a value that is a path, like `$.detail.object.key`, what is there."""

from typing import Any, Final

import orjson

from clary.aws.targets import TargetKind
from clary.kernel.resource import Doc
from clary.services.events.api import ValidationException
from clary.services.events.paths import MISSING, compile_path

_MEMBER: Final = "SageMakerPipelineParameters"


def check(target: Doc, kind: TargetKind) -> None:
    """Paths can be read, and what the target gets is an object of parameters. Raises ValidationException."""
    if kind.member != _MEMBER:
        return
    for one in _given(target):
        if one["Value"].startswith("$."):
            _path(target, one["Value"])
    if "InputPath" in target:
        raise ValidationException(f"InputPath cannot be used with a pipeline as target: target {target['Id']}. Use "
                                  "InputTransformer.")  # fmt: skip
    text = target.get("Input") or target.get("InputTransformer", {}).get("InputTemplate")
    if text is not None and not text.lstrip().startswith("{"):
        raise ValidationException(
            f"The input of a pipeline as target must be a JSON object of parameters: target {target['Id']}."
        )


def of_event(target: Doc, event: Doc) -> Doc:
    """The target with the values that the event gives; a parameter whose path leads nowhere keeps its default."""
    if not any(one["Value"].startswith("$.") for one in _given(target)):
        return target
    found = []
    for one in _given(target):
        value: Any = one["Value"]
        if value.startswith("$."):
            value = _path(target, value)(event)
        if value is not MISSING and value is not None:
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            found.append({"Name": one["Name"], "Value": text})
    return {**target, _MEMBER: {"PipelineParameterList": found}}


def _given(target: Doc) -> list[Doc]:
    given: list[Doc] = target.get(_MEMBER, {}).get("PipelineParameterList") or []
    return given


def _path(target: Doc, text: str) -> Any:
    try:
        return compile_path(text)
    except ValueError as error:
        raise ValidationException(f"Invalid JSON path for target {target['Id']} : {error}.") from None
