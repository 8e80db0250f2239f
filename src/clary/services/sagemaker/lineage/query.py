"""QueryLineage: what an entity was made of, and what was made of it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clary.aws import heard
from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc
from clary.kernel.store import Where
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import ResourceNotFound
from clary.services.sagemaker.lineage import entities
from clary.services.sagemaker.lineage.associations import FROM, KIND, TO, TYPES
from clary.services.sagemaker.lineage.entities import COMPONENT, KINDS, LINEAGE_TYPES, tail
from clary.services.sagemaker.lineage.walk import Edge, Walk, walk

DEEPEST: Final = 10
"""MaxDepth, and what it is where the request sets none."""
PAGE: Final = 1000
"""Vertices of an answer where the request sets no MaxResults: the SDK asks for one page only."""
_STEP: Final = 1000
_LONGEST_TYPE: Final = 40
_TIMES: Final = ("CreatedBefore", "CreatedAfter", "ModifiedBefore", "ModifiedAfter")
Glance = tuple[str, float, float]
"""An entity's type, and when it was created and modified."""


@service.operation("QueryLineage")
@heard.everything
async def query_lineage(ctx: Context, req: Doc) -> Doc:
    """The entities that pass the filters, the nearest first, and with IncludeEdges also those on the way to them and
    the edges between. Edges of a page are those that end in it and begin in it or in one before. Errors:
    ResourceNotFound, ValidationException for a token of another query."""
    starts = [_start(ctx, arn) for arn in req.get("StartArns") or []] or _everything(ctx)
    direction, depth = req.get("Direction", "Both"), req.get("MaxDepth", DEEPEST)
    ways = {"Both": (False, True), "Ascendants": (False,), "Descendants": (True,)}[direction]
    walks = [walk(ctx.store, ctx.account, ctx.region, starts, depth, down=down) for down in ways]
    depths = _depths(walks)
    filters = req.get("Filters") or {}
    matched = _matched(ctx, depths, filters)
    edged = bool(req.get("IncludeEdges"))
    shown = set(matched)
    if edged and filters:
        for one in walks:
            shown |= one.leading_to(matched & one.depths.keys())
    order = sorted((depths[one], one) for one in shown if one.partition("/")[0] in LINEAGE_TYPES)
    digest = page.digest({name: req[name] for name in sorted(req) if name not in ("NextToken", "MaxResults")})
    begin = _begin(req, digest, order)
    end = begin + req.get("MaxResults", PAGE)
    chosen = [one for _, one in order[begin:end]]
    more = {"NextToken": page.encode(list(order[end - 1]), digest)} if len(order) > end else {}
    seen = entities.glances(ctx.store, ctx.account, ctx.region, chosen)
    vertices = [_vertex(ctx, one, seen.get(one)) for one in chosen]
    edges = _edges(ctx, walks, order, begin, end) if edged else []
    return {"Vertices": vertices, "Edges": edges, **more}


def _start(ctx: Context, arn: str) -> str:
    """The tail of an ARN from which a walk can begin. Raises ResourceNotFound. (The components of jobs are made a
    moment after their jobs; their edges may be there before.)"""
    name = tail(arn)
    here = arn == f"arn:aws:sagemaker:{ctx.region}:{ctx.account}:{name}"
    if here and (_is_there(ctx, arn) or ctx.store.linked(ctx.account, ctx.region, KIND, [FROM + name, TO + name])):
        return name
    raise ResourceNotFound(f"Entity '{arn}' does not exist.")


def _is_there(ctx: Context, arn: str) -> bool:
    try:
        ctx.store.by_arn(arn)
    except Missing:
        return False
    return True


def _everything(ctx: Context) -> list[str]:
    """All entities: without StartArns a query is about all of them."""
    found: list[str] = []
    for kind in (*KINDS, COMPONENT):
        after: list[Any] | None = None
        while True:
            where = Where(account=ctx.account, region=ctx.region)
            rows = ctx.store.page(kind, where, after=after, limit=_STEP)
            found += [tail(one.arn) for one in rows]
            if len(rows) < _STEP:
                break
            after = page.position(rows[-1], "name")
    return found


def _depths(walks: Iterable[Walk]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in walks:
        for name, depth in one.depths.items():
            found[name] = min(depth, found.get(name, depth))
    return found


def _matched(ctx: Context, depths: Mapping[str, int], filters: Doc) -> set[str]:
    """Those that pass the filters. A row is read whole only where its properties decide."""
    names: Iterable[str] = depths
    if wanted := filters.get("LineageTypes"):
        names = [one for one in names if LINEAGE_TYPES.get(one.partition("/")[0]) in wanted]
    if any(filters.get(name) for name in ("Types", *_TIMES)):
        listed = list(names)
        seen = entities.glances(ctx.store, ctx.account, ctx.region, listed)
        names = [one for one in listed if _passes(one, seen.get(one), filters)]
    if wanted := filters.get("Properties"):
        rows = entities.several(ctx.store, ctx.account, ctx.region, list(names))
        names = [one for one, row in rows.items() if _has_one(row.spec.get("Properties") or {}, wanted)]
    return set(names)


def _passes(name: str, seen: Glance | None, filters: Doc) -> bool:
    types = filters.get("Types")
    if types and _type(name, seen) not in types:
        return False
    if not any(filters.get(one) for one in _TIMES):
        return True
    if seen is None:
        return False  # the component of a job, which is not written yet
    _, created, modified = seen
    return bool(
        filters.get("CreatedAfter", created) <= created <= filters.get("CreatedBefore", created)
        and filters.get("ModifiedAfter", modified) <= modified <= filters.get("ModifiedBefore", modified)
    )


def _has_one(held: Doc, wanted: Doc) -> bool:
    """One pair is enough, as AWS documents it."""
    return any(held.get(key) == value for key, value in wanted.items())


def _type(name: str, seen: Glance | None) -> str:
    kind, _, rest = name.partition("/")
    if kind == COMPONENT:
        return entities.component_type(rest)
    return "" if seen is None else seen[0]


def _vertex(ctx: Context, name: str, seen: Glance | None) -> Doc:
    kind = name.partition("/")[0]
    return {
        "Arn": f"arn:aws:sagemaker:{ctx.region}:{ctx.account}:{name}",
        "Type": _type(name, seen)[:_LONGEST_TYPE],
        "LineageType": LINEAGE_TYPES[kind],
    }


def _begin(req: Doc, digest: str, order: list[tuple[int, str]]) -> int:
    """Where the page of the request's token begins. Raises ValidationException."""
    if not req.get("NextToken"):
        return 0
    try:
        depth, name = page.decode(req["NextToken"], digest, float, str)
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}") from None
    return sum(1 for one in order if one <= (depth, name))


def _edges(ctx: Context, walks: Iterable[Walk], order: list[tuple[int, str]], begin: int, end: int) -> list[Doc]:
    known = {name for _, name in order[:end]}
    here = {name for _, name in order[begin:end]}
    # Both directions of one query may meet the same edge, where there is a circle.
    found: set[Edge] = {
        edge
        for one in walks
        for edge in one.edges
        if edge[0] in known and edge[1] in known and (edge[0] in here or edge[1] in here)
    }
    start = f"arn:aws:sagemaker:{ctx.region}:{ctx.account}:"
    return [
        {
            "SourceArn": f"{start}{source}",
            "DestinationArn": f"{start}{destination}",
            **({} if TYPES[letter] is None else {"AssociationType": TYPES[letter]}),
        }
        for source, destination, letter in sorted(found)
    ]
