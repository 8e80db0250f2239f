"""Event notifications: what is set on a bucket, checked and answered again. `happenings` tells what happens."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.resource import Doc, Resource
from clary.services.s3 import errors, notify
from clary.services.s3.api import service
from clary.services.s3.settings import bucket_of, change

TARGETS: Final = {
    "TopicConfigurations": "TopicArn",
    "QueueConfigurations": "QueueArn",
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
}
_MOST: Final = 100
_VALUE_MAX: Final = 1024
_NAMES: Final = frozenset({"prefix", "suffix"})


@service.operation("PutBucketNotificationConfiguration", ignores=("SkipDestinationValidation",))
async def put_bucket_notification_configuration(ctx: Context, req: Doc) -> Doc:
    """What happens in the bucket is told from the next request on. Errors: InvalidArgument (a target that cannot be
    reached, filters that overlap)."""
    asked = {name: one for name, one in req["NotificationConfiguration"].items() if one not in ([], None)}
    bucket = bucket_of(ctx, req)
    every = [(kind, dict(one)) for kind in TARGETS for one in asked.get(kind, [])]
    if len(every) > _MOST:
        raise errors.InvalidArgument(f"A bucket can have {_MOST} notification configurations.", "Id", len(every))
    for kind, one in every:
        _check_filter(one)
        _check_target(ctx, bucket, one[TARGETS[kind]])
        one["Id"] = one.get("Id") or ids.new()
    _check_overlaps([one for _, one in every])
    found = {kind: [one for of, one in every if of == kind] for kind in TARGETS}
    kept: Doc = {kind: some for kind, some in found.items() if some}
    if "EventBridgeConfiguration" in asked:
        kept["EventBridgeConfiguration"] = {}
    before = _targets(bucket.status.get("_notification", {}))
    change(ctx, req, _notification=kept or None)
    for arn in sorted(_targets(kept) - before):
        await notify.tell_test(ctx, bucket, arn)
    return {}


def _targets(configuration: Mapping[str, Sequence[Doc]]) -> set[str]:
    return {one[member] for kind, member in TARGETS.items() for one in configuration.get(kind, ())}


@service.operation("GetBucketNotificationConfiguration")
async def get_bucket_notification_configuration(ctx: Context, req: Doc) -> Doc:
    """Nothing where nobody is told."""
    found: Doc = bucket_of(ctx, req).status.get("_notification", {})
    return found


def targets_of(configuration: Mapping[str, Sequence[Doc]], name: str, key: str) -> list[Doc]:
    """Who is told of the event `name` ("ObjectCreated:Put") on this key: Id and Arn of each."""
    return [
        {"Id": one["Id"], "Arn": one[TARGETS[kind]]}
        for kind in TARGETS
        for one in configuration.get(kind, ())
        if any(_covers(event, name) for event in one["Events"]) and _picks(one, key)
    ]


def _covers(event: str, name: str) -> bool:
    event = event.removeprefix("s3:")
    return name == event or (event.endswith("*") and name.startswith(event[:-1]))


def _picks(one: Doc, key: str) -> bool:
    prefix, suffix = _filter(one)
    return key.startswith(prefix) and key.endswith(suffix)


def _filter(one: Doc) -> tuple[str, str]:
    rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    said = {rule.get("Name", "").lower(): rule.get("Value", "") for rule in rules}
    return said.get("prefix", ""), said.get("suffix", "")


def _check_filter(one: Doc) -> None:
    rules = one.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    names = [rule.get("Name", "").lower() for rule in rules]
    for rule, name in zip(rules, names, strict=True):
        if name not in _NAMES:
            raise errors.InvalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", name)
        if len(rule.get("Value", "").encode()) > _VALUE_MAX:
            raise errors.InvalidArgument("size of filter rule value cannot exceed 1024 bytes", "FilterRule.Value", "")
    for name in _NAMES:
        if names.count(name) > 1:
            raise errors.InvalidArgument(f"Cannot specify more than one {name} rule in a filter.", "FilterRule", name)


def _check_target(ctx: Context, bucket: Resource, arn: str) -> None:
    if not notify.reaches(ctx, bucket, arn):
        # Also when the client asks not to look: events for nobody would be lost without a word.
        raise errors.InvalidArgument(
            "Unable to validate the following destination configurations", arn, "not reachable"
        )


def _check_overlaps(every: Sequence[Doc]) -> None:
    for one, other in combinations(every, 2):
        same = any(_covers(a, b.removeprefix("s3:").rstrip("*")) or _covers(b, a.removeprefix("s3:").rstrip("*"))
                   for a in one["Events"] for b in other["Events"])  # fmt: skip
        (prefix, suffix), (prefix2, suffix2) = _filter(one), _filter(other)
        before = prefix.startswith(prefix2) or prefix2.startswith(prefix)
        behind = suffix.endswith(suffix2) or suffix2.endswith(suffix)
        if same and before and behind:
            raise errors.InvalidArgument(
                "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes"
                " are overlapping for the same event type.",
                "Event",
                one["Events"][0],
            )
