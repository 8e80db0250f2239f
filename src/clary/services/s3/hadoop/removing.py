"""DELETE."""

from clary.aws.http import Answer
from clary.services.s3.hadoop import staging
from clary.services.s3.hadoop.places import Place
from clary.services.s3.hadoop.refused import denied, failed, not_empty
from clary.services.s3.hadoop.status import below, children, find
from clary.services.s3.hadoop.visit import Visit, boolean

_AT_ONCE = 1000


async def delete(visit: Visit) -> Answer:
    """Nothing is there; false where nothing was. Errors: PathIsNotEmptyDirectoryException, AccessControlException."""
    place = visit.place
    found = await find(visit, place)
    if found is None:
        return boolean(False)
    if not found.directory:
        await delete_file(visit, place)
        return boolean(True)
    if not visit.flag("recursive", False) and await children(visit, place):
        raise not_empty(place.url)
    await delete_below(visit, place)
    return boolean(True)


async def delete_file(visit: Visit, place: Place) -> None:
    """Who may put what is staged may take it back: it never was an object. Raises AccessDenied."""
    if place.staged:
        visit.must("PutObject", place)
        await visit.objects.remove(staging.STAGED, staging.key_of(place))
    else:
        await visit.perform("DeleteObject", {"Bucket": place.bucket, "Key": place.key})


async def delete_below(visit: Visit, place: Place) -> None:
    """Nothing is below the place, staged or not, and no marker says that it is a directory. Raises Refused."""
    if place.staged:
        visit.must("PutObject", place)
    else:
        keys: list[str] = []
        async for stat in below(visit, place):
            keys.append(stat.key)
            if len(keys) == _AT_ONCE:
                await delete_keys(visit, place.bucket, keys)
                keys = []
        if keys:
            await delete_keys(visit, place.bucket, keys)
    await staging.clear(visit.objects, place)


async def delete_keys(visit: Visit, bucket: str, keys: list[str]) -> None:
    """Raises Refused for the first that stays."""
    for start in range(0, len(keys), _AT_ONCE):
        some = [{"Key": key} for key in keys[start : start + _AT_ONCE]]
        done = await visit.perform("DeleteObjects", {"Bucket": bucket, "Delete": {"Objects": some, "Quiet": True}})
        for error in done.get("Errors", []):
            words = f"s3://{bucket}/{error['Key']}: {error['Message']}"
            raise denied(words) if error["Code"] == "AccessDenied" else failed(words)
