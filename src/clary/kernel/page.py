"""Pages by key: the token says where the last page ended and which list it belongs to."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import astuple
from hashlib import blake2b
from typing import Any

import orjson

from clary.kernel.errors import BadToken
from clary.kernel.resource import Resource
from clary.kernel.store import Order, Store, Where

MOST_LOOKED = 20_000
"""Rows: some milliseconds."""
_WHOLE = 2**63 - 1
"""The largest number that a store compares with."""


def position(one: Resource, order: Order) -> list[Any]:
    """Where `one` stands in a list of that order: `[sort value, name, account, region]`."""
    return [getattr(one, order), one.name, one.account, one.region]


def digest(*filters: Any) -> str:
    """A short fingerprint of the filters of a list, the same in every process."""
    return blake2b(orjson.dumps(filters), digest_size=9).hexdigest()


def encode(place: Sequence[Any], filters: str) -> str:
    """The token that goes on behind `place` in the list whose filters have that digest."""
    return base64.urlsafe_b64encode(orjson.dumps([*place, filters])).rstrip(b"=").decode()


def decode(token: str, filters: str, *types: type) -> list[Any]:
    """The place that `encode` was given. Raises BadToken when the token is no token, or another list's.

    `types` says what the parts of the place are, float for any number: a token comes from outside, and its digest keeps
    nobody from writing another place into it."""
    try:
        said = orjson.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise BadToken("The pagination token is not one that was returned by this list") from None
    if not isinstance(said, list) or len(said) < 3 or said[-1] != filters:
        raise BadToken("The pagination token belongs to a list with other filters, order or owner")
    if not all(isinstance(part, str | int | float) for part in said):
        raise BadToken("The pagination token is not one that was returned by this list")
    place = said[:-1]
    if types and not (len(place) == len(types) and all(map(_is, place, types))):
        raise BadToken("The pagination token is not one that was returned by this list")
    return place


def _is(part: Any, wanted: type) -> bool:
    if isinstance(part, int):
        return wanted in (int, float) and abs(part) <= _WHOLE
    return isinstance(part, wanted)


def paginate(
    store: Store,
    kind: str,
    where: Where,
    order: Order = "name",
    descending: bool = False,
    limit: int = 100,
    token: str | None = None,
) -> tuple[list[Resource], str | None]:
    """Up to `limit` resources and the token of the next page; None: there is none. Raises BadToken.

    A page may hold fewer, or none, and have a next one: of a filter that no index serves, a page is as much as was
    found in MOST_LOOKED rows."""
    filters = digest(kind, astuple(where), order, descending)
    sort = float if order in ("created", "modified") else str
    after = decode(token, filters, sort, str, str, str) if token else None
    # One more than asked tells whether there is a next page, so a list that an index serves never ends on an empty one.
    found, stopped = store.look(
        kind, where, order=order, descending=descending, after=after, limit=limit + 1, most=MOST_LOOKED
    )
    if len(found) <= limit:
        return found, None if stopped is None else encode(stopped, filters)
    return found[:limit], encode(position(found[limit - 1], order), filters)
