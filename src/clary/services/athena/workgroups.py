"""Work groups: whose settings a query has, and their tags. The group "primary" is always there."""

from contextlib import suppress
from typing import Any, Final

from clary.aws import kept_tags
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.athena.api import (
    ENGINE,
    EXECUTION,
    NAMED,
    PREPARED,
    PRIMARY,
    WORK_GROUP,
    InvalidRequestException,
    ResourceNotFoundException,
    group_arn,
    invalid,
    page,
    service,
)

_VERSION: Final = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE}
_DEFAULTS: Final = {
    "EnforceWorkGroupConfiguration": True,
    "PublishCloudWatchMetricsEnabled": False,
    "RequesterPaysEnabled": False,
}
_REFUSED: Final = {
    "AdditionalConfiguration": "work groups of Apache Spark",
    "CustomerContentEncryptionConfiguration": "work groups of Apache Spark",
    "ExecutionRole": "work groups of Apache Spark",
    "IdentityCenterConfiguration": "the IAM Identity Center",
    "QueryResultsS3AccessGrantsConfiguration": "S3 Access Grants",
    "EngineConfiguration": "work groups of Apache Spark",
    "MonitoringConfiguration": "work groups of Apache Spark",
}
_MOST_TAGS: Final = 50
_RESULT: Final = {
    "OutputLocation": "RemoveOutputLocation",
    "EncryptionConfiguration": "RemoveEncryptionConfiguration",
    "ExpectedBucketOwner": "RemoveExpectedBucketOwner",
    "AclConfiguration": "RemoveAclConfiguration",
}
_FLAGS: Final = (
    "EnforceWorkGroupConfiguration",
    "PublishCloudWatchMetricsEnabled",
    "RequesterPaysEnabled",
    "EnableMinimumEncryptionConfiguration",
)


def find(ctx: Context, name: str) -> Resource:
    """The group; "primary" is made when it is first asked for. Raises InvalidRequestException."""
    with suppress(Missing):
        return ctx.store.get(ctx.account, ctx.region, WORK_GROUP, name)
    if name != PRIMARY:
        raise invalid(f"WorkGroup {name} is not found.")
    with suppress(Exists):  # somebody else asked for it at the same moment
        spec = {"Name": PRIMARY, "Configuration": {**_DEFAULTS, "EnforceWorkGroupConfiguration": False}}
        ctx.store.create(_row(ctx, spec, {}))
    return ctx.store.get(ctx.account, ctx.region, WORK_GROUP, name)


def _row(ctx: Context, spec: Doc, tags: dict[str, str]) -> Resource:
    return Resource(
        WORK_GROUP,
        spec["Name"],
        ctx.account,
        ctx.region,
        uid=ids.new(),
        arn=group_arn(ctx, spec["Name"]),
        phase="ENABLED",
        spec=spec,
        status={"_tags": tags},
    )


# SystemTableStatuses is an answer: Athena, too, ignores it in requests.
@service.operation("CreateWorkGroup", ignores=("Configuration.SystemTableStatuses",))
async def create_work_group(ctx: Context, req: Doc) -> Doc:
    """The group is there. Errors: InvalidRequestException."""
    given = req.get("Configuration", {})
    _check(given)
    kept = {key: value for key, value in given.items() if key != "SystemTableStatuses"}
    configuration: Doc = {**_DEFAULTS, **kept, "EngineVersion": _version(given)}
    spec: Doc = {key: req[key] for key in ("Name", "Description") if key in req}
    spec["Configuration"] = configuration
    tags = checked_tags(req.get("Tags", []), {})
    try:
        if req["Name"] == PRIMARY:
            raise Exists(PRIMARY)
        ctx.store.create(_row(ctx, spec, tags))
    except Exists:
        raise invalid(f"WorkGroup {req['Name']} is already created.") from None
    return {}


@service.operation("GetWorkGroup")
async def get_work_group(ctx: Context, req: Doc) -> Doc:
    """The group as it is. Errors: InvalidRequestException."""
    group = find(ctx, req["WorkGroup"])
    told = {**_summary(group), "Configuration": {"EngineVersion": _VERSION, **group.spec["Configuration"]}}
    told.pop("EngineVersion")
    return {"WorkGroup": told}


@service.operation("ListWorkGroups")
async def list_work_groups(ctx: Context, req: Doc) -> Doc:
    """The groups by name. Errors: InvalidRequestException (a foreign NextToken)."""
    find(ctx, PRIMARY)
    found, more = page(ctx, WORK_GROUP, Where(ctx.account, ctx.region), req)
    return {"WorkGroups": [_summary(one) for one in found], **more}


# What they encrypt is never there: work groups of Apache Spark and managed results are refused.
@service.operation(
    "UpdateWorkGroup",
    ignores=(
        "ConfigurationUpdates.RemoveCustomerContentEncryptionConfiguration",
        "ConfigurationUpdates.ManagedQueryResultsConfigurationUpdates.EncryptionConfiguration",
        "ConfigurationUpdates.ManagedQueryResultsConfigurationUpdates.RemoveEncryptionConfiguration",
    ),
)
async def update_work_group(ctx: Context, req: Doc) -> Doc:
    """The group has these settings from the next query on. Errors: InvalidRequestException."""
    updates = req.get("ConfigurationUpdates", {})
    _check(updates)
    while True:
        group = find(ctx, req["WorkGroup"])
        configuration = _updated(group.spec["Configuration"], updates)
        spec = {**group.spec, "Configuration": configuration}
        if "Description" in req:
            spec["Description"] = req["Description"]
        try:
            ctx.store.update(group, phase=req.get("State", group.phase), spec=spec)
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("DeleteWorkGroup")
async def delete_work_group(ctx: Context, req: Doc) -> Doc:
    """The group is gone. Errors: InvalidRequestException: it is primary, or it holds queries and `RecursiveDelete...`
    is not set."""
    name = req["WorkGroup"]
    if name == PRIMARY:
        raise invalid("The primary workgroup cannot be deleted.")
    group = find(ctx, name)
    inside = Where(ctx.account, ctx.region, parent=name)
    held = [one for kind in (NAMED, PREPARED, EXECUTION) for one in ctx.store.page(kind, inside, limit=10_000)]
    if held and not req.get("RecursiveDeleteOption"):
        raise invalid(f"WorkGroup {name} is not empty: set RecursiveDeleteOption to delete what it holds, too.")
    for one in [*held, group]:
        with suppress(Stale, Missing):
            ctx.store.delete(one)
    return {}


@service.operation("ListEngineVersions")
async def list_engine_versions(ctx: Context, req: Doc) -> Doc:
    """The one there is, by the name that clients know."""
    return {"EngineVersions": [dict(_VERSION)]}


@service.operation("TagResource")
async def tag_resource(ctx: Context, req: Doc) -> Doc:
    """The work group has these tags beside its others. Errors: ResourceNotFoundException, InvalidRequestException."""
    kept_tags.change(ctx.store, lambda: _of_arn(ctx, req), lambda tags: checked_tags(req["Tags"], tags))
    return {}


@service.operation("UntagResource")
async def untag_resource(ctx: Context, req: Doc) -> Doc:
    """The work group has none of these tags. Errors: ResourceNotFoundException."""
    gone = set(req["TagKeys"])
    kept_tags.change(
        ctx.store, lambda: _of_arn(ctx, req), lambda tags: {key: tags[key] for key in tags if key not in gone}
    )
    return {}


@service.operation("ListTagsForResource")
async def list_tags_for_resource(ctx: Context, req: Doc) -> Doc:
    """All tags of the work group. Errors: ResourceNotFoundException."""
    tags = kept_tags.of(_of_arn(ctx, req))
    return {"Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}


def _of_arn(ctx: Context, req: Doc) -> Resource:
    name = req["ResourceARN"].rpartition("/")[2]
    if req["ResourceARN"] != group_arn(ctx, name):
        raise ResourceNotFoundException(
            f"{req['ResourceARN']} names no work group; only work groups have tags here", ResourceName=name
        )
    try:
        return find(ctx, name)
    except InvalidRequestException as error:
        raise ResourceNotFoundException(str(error), ResourceName=name) from None


def checked_tags(given: list[Any], before: Any) -> dict[str, str]:
    """Raises InvalidRequestException."""
    if any("Key" not in one for one in given):
        raise invalid("A tag needs a Key.")
    tags = {**before, **{one["Key"]: one.get("Value", "") for one in given}}
    if len(tags) > _MOST_TAGS:
        raise invalid(f"A work group has at most {_MOST_TAGS} tags; this request makes {len(tags)}.")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag keys that start with 'aws:' are reserved: {key!r}.")
    return tags


def _check(given: Doc) -> None:
    for member, what in _REFUSED.items():
        if given.get(member):
            raise invalid(f"{member}: {what} are not served here.")
    for member in ("ManagedQueryResultsConfiguration", "ManagedQueryResultsConfigurationUpdates"):
        if given.get(member, {}).get("Enabled"):
            raise invalid("Managed query results are not served here: set ResultConfiguration.OutputLocation.")
    for member in ("ResultConfiguration", "ResultConfigurationUpdates"):
        location = given.get(member, {}).get("OutputLocation")
        if location is not None and not location.startswith("s3://"):
            raise invalid("OutputLocation is not a valid S3 path.")


def _version(given: Doc) -> Doc:
    selected = given.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    if selected not in ("AUTO", ENGINE):
        raise invalid(f"Engine version {selected} is not supported; AUTO and '{ENGINE}' are.")
    return {"SelectedEngineVersion": selected, "EffectiveEngineVersion": ENGINE}


def _updated(before: Doc, updates: Doc) -> Doc:
    after = {**before}
    result = {**after.get("ResultConfiguration", {})}
    given = updates.get("ResultConfigurationUpdates", {})
    for member, removes in _RESULT.items():
        if given.get(removes):
            result.pop(member, None)
        if member in given:
            result[member] = given[member]
    after.pop("ResultConfiguration", None)
    if result:
        after["ResultConfiguration"] = result
    for member in _FLAGS:
        if member in updates:
            after[member] = updates[member]
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        after.pop("BytesScannedCutoffPerQuery", None)
    if "BytesScannedCutoffPerQuery" in updates:
        after["BytesScannedCutoffPerQuery"] = updates["BytesScannedCutoffPerQuery"]
    if "EngineVersion" in updates:
        after["EngineVersion"] = _version(updates)
    return after


def _summary(group: Resource) -> Doc:
    told = {
        "Name": group.name,
        "State": group.phase,
        "CreationTime": group.created,
        "EngineVersion": group.spec["Configuration"].get("EngineVersion", _VERSION),
    }
    return {**told, **({"Description": group.spec["Description"]} if "Description" in group.spec else {})}
