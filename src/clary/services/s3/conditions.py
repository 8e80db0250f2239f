"""Conditions and ranges of reads and writes, as HTTP and S3 define them."""

import re
from typing import Final

from clary.aws.errors import NotImplementedHere
from clary.engines.objects.base import OnlyIf
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import modified, unquoted

_IMPLIES: Final = "A header you provided implies functionality that is not implemented"
"""S3's own refusal: an ETag, or both conditions, are not implemented there either."""
_RANGE: Final = re.compile(r"bytes=([0-9]{0,30})-([0-9]{0,30})")


def is_unmodified(req: Doc, stat: Stat) -> bool:
    """True: answer 304. Raises PreconditionFailed."""
    if "IfMatch" in req:
        # A match settles it: the date does not count then.
        if not _matches(req["IfMatch"], stat):
            raise errors.PreconditionFailed("If-Match")
    elif "IfUnmodifiedSince" in req and modified(stat) > req["IfUnmodifiedSince"]:
        raise errors.PreconditionFailed("If-Unmodified-Since")
    if "IfNoneMatch" in req:
        return _matches(req["IfNoneMatch"], stat)
    return "IfModifiedSince" in req and modified(stat) <= req["IfModifiedSince"]


def check_source(req: Doc, stat: Stat) -> None:
    """The conditions on the source of a copy. Raises PreconditionFailed, also where a read would answer 304."""
    asked = {name.removeprefix("CopySource"): value for name, value in req.items() if name.startswith("CopySourceIf")}
    if is_unmodified(asked, stat):
        raise errors.PreconditionFailed("If-None-Match" if "IfNoneMatch" in asked else "If-Modified-Since")


def of_write(req: Doc) -> OnlyIf | None:
    """What the key must hold when it is written. Raises NotImplementedHere."""
    match, none = req.get("IfMatch"), req.get("IfNoneMatch")
    if match is not None and none is not None:
        raise NotImplementedHere(f"{_IMPLIES}: If-Match and If-None-Match together.", Header="If-None-Match")
    if none is not None:
        if none.strip() != "*":
            raise NotImplementedHere(f'{_IMPLIES}: If-None-Match of a write takes "*" alone.', Header="If-None-Match")
        return OnlyIf(absent=True)
    return OnlyIf(etag=unquoted(match)) if match is not None else None


def failed_write(only_if: OnlyIf | None) -> errors.PreconditionFailed:
    return errors.PreconditionFailed("If-None-Match" if only_if and only_if.absent else "If-Match")


def asked_range(text: str | None, size: int) -> tuple[int, int] | None:
    """(start, end), exclusive; None: the whole, because nothing, several ranges, or no byte range at all was asked for.
    Raises InvalidRange."""
    match = _RANGE.fullmatch(text.strip()) if text else None
    if match is None or text is None:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        start, end = max(0, size - int(last)), size
        if int(last) == 0:
            raise errors.InvalidRange(text, size)
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise errors.InvalidRange(text, size)
    return start, end


def part_range(sizes: list[int], number: int, size: int) -> tuple[int, int]:
    """Where the part lies; an object that was put whole has one. Raises InvalidPartNumber."""
    sizes = sizes or [size]
    if not 1 <= number <= len(sizes):
        raise errors.InvalidPartNumber(number, len(sizes))
    start = sum(sizes[: number - 1])
    return start, start + sizes[number - 1]


def _matches(asked: str, stat: Stat) -> bool:
    return asked.strip() == "*" or stat.etag in {unquoted(one) for one in asked.split(",")}
