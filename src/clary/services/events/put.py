"""PutEvents: an event is in the outbox, durably, before its sender is answered; `flow` brings it to the targets."""

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from clary.aws import delivery
from clary.aws.errors import NotImplementedHere
from clary.aws.heralds import seconds
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.resource import Doc
from clary.kernel.store import Telling
from clary.services.events.api import (
    DEFAULT,
    EVENT,
    ValidationException,
    place_of_bus,
    service,
    stored_bus,
)

MOST_BYTES: Final = 1024 * 1024
"""Of all entries together, as the API's documentation counts them."""
_TIME_BYTES: Final = 14
_LONGEST_TYPE: Final = 128
_RESERVED: Final = "aws."
_RULES: Final = "arn:aws:events:"


# As on AWS: what is put on a bus is data, and no management of the account.
service.data_event("PutEvents")


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@service.operation("PutEvents", ignores=("Entries.TraceHeader",))
async def put_events(ctx: Context, req: Doc) -> Doc:
    """Every entry without an ErrorCode will reach the targets of the rules that match it, also across a kill; they have
    their ids. Errors: ValidationException (too large)."""
    if "EndpointId" in req:
        raise NotImplementedHere("Global endpoints are not served by Clary: leave EndpointId out.")
    entries = req["Entries"]
    if sum(map(_size, entries)) >= MOST_BYTES:
        raise ValidationException("Total size of the entries in the request is over the limit.")
    buses: dict[str, str] = {}
    tellings: list[Telling] = []
    results: list[Doc] = []
    for number, entry in enumerate(entries):
        try:
            telling = _told(ctx, entry, number, buses)
        except _Refused as error:
            results.append({"ErrorCode": error.code, "ErrorMessage": error.message})
        else:
            tellings.append(telling)
            results.append({"EventId": telling.uid})
    if tellings:
        ctx.store.tell(tellings)  # one transaction: what is answered now outlives this process
    return {"FailedEntryCount": len(entries) - len(tellings), "Entries": results}


def _told(ctx: Context, entry: Doc, number: int, buses: dict[str, str]) -> Telling:
    """Raises _Refused."""
    for member in ("Source", "DetailType", "Detail"):
        if not entry.get(member):
            raise _Refused("InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required "
                                              "argument.")  # fmt: skip
    if len(entry["DetailType"]) > _LONGEST_TYPE:
        raise _Refused(
            "InvalidArgument",
            f"Parameter DetailType is not valid. Reason: it has more than {_LONGEST_TYPE} characters.",
        )
    # A rule that forwards to another bus forwards what services told, too.
    rule = ctx.origin.get("aws:sourcearn", "")
    forwarded = rule.startswith(_RULES)
    if entry["Source"].startswith(_RESERVED) and not forwarded:
        raise _Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
    given = entry.get("EventBusName", DEFAULT)
    bus = buses.get(given)
    if bus is None:
        bus = buses[given] = _bus(ctx, given)
    token = delivery.current()
    # Of a repetition of the same delivery the event is the same: its receivers see the same id.
    event_id = str(uuid5(NAMESPACE_URL, f"clary:{token}:{number}")) if forwarded and token else ids.request_id()
    event = {
        "version": "0",
        "id": event_id,
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": ctx.account,
        "time": seconds(entry.get("Time", ctx.clock.now())),
        "region": rule.split(":")[3] if forwarded else ctx.region,
        "resources": entry.get("Resources", []),
        "detail": _detail(entry["Detail"]),
    }
    return Telling(EVENT, bus, event_id, ctx.account, ctx.region, {"event": event, "hops": delivery.hops()})


def _bus(ctx: Context, given: str) -> str:
    """The name of the bus. Raises _Refused."""
    name = given
    if given.startswith("arn:"):
        place = place_of_bus(given)
        if place is None or place[:2] != (ctx.region, ctx.account):
            raise _Refused("InvalidArgument", f"{given} is a bus of another account or region: put its events there.")
        name = place[2]
    if name != DEFAULT and stored_bus(ctx.store, ctx.account, ctx.region, name) is None:
        raise _Refused("InvalidArgument", f"Event bus {name} does not exist.")
    return name


def _detail(text: str) -> dict[str, Any]:
    try:
        detail = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _Refused("MalformedDetail", f"Detail is malformed. {error}.") from None
    if not isinstance(detail, dict):
        raise _Refused("MalformedDetail", "Detail is malformed. It must be a JSON object.")
    return detail


def _size(entry: Doc) -> int:
    texts = [entry[member] for member in ("Source", "DetailType", "Detail") if member in entry]
    total = sum(len(text.encode("utf-8", "replace")) for text in (*texts, *entry.get("Resources", ())))
    return total + (_TIME_BYTES if "Time" in entry else 0)
