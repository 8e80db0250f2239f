"""What stood at a place in S3 when somebody looked: the version of an object, or a digest of what a prefix held.

The listing is read from the object store itself, as a catalogue is: no object is opened, no policy is asked, and the
audit hears nothing. However large a prefix is, MOST_OBJECTS of it are listed, in pages between which others go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import orjson

from clary.aws.errors import ValidationException
from clary.jobs import locations
from clary.kernel.errors import Missing
from clary.kernel.objects import ObjectStore, Stat
from clary.kernel.resource import Doc

MOST_OBJECTS: Final = 10_000
"""Of one place that are looked at. The digest of a larger one is that of its first objects, and says so."""
MOST_FILES: Final = 20
"""Objects of a prefix that are artifacts of their own; of more, the prefix alone is one."""
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Content:
    """Of one place."""

    types: Sequence[Doc] = ()
    """SourceTypes: what tells this state from any other. Empty: nothing was there, or nobody could see it."""
    properties: Doc = field(default_factory=dict)
    files: Sequence[Stat] = ()
    """Its objects, where they are few and the place is not itself the only one."""


async def content(objects: ObjectStore, uri: str) -> Content:
    """What is at the URI: one object, or all whose keys begin with it."""
    if not uri.startswith("s3://"):
        return Content()
    try:
        at = locations.parse(uri)
        stats, whole = await _listed(objects, at.bucket, at.key)
    except (Missing, ValidationException):
        return Content(properties={"Objects": 0})
    if len(stats) == 1 and stats[0].key == at.key:
        return Content(of_object(stats[0]), {"Bytes": stats[0].size})
    return _of_many(stats, whole)


def of_object(stat: Stat) -> list[Doc]:
    """SourceTypes of one object in this state."""
    found = [{"SourceIdType": "S3ETag", "Value": stat.etag}]
    if stat.version is not None:
        found.append({"SourceIdType": "S3Version", "Value": stat.version})
    return found


def _of_many(stats: Sequence[Stat], whole: bool) -> Content:
    properties: Doc = {"Objects": len(stats), "Bytes": sum(one.size for one in stats)}
    if not stats:
        return Content(properties=properties)
    digest = sha256()
    for one in stats:
        digest.update(orjson.dumps([one.key, one.size, one.etag]) + b"\n")
    value = f"listing-sha256:{digest.hexdigest()}"
    if not whole:
        value = f"first-{MOST_OBJECTS}-{value}"
        properties["Partial"] = f"More than {MOST_OBJECTS} objects: the digest is that of the first ones"
    files = [one for one in stats if not one.key.endswith("/")]
    few = files if len(files) <= MOST_FILES and whole else ()
    return Content([{"SourceIdType": "Custom", "Value": value}], properties, few)


async def _listed(objects: ObjectStore, bucket: str, prefix: str) -> tuple[list[Stat], bool]:
    """The first objects, and whether these are all."""
    found: list[Stat] = []
    after = ""
    while len(found) < MOST_OBJECTS:
        page = await objects.list(bucket, prefix, after, _PAGE)
        found += page
        if len(page) < _PAGE:
            return found, True
        after = page[-1].key
    return found[:MOST_OBJECTS], not await objects.list(bucket, prefix, after, 1)
