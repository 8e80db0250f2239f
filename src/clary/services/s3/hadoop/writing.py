"""CREATE and MKDIRS.

CREATE is two requests: the first is answered with where to send the bytes, which is the same place with `data=true`.
Nothing of an object is seen before its last byte; a client that is killed, or hangs up, leaves nothing.
"""

from clary.aws.errors import ServiceError
from clary.aws.http import Answer
from clary.kernel.resource import Doc
from clary.services.s3.hadoop import staging
from clary.services.s3.hadoop.places import Place
from clary.services.s3.hadoop.refused import exists
from clary.services.s3.hadoop.status import Entry, find
from clary.services.s3.hadoop.visit import Visit, boolean
from clary.services.s3.incoming import Incoming


async def create(visit: Visit) -> Answer:
    """Errors: FileAlreadyExistsException (also for a directory), AccessControlException."""
    place, overwrite = visit.place, visit.flag("overwrite", False)
    if not place.key:
        raise exists(place.url, "is a bucket")
    if not visit.flag("data", False):
        visit.must("PutObject", place)
        found = await known(visit, place)
        if found is not None and found.directory:
            raise exists(place.url, "is a directory")
        if found is not None and not overwrite:
            raise exists(place.url)
        return _go_on(visit)
    if place.staged:
        visit.must("PutObject", place)
        await staging.put(visit.objects, staging.key_of(place), visit.request.chunks())
    else:
        await publish(visit, place, Incoming(visit.request.chunks()), overwrite=overwrite)
    return Answer(201)


async def publish(visit: Visit, place: Place, body: Incoming, *, overwrite: bool) -> None:
    """The object is there, for every client, as by PutObject. Raises ServiceError."""
    doc: Doc = {"Bucket": place.bucket, "Key": place.key, "Body": body}
    await visit.perform("PutObject", doc if overwrite else {**doc, "IfNoneMatch": "*"})
    await staging.settle(visit.objects, place)


async def make_directories(visit: Visit) -> Answer:
    """The directory is there for jobs. S3's clients see it once something is in it."""
    place = visit.place
    found = await known(visit, place)
    if found is None:
        visit.must("PutObject", Place(place.bucket, place.prefix))
        await staging.mark(visit.objects, place)
    elif not found.directory:
        raise exists(place.url, "is a file")
    return boolean(True)


async def known(visit: Visit, place: Place) -> Entry | None:
    """What is there, as far as the caller may know: who may write and not look, writes."""
    try:
        return await find(visit, place)
    except ServiceError as error:
        if error.http_status != 403:
            raise
        return None


def _go_on(visit: Visit) -> Answer:
    request = visit.request
    host = request.headers.get("host", "")
    query = request.query.decode("latin-1") + "&data=true"
    where = f"{request.scheme}://{host}{request.path.decode('latin-1')}?{query}"
    return Answer(307, [(b"location", where.encode("latin-1"))])
