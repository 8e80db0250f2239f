"""OPEN: bytes of an object, from an offset on. There is no other node to send the client to."""

from clary.aws.http import Answer
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.hadoop import staging
from clary.services.s3.hadoop.refused import absent, failed
from clary.services.s3.hadoop.visit import Visit

_TYPE = (b"content-type", b"application/octet-stream")


async def read(visit: Visit) -> Answer:
    """The bytes as they were when it was opened, streamed. Raises Refused, ServiceError."""
    start, length = visit.number("offset") or 0, visit.number("length")
    if visit.place.staged:
        return await _staged(visit, start, length)
    doc: Doc = {"Bucket": visit.place.bucket, "Key": visit.place.key}
    if start or length is not None:
        if length == 0:
            return _answer(0)
        doc["Range"] = f"bytes={start}-" if length is None else f"bytes={start}-{start + length - 1}"
    try:
        found = await visit.perform("GetObject", doc)
    except errors.InvalidRange:
        size = (await visit.perform("HeadObject", {"Bucket": doc["Bucket"], "Key": doc["Key"]}))["ContentLength"]
        if start > size:
            raise failed(f"Offset={start} out of the range [0, {size}]; {visit.place.url}") from None
        return _answer(0)
    return Answer(200, [_TYPE, _length(found["ContentLength"])], found["Body"])


async def _staged(visit: Visit, start: int, length: int | None) -> Answer:
    visit.must("PutObject", visit.place)
    try:
        found = await visit.objects.open(staging.STAGED, staging.key_of(visit.place))
    except Missing:
        raise absent(visit.place.url) from None
    size = found.stat.size
    if start > size:
        found.close()
        raise failed(f"Offset={start} out of the range [0, {size}]; {visit.place.url}")
    end = size if length is None else min(size, start + length)
    return Answer(200, [_TYPE, _length(end - start)], found.stream(start, end))


def _answer(size: int) -> Answer:
    return Answer(200, [_TYPE, _length(size)], b"")


def _length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % size
