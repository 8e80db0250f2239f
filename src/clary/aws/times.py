"""Times on the wire: epoch seconds inside, and the three ways in which AWS writes them outside."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from math import floor

EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_799.0
"""The years 1 to 9999: what a calendar can write."""


def parse(text: str) -> float:
    """Epoch seconds of an ISO 8601, RFC 822 or plain-number time, in the years 1 to 9999. Raises ValueError."""
    found = _parse(text.strip())
    if not EARLIEST <= found <= LATEST:
        raise ValueError(f"{text!r} is a time that no calendar has")
    return found


def _parse(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
        except (TypeError, IndexError):
            raise ValueError(f"{text!r} is not a time") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return found.timestamp()


def iso8601(at: float) -> str:
    """ "2026-01-31T12:00:00.000Z", always with milliseconds, as S3 and IAM write it."""
    # Split in integers: split in floats, .9996 would print as a second and 1000 milliseconds.
    millis = floor(at * 1000 + 0.5)
    moment = datetime.fromtimestamp(millis // 1000, UTC)
    # Not %Y: the C library writes the year 1 as "1".
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"


def rfc822(at: float) -> str:
    """ "Sat, 31 Jan 2026 12:00:00 GMT"; whole seconds."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC), usegmt=True)


def render(at: float, style: str) -> str:
    """By the model's timestampFormat."""
    match style:
        case "rfc822":
            return rfc822(at)
        case "unixTimestamp":
            return str(int(at)) if float(at).is_integer() else repr(at)
        case _:
            return iso8601(at)
