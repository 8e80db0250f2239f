"""What a protocol must be able to do for one operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.model import Operation, Shape
from clary.aws.refusals import Family
from clary.kernel.resource import Doc

Decode = Callable[[Request], Doc]
"""The checked input in handler form. Raises ServiceError."""
Encode = Callable[[Doc, str], Answer]
"""(the handler's answer, the request id)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One operation in one protocol, compiled."""

    family: Family
    decode: Decode
    encode: Encode
    encode_error: Callable[[ServiceError, Request, str], Answer]


def error_shape(operation: Operation | None, code: str) -> Shape | None:
    """The modelled error of that name or code, if the operation, or else its service, knows one."""
    if operation is None:
        return None
    for shape in operation.errors:
        if code in (shape.name, shape.traits.get("error", {}).get("code")):
            return shape
    shapes = operation.model.raw_shapes
    if code == "ValidationException" and code not in shapes:
        code = "ValidationError"  # the older name, which some models (sagemaker-runtime) still have
    raw = shapes.get(code)
    if raw is not None and raw.get("exception"):
        return Shape(operation.model, {"shape": code})
    return None


def error_status(error: ServiceError, shape: Shape | None) -> int:
    """A status that the service chose, else the model's, else 400."""
    if error.http_status != 400 or shape is None:
        return error.http_status
    return int(shape.traits.get("error", {}).get("httpStatusCode", 400))


def take_reserved(doc: Doc, answer: Answer) -> None:
    """A handler's "_status" and "_headers" go into the answer."""
    if "_status" in doc:
        answer.status = int(doc["_status"])
    more: dict[str, Any] = doc.get("_headers") or {}
    answer.headers += [(name.encode("latin-1"), str(value).encode("utf-8")) for name, value in more.items()]


def without_reserved(doc: Doc) -> Doc:
    if "_status" in doc or "_headers" in doc:
        return {name: value for name, value in doc.items() if name not in ("_status", "_headers")}
    return doc
