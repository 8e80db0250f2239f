"""LookupEvents: the newest first, by one attribute and between two times."""

import asyncio
from typing import Any, Final

import orjson

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.audit import AuditLog, AuditPlace
from clary.kernel.errors import BadToken
from clary.kernel.resource import Doc
from clary.services.cloudtrail.api import (
    InvalidEventCategoryException,
    InvalidLookupAttributesException,
    InvalidNextTokenException,
    InvalidTimeRangeException,
    service,
)

PAGE: Final = 50
_LOOKED_AT: Final = 200_000
"""Lines that a page looks at before it ends without having found its number: the client asks on."""


@service.operation("LookupEvents")
async def lookup_events(ctx: Context, req: Doc) -> Doc:
    """Events of the region, the newest first. A page may be shorter than asked while more will come.

    Errors: InvalidLookupAttributesException, InvalidTimeRangeException, InvalidNextTokenException,
    InvalidEventCategoryException."""
    if "EventCategory" in req:
        raise InvalidEventCategoryException(f"There are no events of the category {req['EventCategory']}.")
    attributes = req.get("LookupAttributes", [])
    if len(attributes) > 1:
        raise InvalidLookupAttributesException("You can look events up by one attribute at a time.")
    wanted = (attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]) if attributes else None
    start, end = req.get("StartTime"), req.get("EndTime")
    if start is not None and end is not None and end < start:
        raise InvalidTimeRangeException("Your time range is not valid: it ends before it begins.")
    filters = page.digest("lookup-events", ctx.account, ctx.region, wanted, start, end)
    before = None
    if "NextToken" in req:
        try:
            file, offset = page.decode(req["NextToken"], filters, str, int)
        except BadToken:
            raise InvalidNextTokenException("The token is not one that this lookup returned.") from None
        before = AuditPlace(file, offset)
    limit, audit = req.get("MaxResults", PAGE), ctx.port(AuditLog)
    audit.flush()
    found, last = await asyncio.to_thread(_search, audit, ctx.region, wanted, start, end, before, limit)
    answer: Doc = {"Events": found}
    if last is not None:
        answer["NextToken"] = page.encode(list(last), filters)
    return answer


def _search(
    audit: AuditLog,
    region: str,
    wanted: tuple[str, str] | None,
    start: float | None,
    end: float | None,
    before: AuditPlace | None,
    limit: int,
) -> tuple[list[Doc], AuditPlace | None]:
    """(events, where the next page goes on; None: there is no more)."""
    needles = [_member("awsRegion", region), *([] if wanted is None else [_needle(*wanted)])]
    found: list[Doc] = []
    last: AuditPlace | None = None
    for looked, (place, line) in enumerate(audit.newest(needles, before, since=start or 0.0)):
        if looked == _LOOKED_AT:
            return found, last
        event = _read(line)
        if event is not None and _is_wanted(event, region, wanted, start, end):
            if len(found) == limit:
                return found, last
            found.append(_described(event))
        last = place
    return found, None


def _member(name: str, value: Any) -> bytes:
    return orjson.dumps({name: value})[1:-1]


def _needle(key: str, value: str) -> bytes:
    """What stands in every line that has the attribute."""
    members = {"EventId": "eventID", "EventName": "eventName", "EventSource": "eventSource"}
    if key in members:
        return _member(members[key], value)
    if key == "AccessKeyId":
        return _member("accessKeyId", value)
    if key == "Username":
        return _member("U", value)
    if key == "ReadOnly":
        return _member("readOnly", _truth(value))
    return orjson.dumps(value)


def _truth(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise InvalidLookupAttributesException(f"ReadOnly is true or false, not {value!r}.")
    return value.lower() == "true"


def _read(line: bytes) -> Doc | None:
    """None: a line that a crash tore."""
    try:
        said: Doc = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return said


def _is_wanted(line: Doc, region: str, wanted: tuple[str, str] | None, start: float | None, end: float | None) -> bool:
    at, event = int(line["T"]), line["E"]
    if event["awsRegion"] != region or (start is not None and at < start) or (end is not None and at > end):
        return False
    if wanted is None:
        return True
    key, value = wanted
    if key == "ReadOnly":
        return bool(event["readOnly"] == _truth(value))
    if key == "ResourceName":
        arns = [one["ARN"] for one in event.get("resources", [])]
        return value in [name for _, name in line["R"]] or value in arns
    if key == "ResourceType":
        return value in [kind for kind, _ in line["R"]]
    said = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "Username": line["U"],
        "AccessKeyId": event["userIdentity"].get("accessKeyId"),
    }
    return bool(said[key] == value)


def _described(line: Doc) -> Doc:
    event = line["E"]
    answer: Doc = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": str(event["readOnly"]).lower(),
        "EventTime": float(int(line["T"])),
        "EventSource": event["eventSource"],
        "Username": line["U"],
        "Resources": [{"ResourceType": kind, "ResourceName": name} for kind, name in line["R"]],
        "CloudTrailEvent": orjson.dumps(event).decode(),
    }
    if key := event["userIdentity"].get("accessKeyId"):
        answer["AccessKeyId"] = key
    return answer
