"""What of an endpoint's inferences is captured: from DataCaptureConfig to the rule that its fronts follow, and back."""

from clary.engines.serving.base import CaptureRule
from clary.jobs import locations
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require


def check(config: Doc | None) -> None:
    """Raises ValidationException for a DataCaptureConfig whose destination is no place in S3."""
    if config is not None:
        at = locations.parse(config["DestinationS3Uri"])
        require(bool(at.bucket), f"DestinationS3Uri {config['DestinationS3Uri']!r} names no bucket")


def asked(config: Doc, variants: list[Doc]) -> Doc:
    """What of an endpoint configuration a deployment keeps for data capture, as members of its document; {} for
    nothing. Raises ValidationException for a variant whose model has no role as which anything could be stored."""
    capture: Doc | None = config.get("DataCaptureConfig")
    if capture is None:
        return {}
    for variant in variants if rule(capture) is not None else ():
        require(
            bool(variant["role"]),
            f"Data capture stores as the model's role: the model {variant['model']!r} has no ExecutionRoleArn",
        )
    return {"capture": capture}


def rule(config: Doc | None) -> CaptureRule | None:
    """The rule of a DataCaptureConfig; None: nothing is captured. EnableCapture is true where it is not given."""
    if config is None or not config.get("EnableCapture", True):
        return None
    modes = {one["CaptureMode"] for one in config["CaptureOptions"]}
    types: Doc = config.get("CaptureContentTypeHeader") or {}
    return CaptureRule(
        percentage=float(config["InitialSamplingPercentage"]),
        inputs=not modes.isdisjoint({"Input", "InputAndOutput"}),
        outputs=not modes.isdisjoint({"Output", "InputAndOutput"}),
        destination=str(locations.parse(config["DestinationS3Uri"])),
        csv_types=_lower(types.get("CsvContentTypes")),
        json_types=_lower(types.get("JsonContentTypes")),
    )


def described(config: Doc | None) -> Doc:
    """The member DataCaptureConfig of DescribeEndpoint, of the deployment that serves; {} when it has none."""
    if config is None:
        return {}
    enabled = config.get("EnableCapture", True)
    summary = {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
    return {"DataCaptureConfig": summary}


def _lower(types: list[str] | None) -> tuple[str, ...]:
    return tuple(one.lower() for one in types or ())
