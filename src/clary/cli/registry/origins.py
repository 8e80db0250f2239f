"""What the lineage of a version says of its data and code: which state of them the model was made of."""

from collections.abc import Mapping
from typing import Any, Final

from clary.cli.registry.wire import Wire

_KINDS: Final = {"DataSet": "Data", "Code": "Code"}
_DEEP: Final = 10


def origins(wire: Wire, package: str) -> dict[str, dict[str, str]]:
    """{"Data": {uri: its state}, "Code": {...}} of everything that the package comes from; empty where lineage knows
    nothing of it, or the caller may not look."""
    from botocore.exceptions import ClientError

    sagemaker = wire.client("sagemaker")
    found: dict[str, dict[str, str]] = {"Data": {}, "Code": {}}
    try:
        known = sagemaker.list_artifacts(SourceUri=package)["ArtifactSummaries"]
        for one in known[:1]:
            said = sagemaker.query_lineage(
                StartArns=[one["ArtifactArn"]],
                Direction="Ascendants",
                IncludeEdges=False,
                Filters={"LineageTypes": ["Artifact"], "Types": list(_KINDS)},
                MaxDepth=_DEEP,
            )
            for vertex in said["Vertices"]:
                artifact = sagemaker.describe_artifact(ArtifactArn=vertex["Arn"])
                kind = _KINDS.get(artifact.get("ArtifactType", ""))
                if kind:
                    found[kind][artifact["Source"]["SourceUri"]] = _state(artifact)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDeniedException", "NotImplemented", "ResourceNotFound"):
            raise
    return found


def _state(artifact: Mapping[str, Any]) -> str:
    """What tells this state of it from any other: the version of an object, or a digest of what was there."""
    sources = artifact["Source"].get("SourceTypes") or []
    return sources[0]["Value"] if sources else "nothing was there"
