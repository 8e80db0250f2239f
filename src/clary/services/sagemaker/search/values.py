"""Values of filters, and what they are compared with."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

_WHOLE: Final = re.compile(r"[-+]?[0-9]+")


@lru_cache(maxsize=4096)
def number(text: str) -> float | None:
    """A number, or a time (ISO 8601) as epoch seconds; None: neither."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def whole_number(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None


def contains(value: Any, part: str) -> bool:
    """The text `part`, in lower case, is in the value, or in a key or a value of the map or the list."""
    if isinstance(value, dict):
        return any(part in key.lower() or contains(one, part) for key, one in value.items())
    if isinstance(value, list):
        return any(contains(one, part) for one in value)
    return part in str(value).lower()
