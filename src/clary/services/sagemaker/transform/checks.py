"""What a transform job may ask for."""

from clary.aws.errors import NotImplementedHere
from clary.jobs import locations
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import check_command, refuse, require
from clary.services.sagemaker.transform.machine import MOST_HOSTS, MOST_MB

_FAMILIES = {
    "text/csv": "CSV",
    "application/json": "JSON",
    "application/jsonlines": "JSON",
    "application/x-jsonlines": "JSON",
}
"""The content types that DataProcessing understands, and which of them can be joined."""
_REFUSED = {"DataCaptureConfig.GenerateInferenceId": "inference ids in captured data"}


def check(req: Doc) -> None:
    """Raises ValidationException for what AWS would refuse, NotImplementedHere for what Clary does not serve."""
    refuse(req, _REFUSED)
    check_command("Environment", (req.get("Environment") or {}).values())
    _check_source(req["TransformInput"]["DataSource"]["S3DataSource"])
    locations.parse(req["TransformOutput"]["S3OutputPath"])
    if "DataCaptureConfig" in req:
        locations.parse(req["DataCaptureConfig"]["DestinationS3Uri"])
    count = req["TransformResources"]["InstanceCount"]
    require(count <= MOST_HOSTS, f"TransformResources.InstanceCount must be at most {MOST_HOSTS}, not {count}")
    _check_payload(req.get("MaxPayloadInMB"), req.get("MaxConcurrentTransforms"))
    _check_processing(req)


def _check_source(source: Doc) -> None:
    kind = source["S3DataType"]
    require(
        kind != "AugmentedManifestFile",
        "S3DataType AugmentedManifestFile does not go with a transform job: use S3Prefix or ManifestFile",
    )
    if kind == "Converse":
        raise NotImplementedHere("S3DataType Converse is not served: use S3Prefix or ManifestFile.")
    locations.parse(source["S3Uri"])


def _check_payload(payload: int | None, concurrent: int | None) -> None:
    if payload is None:
        return
    require(payload <= MOST_MB, f"MaxPayloadInMB must be at most {MOST_MB}, not {payload}")
    together = payload * (concurrent or 1)
    require(
        together <= MOST_MB,
        f"MaxConcurrentTransforms * MaxPayloadInMB must be at most {MOST_MB}, not {together}: lower one of them",
    )


def _check_processing(req: Doc) -> None:
    processing: Doc = req.get("DataProcessing") or {}
    asked = []
    for member in ("InputFilter", "OutputFilter"):
        text = processing.get(member, "$").strip()
        require(text.startswith("$"), f"DataProcessing.{member} must be a JSONPath that begins with $, not {text!r}")
        if text != "$":
            asked.append(member)
    joins = processing.get("JoinSource", "None") == "Input"
    asked += ["JoinSource Input"] if joins else []
    if not asked:
        return
    what = f"DataProcessing ({', '.join(asked)})"
    given, wanted = req["TransformInput"], req["TransformOutput"]
    split = given.get("SplitType", "None")
    require(split in ("None", "Line"), f"{what} needs SplitType Line or None: the records of {split} are not text")
    require(req.get("MaxPayloadInMB") != 0, f"{what} needs a MaxPayloadInMB above 0: a stream has no records")
    family = _family(what, "TransformInput.ContentType", given.get("ContentType"))
    if wanted.get("Accept"):
        accepted = _family(what, "TransformOutput.Accept", wanted["Accept"])
        require(
            not joins or accepted == family,
            f"{what} needs a TransformOutput.Accept of the kind of TransformInput.ContentType: {given['ContentType']} "
            f"cannot be joined to {wanted['Accept']}",
        )


def _family(what: str, member: str, content_type: str | None) -> str:
    found = _FAMILIES.get((content_type or "").partition(";")[0].strip().lower())
    given = repr(content_type) if content_type else "none"
    require(found is not None, f"{what} needs {member} to be one of {', '.join(_FAMILIES)}; the request has {given}")
    return found or ""
