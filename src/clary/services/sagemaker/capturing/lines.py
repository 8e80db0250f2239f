"""A captured inference as SageMaker writes it: one line of JSON."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Final, Literal

import orjson

from clary.engines.serving.base import CaptureRule
from clary.engines.serving.captured import Captured
from clary.kernel.resource import Doc

VERSION: Final = "0"
_Mode = Literal["INPUT", "OUTPUT"]


def line(rule: CaptureRule, one: Captured) -> bytes:
    """With its line break. Bodies of a type that the rule names are text, all others base64."""
    data: Doc = {}
    if rule.inputs:
        data["endpointInput"] = _side(rule, "INPUT", one.input_type, one.input)
    if rule.outputs:
        data["endpointOutput"] = _side(rule, "OUTPUT", one.output_type, one.output)
    about: Doc = {"eventId": one.event}
    if one.attributes:
        about["customAttributes"] = [one.attributes]
    if one.inference:
        about["inferenceId"] = one.inference
    about["inferenceTime"] = datetime.fromtimestamp(int(one.at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"captureData": data, "eventMetadata": about, "eventVersion": VERSION}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _side(rule: CaptureRule, mode: _Mode, content_type: str, body: bytes) -> Doc:
    media = content_type.partition(";")[0].strip().lower()
    encoding = "CSV" if media in rule.csv_types else "JSON" if media in rule.json_types else "BASE64"
    text = ""
    if encoding != "BASE64":
        try:
            text = body.decode()
        except UnicodeDecodeError:  # a body that is not what its type says is kept as it is
            encoding = "BASE64"
    if encoding == "BASE64":
        text = b64encode(body).decode()
    return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
