"""Search and GetSearchSuggestions, imported with the first of them."""

from typing import Any, Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order
from clary.services.sagemaker import listing
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.search import matching, suggesting, walking
from clary.services.sagemaker.search.kinds import KINDS, Kind, properties
from clary.services.sagemaker.search.matching import Passes
from clary.services.sagemaker.search.paths import found_at
from clary.services.sagemaker.search.records import Records

_ORDERS: Final[dict[str, Order]] = {"LastModifiedTime": "modified", "CreationTime": "created"}
"""Orders that the store keeps."""
_FIRST, _NUMBER, _TEXT = 0, 1, 2


async def search(ctx: Context, req: Doc) -> Doc:
    """What Search answers."""
    resource = req["Resource"]
    kind = _kind(resource)
    known = properties(resource)
    expression = req.get("SearchExpression") or {}
    passes = _visible(matching.compiled(expression, known), req.get("VisibilityConditions") or [])
    by = req.get("SortBy", "LastModifiedTime")
    sort = by if by in _ORDERS else known.written(by)
    descending = req.get("SortOrder", "Descending") == "Descending"
    if req.get("CrossAccountFilterOption") == "CrossAccount":
        return {"Results": []}  # no other account shares anything with this home
    named = [*(known.written(one) for one in matching.named(expression)), sort]
    wanted = {one.partition(".")[0] for one in named} | ({"Tags"} if req.get("VisibilityConditions") else set())
    asked = _Asked(ctx, req, resource, Records(ctx, resource, frozenset(wanted)), passes, sort, descending)
    these = walking.narrowed(ctx, kind, expression)
    if these is None and by in _ORDERS:
        rows, more = await asked.walked(_ORDERS[by])
    else:
        rows, more = await asked.gathered(these)
    return {"Results": [{kind.member: asked.records.shown(one)} for one in rows], **more}


async def suggestions(ctx: Context, req: Doc) -> Doc:
    """What GetSearchSuggestions answers."""
    kind = _kind(req["Resource"])
    hint = ((req.get("SuggestionQuery") or {}).get("PropertyNameQuery") or {}).get("PropertyNameHint", "")
    records = Records(ctx, req["Resource"], frozenset(suggesting.MEMBERS))
    found: set[str] = set()
    looked = 0
    async for one in walking.every(ctx, kind, "modified", True):
        found |= {name for name in suggesting.names(records.sought(one)) if name.lower().startswith(hint.lower())}
        looked += 1
        if looked == suggesting.MOST_LOOKED or len(found) >= suggesting.MOST:
            break
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in sorted(found)[: suggesting.MOST]]}


def _kind(resource: str) -> Kind:
    if resource not in KINDS:
        raise NotImplementedHere(
            f"Search for Resource {resource} is not served yet; searched are {', '.join(sorted(KINDS))}."
        )
    return KINDS[resource]


def _visible(passes: Passes, conditions: list[Doc]) -> Passes:
    """And no tag that a condition names has another value than it says."""
    for one in conditions:
        require(
            one.get("Key", "").startswith("Tags.") and "Value" in one,
            "A visibility condition has a Key Tags.<key> and a Value",
        )
    if not conditions:
        return passes
    told = [(one["Key"], one["Value"]) for one in conditions]
    return lambda record: (
        passes(record) and all(all(found == value for found in found_at(record, key)) for key, value in told)
    )


class _Asked:
    """One request."""

    def __init__(
        self,
        ctx: Context,
        req: Doc,
        resource: str,
        records: Records,
        passes: Passes,
        sort: str,
        descending: bool,
    ) -> None:
        self.records = records
        self._ctx, self._passes, self._sort, self._descending = ctx, passes, sort, descending
        self._kind = KINDS[resource]
        self._limit: int = req.get("MaxResults", listing.DEFAULT_PAGE)
        self._token: str | None = req.get("NextToken") or None
        conditions = req.get("VisibilityConditions") or []
        self._filters = [resource, req.get("SearchExpression") or {}, sort, descending, conditions]

    async def walked(self, order: Order) -> tuple[list[Resource], Doc]:
        """One page along an order of the store."""
        filters = page.digest("walked", *self._filters)
        after = None if self._token is None else self._place(filters, float, str, str, str)
        await self.records.prepare()
        found: list[Resource] = []
        async for one in walking.every(self._ctx, self._kind, order, self._descending, after):
            if not self._passes(self.records.sought(one)):
                continue
            if len(found) == self._limit:
                return found, {"NextToken": page.encode(page.position(found[-1], order), filters)}
            found.append(one)
        return found, {}

    async def gathered(self, these: walking.Narrowed | None) -> tuple[list[Resource], Doc]:
        """One page of all that match, sorted here."""
        filters = page.digest("sorted", *self._filters)
        after = None
        if self._token is not None:
            rank = self._place(filters)[0]
            after = tuple(self._place(filters, int, str if rank == _TEXT else float, str))
        rows = None if these is None else await walking.few(self._ctx, self._kind, these)
        if rows is None:
            await self.records.prepare()
            rows = walking.every(self._ctx, self._kind)
        keyed: list[tuple[tuple[Any, ...], str]] = []
        async for one in rows:
            record = self.records.sought(one)
            if self._passes(record):
                key = self._key(record, one)
                if after is None or (key < after if self._descending else key > after):
                    keyed.append((key, one.uid))
        keyed.sort(reverse=self._descending)
        shown = keyed[: self._limit]
        more = {"NextToken": page.encode(shown[-1][0], filters)} if len(keyed) > self._limit else {}
        found = [self._still(uid) for _, uid in shown]
        return [one for one in found if one is not None], more

    def _key(self, record: Doc, one: Resource) -> tuple[Any, ...]:
        """Where the record stands in the order: what has no such property first, then numbers, then texts."""
        if self._sort in _ORDERS:
            return _NUMBER, one.modified if self._sort == "LastModifiedTime" else one.created, one.name
        values = found_at(record, self._sort)
        value = values[0] if values else None
        if isinstance(value, int | float):
            return _NUMBER, float(value), one.name
        return (_TEXT, value, one.name) if isinstance(value, str) else (_FIRST, 0.0, one.name)

    def _still(self, uid: str) -> Resource | None:
        try:
            return self._ctx.store.find(self._kind.kind, uid)
        except Missing:  # deleted since
            return None

    def _place(self, filters: str, *types: type) -> list[Any]:
        try:
            return page.decode(self._token or "", filters, *types)
        except BadToken as error:
            raise ValidationException(f"Invalid NextToken: {error}") from None
