"""Tags of any resource of SageMaker.

The tags of the Create request stay in its spec. A change goes to a row of its own, named by the resource's uid, so that
tagging never competes with a reconciler for the resource, and a resource made again under an old name inherits nothing.
"""

from collections.abc import Callable

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker import group_tags
from clary.services.sagemaker.api import service
from clary.services.sagemaker.errors import require

KIND = "sagemaker-tags"
MOST = 50

Tags = dict[str, str]


def check(tags: list[Doc] | None) -> Tags:
    """The tags by key. Raises ValidationException for a key given twice or a reserved one."""
    found: Tags = {}
    for one in tags or []:
        key = one["Key"]
        require(key not in found, f"Duplicate tag keys found. Please note that Tag keys are case-sensitive: {key}")
        require(not key.lower().startswith("aws:"), f"Tag keys that start with 'aws:' are reserved: {key}")
        found[key] = one["Value"]
    return found


def of(store: Store, one: Resource) -> Tags:
    """The tags that hold now."""
    try:
        changed: Tags = store.get(one.account, one.region, KIND, one.uid).spec["Tags"]
    except Missing:
        return check(one.spec.get("Tags"))
    return changed


def forget(store: Store, one: Resource) -> None:
    """The row of a deleted resource's tags is gone. A crash before this leaves a row that nothing can reach."""
    try:
        store.delete(store.get(one.account, one.region, KIND, one.uid))
    except (Missing, Stale):
        return


@service.operation("AddTags")
async def add_tags(ctx: Context, req: Doc) -> Doc:
    """The given tags hold, over older ones of the same keys; the answer is all tags. Errors: ValidationException, also
    for an approval rule or an alias of a model package group that cannot be."""
    added = check(req["Tags"])
    one = _resource(ctx, req["ResourceArn"])
    if one.kind == group_tags.KIND:
        group_tags.check(ctx.store, one, added)
    return {"Tags": _wire(change(ctx, req["ResourceArn"], lambda tags: {**tags, **added}))}


@service.operation("ListTags")
async def list_tags(ctx: Context, req: Doc) -> Doc:
    """All tags, in one page: a resource has no more than 50, and a page no fewer."""
    one = _resource(ctx, req["ResourceArn"])
    require("NextToken" not in req, "NextToken is not one that ListTags gave out: all tags come in one page")
    return {"Tags": _wire(of(ctx.store, one))}


@service.operation("DeleteTags")
async def delete_tags(ctx: Context, req: Doc) -> Doc:
    """Tags of these keys hold no more; keys that had none are no error."""
    keys = set(req["TagKeys"])
    change(ctx, req["ResourceArn"], lambda tags: {key: value for key, value in tags.items() if key not in keys})
    return {}


def change(ctx: Context, arn: str, changed: Callable[[Tags], Tags]) -> Tags:
    """The resource's tags are what `changed` makes of them; whether anybody may is not asked. Raises
    ValidationException for too many, and where there is no such resource."""
    while True:
        one = _resource(ctx, arn)
        tags = changed(of(ctx.store, one))
        require(len(tags) <= MOST, f"A resource has at most {MOST} tags; this request would make {len(tags)}")
        try:
            try:
                ctx.store.update(ctx.store.get(one.account, one.region, KIND, one.uid), spec={"Tags": tags})
            except Missing:
                row = Resource(KIND, one.uid, one.account, one.region, uid=ids.new(), spec={"Tags": tags})
                ctx.store.create(row)
        except (Stale, Exists):
            continue  # Somebody else changed the tags between the look and the write: look again.
        return tags


def _resource(ctx: Context, arn: str) -> Resource:
    try:
        one = ctx.store.by_arn(arn)
    except Missing:
        one = None
    if one is None or (one.account, one.region) != (ctx.account, ctx.region):
        raise ValidationException(f'Could not find resource "{arn}".')
    return one


def _wire(tags: Tags) -> list[Doc]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
