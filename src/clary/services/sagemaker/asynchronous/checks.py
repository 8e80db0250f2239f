"""What a configuration of asynchronous inference can be."""

from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require

IGNORED: Final = ("AsyncInferenceConfig.OutputConfig.KmsKeyId",)
"""Accepted, and nothing is done with them."""


def check(req: Doc) -> None:
    """Raises ValidationException for an endpoint configuration whose asynchronous inference cannot be."""
    config: Doc | None = req.get("AsyncInferenceConfig")
    if config is None:
        return
    output: Doc = config["OutputConfig"]
    path = output.get("S3OutputPath", "")
    require(bool(path), "AsyncInferenceConfig.OutputConfig needs an S3OutputPath: results are stored there")
    for member in ("S3OutputPath", "S3FailurePath"):
        given = output.get(member)
        if given:
            bucket = given.removeprefix("s3://").partition("/")[0]
            require(
                given.startswith("s3://") and bool(bucket), f"{member} {given!r} is no S3 URI: write s3://bucket/prefix"
            )
    variants = req["ProductionVariants"]
    require(
        len(variants) == 1,
        f"An asynchronous endpoint has one production variant, not {len(variants)}",
    )
    require(
        not variants[0].get("ServerlessConfig"),
        "AsyncInferenceConfig and ServerlessConfig exclude each other: leave one of them out",
    )
    if req.get("ShadowProductionVariants"):
        raise NotImplementedHere("ShadowProductionVariants do not go with AsyncInferenceConfig: leave one of them out.")
