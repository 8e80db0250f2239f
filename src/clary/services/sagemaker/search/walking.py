"""Which rows a search looks at, and in which order.

Where a filter that must hold names one resource, or those of a trial, an experiment or a source, only these are looked
at. Where the order is one that the store keeps, rows come in it, and a page that is full ends the search. All other
searches look at every row of the kind, a few hundred at a time, and let others in between.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.page import position
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where
from clary.services.sagemaker.experiments.associations import component_name
from clary.services.sagemaker.experiments.names import ASSOCIATION, COMPONENT, TRIAL, key
from clary.services.sagemaker.search.kinds import Kind

STEP: Final = 100
"""Rows between two pauses: some milliseconds."""
FEW: Final = 1_000
"""So many components of a trial or an experiment are looked up one by one; of more, all components are looked at."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A filter that leaves few rows: it names one (`name`), or what they are associated with or made of (`where`,
    `source`)."""

    name: str | None = None
    where: Where | None = None
    source: str | None = None


def narrowed(ctx: Context, kind: Kind, expression: Doc) -> Narrowed | None:
    """By the expression alone, so that all pages of a search are found the same way; None: no filter leaves few."""
    if expression.get("Operator") == "Or":
        return None
    for one in expression.get("Filters") or []:
        if one.get("Operator", "Equals") != "Equals" or "Value" not in one:
            continue
        name, value = one["Name"], one["Value"]
        if kind.name and name in (kind.name, kind.name.rpartition(".")[2]):
            return Narrowed(name=key(value) if kind.folded else value)
        found = _related(ctx, kind, name, value)
        if found is not None:
            return found
    return None


def _related(ctx: Context, kind: Kind, name: str, value: str) -> Narrowed | None:
    match kind.kind, name:
        case "experiment-trial-component", "Parents.TrialName":
            return Narrowed(where=Where(ctx.account, ctx.region, phase=key(value)))
        case ("experiment-trial-component", "Parents.ExperimentName") | ("experiment-trial", "ExperimentName"):
            return Narrowed(where=Where(ctx.account, ctx.region, parent=key(value)))
        case "experiment-trial-component", "Source.SourceArn":
            return Narrowed(source=value.lower())
    return None


async def few(ctx: Context, kind: Kind, these: Narrowed) -> AsyncIterator[Resource] | None:
    """Those of the rows that are there; None: they are not few."""
    if these.source is not None:
        return _there(ctx.store.referring(ctx.account, ctx.region, COMPONENT, these.source))
    if these.where is None:
        return _named(ctx, kind, [these.name or ""])
    if kind.kind == TRIAL:
        return rows(ctx, TRIAL, these.where)
    if ctx.store.count(ASSOCIATION, these.where) > FEW:
        return None
    names = {component_name(one): None async for one in rows(ctx, ASSOCIATION, these.where)}
    return _named(ctx, kind, list(names))


async def _there(found: list[Resource]) -> AsyncIterator[Resource]:
    for one in found:
        yield one


async def _named(ctx: Context, kind: Kind, names: list[str]) -> AsyncIterator[Resource]:
    for number, name in enumerate(names, 1):
        try:
            yield ctx.store.get(ctx.account, ctx.region, kind.kind, name)
        except Missing:
            continue
        if number % STEP == 0:
            await asyncio.sleep(0)


def every(
    ctx: Context, kind: Kind, order: Order = "name", descending: bool = False, after: list[Any] | None = None
) -> AsyncIterator[Resource]:
    """All rows of the kind behind `after`, in the order."""
    return rows(ctx, kind.kind, Where(account=ctx.account, region=ctx.region), order, descending, after)


async def rows(
    ctx: Context,
    kind: str,
    where: Where,
    order: Order = "name",
    descending: bool = False,
    after: list[Any] | None = None,
) -> AsyncIterator[Resource]:
    """All rows behind `after`, in the order; others are let in between."""
    while True:
        found = ctx.store.page(kind, where, order=order, descending=descending, after=after, limit=STEP)
        for one in found:
            yield one
        if len(found) < STEP:
            return
        after = position(found[-1], order)
        await asyncio.sleep(0)  # nobody waits for a search longer than for so many rows
