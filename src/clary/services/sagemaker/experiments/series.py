"""Where the service sagemaker-metrics keeps its values: in trial components."""

from collections.abc import Sequence
from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Resource
from clary.services.sagemaker.experiments import points
from clary.services.sagemaker.experiments.measures import PUT, Point
from clary.services.sagemaker.experiments.names import COMPONENT, find
from clary.services.sagemaker.experiments.tracking import KINDS, component_of

MOST_METRICS: Final = 500
"""Metrics that one component has of what was put: their measures stand in its row."""

_Value = tuple[str, float, int | None, float]


class Series:
    """The port."""

    def put(self, ctx: Context, component: str, values: Sequence[_Value]) -> frozenset[str]:
        """Kept; the answer are the names of metrics that there is no room for. Raises ResourceNotFound."""
        while True:
            found = find(ctx, COMPONENT, component)
            known = set(found.status.get(PUT) or ())
            full: set[str] = set()
            for name, *_ in values:
                (full if name not in known and len(known) >= MOST_METRICS else known).add(name)
            kept = [Point(*one) for one in values if one[0] not in full]
            try:
                if kept:
                    points.add(ctx.store, found, kept)
            except Stale:
                continue  # it was written meanwhile: look again
            return frozenset(full)

    def read(self, ctx: Context, arn: str, name: str) -> Sequence[_Value] | None:
        """By the ARN of a component or of a job; None: there is none."""
        component = _named(ctx, arn)
        return None if component is None else list(points.read(ctx.store, component, name))


def _named(ctx: Context, arn: str) -> Resource | None:
    start = ctx.arn("sagemaker", "")
    if not arn.startswith(start):
        return None
    kind, _, name = arn[len(start) :].partition("/")
    if kind in KINDS:
        name = component_of(kind, name)
    elif kind != COMPONENT:
        return None
    try:
        return ctx.store.get(ctx.account, ctx.region, COMPONENT, name.lower())
    except Missing:
        return None
