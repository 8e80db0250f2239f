"""Schedule groups, their tags, and how they end: with all their schedules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel.errors import BadToken, Exists, Missing, Stale
from clary.kernel.page import paginate
from clary.kernel.reconcile import Step, again, gone, rest
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Store, Where
from clary.services.scheduler.api import (
    DEFAULT,
    GROUP,
    SCHEDULE,
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
    find_group,
    new_group,
    service,
)

MACHINE: Final = StateMachine("State", "ACTIVE", {"ACTIVE": {"DELETING"}})
MOST_GROUPS: Final = 500
"""Of a region, as AWS's quota is at first."""
_MOST_TAGS: Final = 50
_AT_ONCE: Final = 200


@service.operation("CreateScheduleGroup")
async def create_schedule_group(ctx: Context, req: Doc) -> Doc:
    """The group is there and empty; asked again with the same ClientToken, the same answer. Errors: ConflictException,
    ValidationException, ServiceQuotaExceededException."""
    name = req["Name"]
    tags = _checked(req.get("Tags", ()))
    if ctx.store.count(GROUP, Where(ctx.account, ctx.region)) >= MOST_GROUPS:
        raise ServiceQuotaExceededException(f"A region has at most {MOST_GROUPS} schedule groups.")
    if name == DEFAULT:
        raise ConflictException(f"Schedule group {name} already exists.")
    try:
        made = ctx.store.create(new_group(ctx, name, tags, req.get("ClientToken")))
    except Exists:
        made = find_group(ctx, name)
        if req.get("ClientToken") is None or made.status.get("_token") != req["ClientToken"]:
            raise ConflictException(f"Schedule group {name} already exists.") from None
    return {"ScheduleGroupArn": made.arn}


@service.operation("GetScheduleGroup")
async def get_schedule_group(ctx: Context, req: Doc) -> Doc:
    """The group as it is. Errors: ResourceNotFoundException."""
    return described(find_group(ctx, req["Name"]))


@service.operation("ListScheduleGroups")
async def list_schedule_groups(ctx: Context, req: Doc) -> Doc:
    """The groups by name. Errors: ValidationException (a foreign NextToken)."""
    find_group(ctx, DEFAULT)
    where = Where(ctx.account, ctx.region, name_prefix=req.get("NamePrefix"))
    found, more = page(ctx, GROUP, where, req)
    return {"ScheduleGroups": [described(one) for one in found], **more}


@service.operation("DeleteScheduleGroup", ignores=("ClientToken",))
async def delete_schedule_group(ctx: Context, req: Doc) -> Doc:
    """The group fires nothing any more, and is gone with its schedules soon after. Errors: ResourceNotFoundException,
    ValidationException (the default group)."""
    if req["Name"] == DEFAULT:
        raise ValidationException("The default schedule group cannot be deleted.")
    while True:
        group = find_group(ctx, req["Name"])
        try:
            if group.phase != "DELETING":
                ctx.store.update(group, phase="DELETING", due=ctx.clock.now())
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The group has these tags beside its others. Errors: ResourceNotFoundException, ValidationException."""
    added = _checked(req["Tags"])
    _change(ctx, req["ResourceArn"], lambda tags: {**tags, **added})
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The group has none of these tags. Errors: ResourceNotFoundException."""
    gone_ = set(req["TagKeys"])
    _change(ctx, req["ResourceArn"], lambda tags: {key: tags[key] for key in tags if key not in gone_})
    return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """All tags of the group. Errors: ResourceNotFoundException."""
    tags = kept_tags.of(_of_arn(ctx, req["ResourceArn"]))
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}


class GroupEnd:
    """Desired: a group that is being deleted has no schedules, and then is no more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, group: Resource) -> Step:
        if group.phase != "DELETING":
            return rest()
        where = Where(group.account, group.region, parent=group.name)
        left = self._store.page(SCHEDULE, where, limit=_AT_ONCE)
        for one in left:
            try:
                self._store.delete(one)
            except Stale:
                return again(0.1)  # it fires just now
        return again(0.0) if len(left) == _AT_ONCE else gone()

    def give_up(self, group: Resource, error: Exception) -> Step:
        """Never: it was asked to be gone."""
        return again(60.0)


def described(group: Resource) -> Doc:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": group.phase,
        "CreationDate": group.created,
        "LastModificationDate": group.modified,
    }


def page(ctx: Context, kind: str, where: Where, req: Doc) -> tuple[list[Resource], Doc]:
    """One page by name, and the answer's NextToken where there is more. Raises ValidationException."""
    try:
        found, token = paginate(ctx.store, kind, where, limit=req.get("MaxResults", 100), token=req.get("NextToken"))
    except BadToken as error:
        raise ValidationException(f"Invalid NextToken: {error}.") from None
    return found, {} if token is None else {"NextToken": token}


def tags_of(ctx: Context, arn: str) -> Mapping[str, str]:
    """{} where nothing is called so."""
    try:
        return kept_tags.of(ctx.store.by_arn(arn))
    except Missing:
        return {}


def _of_arn(ctx: Context, arn: str) -> Resource:
    name = arn.rpartition("/")[2]
    if arn != ctx.arn("scheduler", f"schedule-group/{name}"):
        raise ResourceNotFoundException(f"Schedule group {name} does not exist.")
    return find_group(ctx, name)


def _change(ctx: Context, arn: str, change: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
    def changed(tags: Mapping[str, str]) -> dict[str, str]:
        made = change(tags)
        _check_count(made)
        return made

    kept_tags.change(ctx.store, lambda: _of_arn(ctx, arn), changed)


def _checked(tags: Sequence[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in tags:
        key = one["Key"]
        if key in found:
            raise ValidationException(f"The tag key {key!r} is given twice.")
        if key.lower().startswith("aws:"):
            raise ValidationException(f"Tag keys that start with 'aws:' are reserved: {key!r}.")
        found[key] = one["Value"]
    _check_count(found)
    return found


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > _MOST_TAGS:
        raise ValidationException(f"A schedule group has at most {_MOST_TAGS} tags; this request makes {len(tags)}.")
