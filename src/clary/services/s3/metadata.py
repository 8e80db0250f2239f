"""What a write says about an object and a read says again: headers, user metadata, tags."""

from typing import Final
from urllib.parse import parse_qsl

from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import modified, quoted

HEADERS: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
)
DEFAULT_TYPE: Final = "binary/octet-stream"
STANDARD: Final = "STANDARD"
_OVERRIDES: Final = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)
_METADATA_MAX: Final = 2048
_TAGS_MAX: Final = 10


def of_request(req: Doc) -> Doc:
    """The metadata document of an object that this request writes. Raises MetadataTooLarge, InvalidTag,
    InvalidArgument."""
    meta: Doc = {name: req[name] for name in HEADERS if name in req}
    encoding = [one.strip() for one in meta.pop("ContentEncoding", "").split(",")]
    # aws-chunked was how the body travelled, not what it is.
    if kept := [one for one in encoding if one and one.lower() != "aws-chunked"]:
        meta["ContentEncoding"] = ",".join(kept)
    if user := req.get("Metadata"):
        size = sum(len(name.encode()) + len(value.encode()) for name, value in user.items())
        if size > _METADATA_MAX:
            raise errors.MetadataTooLarge(size)
        meta["Metadata"] = {name.lower(): value for name, value in user.items()}
    if (kind := req.get("StorageClass", STANDARD)) != STANDARD:
        meta["StorageClass"] = kind
    if tags := tags_of_header(req.get("Tagging")):
        meta["_tags"] = tags
    return meta


def of_object(stat: Stat) -> Doc:
    """The members that every read of an object answers with."""
    meta = stat.meta
    answer: Doc = {name: meta[name] for name in HEADERS if name in meta}
    answer.setdefault("ContentType", DEFAULT_TYPE)
    answer |= {
        "AcceptRanges": "bytes",
        "ETag": quoted(stat.etag),
        "LastModified": modified(stat),
        "Metadata": meta.get("Metadata", {}),
    }
    if "StorageClass" in meta:
        answer["StorageClass"] = meta["StorageClass"]
    if meta.get("_tags"):
        answer["TagCount"] = len(meta["_tags"])
    return answer


def overridden(req: Doc) -> Doc:
    """The headers that a read asks to see instead of the object's."""
    return {name: req["Response" + name] for name in _OVERRIDES if "Response" + name in req}


def tags_of_header(text: str | None) -> list[list[str]]:
    """Pairs of "a=1&b=2". Raises InvalidArgument, InvalidTag."""
    if not text:
        return []
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise errors.InvalidArgument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name"
            " duplicates.",
            "x-amz-tagging",
            text,
        ) from None
    return checked_tags(pairs)


def tags_of_set(tags: list[Doc]) -> list[list[str]]:
    """Raises InvalidTag."""
    return checked_tags([(one["Key"], one["Value"]) for one in tags])


def checked_tags(pairs: list[tuple[str, str]]) -> list[list[str]]:
    if len(pairs) > _TAGS_MAX:
        raise errors.InvalidTag(f"Object tags cannot be greater than {_TAGS_MAX}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise errors.InvalidTag("Cannot provide multiple Tags with the same key")
    for name, value in pairs:
        if not 1 <= len(name) <= 128 or name.startswith("aws:"):
            raise errors.InvalidTag("The TagKey you have provided is invalid")
        if len(value) > 256:
            raise errors.InvalidTag("The TagValue you have provided is invalid")
    return [[name, value] for name, value in pairs]
