"""SageMaker's resources, as the tagging API sees them."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.service import Context
from clary.aws.tagging import Taggable, Tagged, wire
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.services.sagemaker import tags

KINDS: Final = (
    "action",
    "artifact",
    "context",
    "endpoint",
    "endpoint-config",
    "experiment",
    "experiment-trial",
    "experiment-trial-component",
    "hyper-parameter-tuning-job",
    "model",
    "model-card",
    "model-package",
    "model-package-group",
    "pipeline",
    "processing-job",
    "training-job",
    "transform-job",
)


async def _tag(ctx: Context, arn: str, added: Mapping[str, str]) -> None:
    await ctx.call("sagemaker", "AddTags", {"ResourceArn": arn, "Tags": wire(added)})


async def _untag(ctx: Context, arn: str, keys: Sequence[str]) -> None:
    await ctx.call("sagemaker", "DeleteTags", {"ResourceArn": arn, "TagKeys": list(keys)})


def _of(kind: str) -> Taggable:
    def tagged(ctx: Context, one: Resource) -> Tagged:
        return Tagged(one.name, one.arn, tags.of(ctx.store, one))

    def page(ctx: Context, place: str, limit: int) -> list[Tagged]:
        where = Where(account=ctx.account, region=ctx.region)
        after = [place, place] if place else None
        return [tagged(ctx, one) for one in ctx.store.page(kind, where, after=after, limit=limit)]

    def find(ctx: Context, arn: str) -> Tagged | None:
        try:
            one = ctx.store.by_arn(arn)
        except Missing:
            return None
        here = (one.kind, one.account, one.region) == (kind, ctx.account, ctx.region)
        return tagged(ctx, one) if here else None

    return Taggable(f"sagemaker:{kind}", page, find, _tag, _untag)


TAGGABLES: Final = tuple(_of(kind) for kind in KINDS)
