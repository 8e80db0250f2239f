"""What SNS is told of the end of an asynchronous invocation."""

import base64
from pathlib import Path
from typing import Final

import orjson

from clary.aws import times
from clary.kernel.resource import Doc, Resource

INCLUDED_BYTES: Final = 128 * 1024
"""AWS includes no response that is larger."""
_PARAMETERS: Final = {
    "Accept": "accept",
    "ContentType": "contentType",
    "CustomAttributes": "customAttributes",
    "EndpointName": "endpointName",
    "InputLocation": "inputLocation",
}
_TOPICS: Final = {
    "Completed": ("SuccessTopic", "SUCCESS_NOTIFICATION_TOPIC"),
    "Failed": ("ErrorTopic", "ERROR_NOTIFICATION_TOPIC"),
}


def topic(invocation: Resource) -> str | None:
    """Which topic is told of how it ended; None: nobody wants to know."""
    found: str | None = invocation.spec["_notify"].get(_TOPICS[invocation.phase][0])
    return found


def includes_response(invocation: Resource) -> bool:
    """The notification shall carry what the model, or the failure, said."""
    return _TOPICS[invocation.phase][1] in (invocation.spec["_notify"].get("IncludeInferenceResponseIn") or ())


def message(invocation: Resource, response: Path | bytes | None) -> str:
    """The notification of one that has ended, as SageMaker writes it. `response` is included if it is small enough."""
    spec, status = invocation.spec, invocation.status
    said: Doc = {
        "awsRegion": invocation.region,
        "eventTime": times.iso8601(status["Ended"]),
        "receivedTime": times.iso8601(invocation.created),
        "invocationStatus": invocation.phase,
        "requestParameters": {wire: spec[name] for name, wire in _PARAMETERS.items() if name in spec},
        "inferenceId": spec["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if invocation.phase == "Completed":
        said["responseParameters"] = {
            "contentType": status["ContentType"],
            "outputLocation": spec["OutputLocation"],
        }
    else:
        said["failureReason"] = status["FailureReason"]
    body = _small(response)
    if body is not None:
        said["responseBody"] = {"content": base64.b64encode(body).decode(), "encoding": "BASE64"}
    return orjson.dumps(said).decode()


def _small(response: Path | bytes | None) -> bytes | None:
    if response is None or isinstance(response, bytes):
        return response if response is not None and len(response) <= INCLUDED_BYTES else None
    return response.read_bytes() if response.stat().st_size <= INCLUDED_BYTES else None
