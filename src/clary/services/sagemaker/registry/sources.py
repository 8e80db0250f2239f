"""SourceUri: a package that is registered from a model, or cloned from another package."""

from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.sagemaker.registry import measures

_MODEL: Final = "model"
_PACKAGE: Final = "model-package"
_TAKEN: Final = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource", "Environment")
_CLONED: Final = (
    "InferenceSpecification",
    "AdditionalInferenceSpecifications",
    "ModelMetrics",
    "MetadataProperties",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "Domain",
    "Task",
    "SamplePayloadUrl",
)


def completed(ctx: Context, req: Doc) -> Doc:
    """The request with what its SourceUri says besides, where that is the ARN of a model or a package; what the request
    itself says counts. Any other SourceUri is only kept. Raises ValidationException for an ARN of nothing."""
    uri = req.get("SourceUri") or ""
    for kind in (_PACKAGE, _MODEL):
        if uri.startswith(ctx.arn("sagemaker", f"{kind}/")):
            try:
                source = ctx.store.by_arn(uri)
            except Missing:
                raise ValidationException(f"SourceUri {uri} is not there") from None
            if kind == _PACKAGE:
                # Its metrics are those that were kept with it: the files they came from may say something else by now.
                told = {**source.spec, "ModelMetrics": measures.shown(source)}
                return {**{member: told[member] for member in _CLONED if told.get(member)}, **req}
            given = source.spec.get("Containers") or [source.spec["PrimaryContainer"]]
            kept = source.status.get("_containers") or given
            containers = [{member: one[member] for member in _TAKEN if one.get(member)} for one in kept]
            return {"InferenceSpecification": {"Containers": containers}, **req}
    return req
