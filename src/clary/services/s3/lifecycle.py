"""Lifecycle rules: what is set on a bucket, checked and answered again, and what a rule says of one object. `expiry`
carries them out."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clary.aws import times
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.objects import Stat
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchLifecycleConfiguration
from clary.services.s3.settings import change, setting

DAY: Final = 86_400
_MOST: Final = 1000
_ACTIONS: Final = (
    "AbortIncompleteMultipartUpload",
    "Expiration",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "Transitions",
)
_PARTS: Final = ("And", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "Prefix", "Tag")
_LATER: Final = ("STANDARD_IA", "ONEZONE_IA")
_SMALL: Final = 128 * 1024
"""What is smaller is not worth moving, unless the configuration says otherwise."""
VARIES: Final = "varies_by_storage_class"
EVERY: Final = "all_storage_classes_128K"


@service.operation("PutBucketLifecycleConfiguration", ignores=("ChecksumAlgorithm",))
async def put_bucket_lifecycle_configuration(ctx: Context, req: Doc) -> Doc:
    """The rules are carried out: at once on what is old enough already, then every midnight (UTC). Errors:
    InvalidArgument, InvalidRequest, MalformedXML."""
    rules = [dict(rule) for rule in req.get("LifecycleConfiguration", {}).get("Rules", [])]
    if not 1 <= len(rules) <= _MOST:
        raise errors.MalformedXML
    for rule in rules:
        _check(rule)
        rule["ID"] = rule.get("ID") or ids.new()
    if len({rule["ID"] for rule in rules}) < len(rules):
        raise errors.InvalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", "")
    least = req.get("TransitionDefaultMinimumObjectSize", EVERY)
    change(ctx, req, due=ctx.clock.now(), _lifecycle={"Rules": rules, "Least": least}, _scan=None)
    return {"TransitionDefaultMinimumObjectSize": least}


@service.operation("GetBucketLifecycleConfiguration")
async def get_bucket_lifecycle_configuration(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchLifecycleConfiguration."""
    found = setting(ctx, req, "_lifecycle", NoSuchLifecycleConfiguration(req["Bucket"]))
    return {"Rules": found["Rules"], "TransitionDefaultMinimumObjectSize": found["Least"]}


@service.operation("DeleteBucketLifecycle")
async def delete_bucket_lifecycle(ctx: Context, req: Doc) -> Doc:
    """Nothing expires any more."""
    change(ctx, req, _lifecycle=None, _scan=None)
    return {}


def due_at(since: float, days: int) -> float:
    """The midnight (UTC) at which something of that age is acted on: the first after so many whole days."""
    return float((int(since) // DAY + days + 1) * DAY)


def next_midnight(now: float) -> float:
    return float((int(now) // DAY + 1) * DAY)


def enabled(configuration: Doc | None) -> list[Doc]:
    return [rule for rule in (configuration or {}).get("Rules", []) if rule["Status"] == "Enabled"]


def applies(rule: Doc, key: str, size: int | None, tags: Mapping[str, str]) -> bool:
    """`size` None: a delete marker, which no filter of size picks."""
    wanted = conditions(rule)
    if not key.startswith(wanted.get("Prefix", "")):
        return False
    if any(tags.get(one["Key"]) != one["Value"] for one in wanted.get("Tags", [])):
        return False
    above, below = wanted.get("ObjectSizeGreaterThan"), wanted.get("ObjectSizeLessThan")
    if above is None and below is None:
        return True
    return size is not None and (above is None or size > above) and (below is None or size < below)


def conditions(rule: Doc) -> Doc:
    """Prefix, Tags and the two sizes, wherever the rule wrote them."""
    found: Doc = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
    said = rule.get("Filter", {})
    found |= {name: value for name, value in said.items() if name not in ("And", "Tag")}
    if "Tag" in said:
        found["Tags"] = [said["Tag"]]
    found |= said.get("And", {})
    return found


def tags_of(stat: Stat | None) -> dict[str, str]:
    return dict(stat.meta.get("_tags", [])) if stat is not None else {}


def expiration(configuration: Doc | None, stat: Stat) -> str | None:
    """The header x-amz-expiration: when the object goes, and by which rule; None when it stays."""
    found: list[tuple[float, str]] = []
    for rule in enabled(configuration):
        action = rule.get("Expiration", {})
        if applies(rule, stat.key, stat.size, tags_of(stat)):
            if "Days" in action:
                found.append((due_at(stat.modified, action["Days"]), rule["ID"]))
            elif "Date" in action:
                found.append((float(action["Date"]), rule["ID"]))
    if not found:
        return None
    at, name = min(found)
    return f'expiry-date="{times.render(at, "rfc822")}", rule-id="{name}"'


def moved_to(rule: Doc, stat: Stat, least: str, now: float) -> str | None:
    """The storage class that the rule's transitions give the current version by now; None: none yet."""
    found: list[tuple[float, str]] = []
    for one in rule.get("Transitions", []):
        at = due_at(stat.modified, one.get("Days", 0)) if "Date" not in one else float(one["Date"])
        if at <= now and is_large_enough(rule, one["StorageClass"], stat.size, least):
            found.append((at, one["StorageClass"]))
    return max(found)[1] if found else None


def is_large_enough(rule: Doc, kind: str, size: int, least: str) -> bool:
    if conditions(rule).keys() & {"ObjectSizeGreaterThan", "ObjectSizeLessThan"}:
        return True
    return size >= _SMALL or (least == VARIES and kind in ("GLACIER", "DEEP_ARCHIVE"))


def _check(rule: Doc) -> None:
    if ("Filter" in rule) == ("Prefix" in rule):
        raise errors.MalformedXML
    said = rule.get("Filter", {})
    if len(said.keys() & set(_PARTS)) > 1:
        raise errors.MalformedXML
    if "And" in said and len(said["And"]) + len(said["And"].get("Tags", [])[1:]) < 2:
        raise errors.MalformedXML
    if len(rule.get("ID", "")) > 255:
        raise errors.InvalidArgument("ID length should not exceed allowed limit of 255", "ID", rule["ID"])
    if not rule.keys() & set(_ACTIONS):
        raise errors.InvalidRequest("At least one action needs to be specified in a rule")
    wanted = conditions(rule)
    keys = [one["Key"] for one in wanted.get("Tags", [])]
    if len(set(keys)) < len(keys):
        raise errors.InvalidRequest("Duplicate Tag Keys are not allowed.")
    above, below = wanted.get("ObjectSizeGreaterThan", 0), wanted.get("ObjectSizeLessThan")
    if above < 0 or (below is not None and below <= above + 1):
        raise errors.InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan' by 2")
    _check_expiration(rule, bool(keys))
    if keys and "AbortIncompleteMultipartUpload" in rule:
        raise errors.InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
    _positive(rule.get("AbortIncompleteMultipartUpload"), "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
    _check_noncurrent(rule)
    _check_transitions(rule.get("Transitions", []), rule.get("Expiration", {}))


def _check_expiration(rule: Doc, tagged: bool) -> None:
    if "Expiration" not in rule:
        return
    action = rule["Expiration"]
    if len(action) != 1:
        raise errors.MalformedXML
    _positive(action, "Days", "Expiration")
    _midnight(action)
    if tagged and "ExpiredObjectDeleteMarker" in action:
        raise errors.InvalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.")


def _check_noncurrent(rule: Doc) -> None:
    moves: Sequence[Doc] = rule.get("NoncurrentVersionTransitions", [])
    ends: Sequence[Doc] = [rule["NoncurrentVersionExpiration"]] if "NoncurrentVersionExpiration" in rule else []
    if any("StorageClass" not in one for one in moves):
        raise errors.MalformedXML
    for one in (*moves, *ends):
        if "NoncurrentDays" not in one:
            raise errors.MalformedXML
        _positive(one, "NoncurrentDays", "NoncurrentVersion")
        if not 1 <= one.get("NewerNoncurrentVersions", 1) <= 100:
            raise errors.InvalidArgument(
                "'NewerNoncurrentVersions' must be a positive integer up to 100",
                "NewerNoncurrentVersions",
                one["NewerNoncurrentVersions"],
            )


def _check_transitions(transitions: Sequence[Doc], ends: Doc) -> None:
    for one in transitions:
        if ("Days" in one) == ("Date" in one) or "StorageClass" not in one:
            raise errors.MalformedXML
        _midnight(one)
        days = one.get("Days", 30)
        if days < 0:
            raise errors.InvalidArgument("'Days' for Transition action must be nonnegative", "Days", days)
        if one["StorageClass"] in _LATER and days < 30:
            raise errors.InvalidArgument(
                "'Days' in Transition action must be greater than or equal to 30 for storageClass"
                f" '{one['StorageClass']}'",
                "Days",
                days,
            )
        if "Days" in one and "Days" in ends and ends["Days"] <= days:
            raise errors.InvalidArgument(
                "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
                "Days",
                ends["Days"],
            )


def _positive(action: Doc | None, name: str, where: str) -> None:
    if action is not None and name in action and not 0 < action[name] < 1 << 31:
        raise errors.InvalidArgument(f"'{name}' for {where} action must be a positive integer", name, action[name])


def _midnight(action: Doc) -> None:
    at: Any = action.get("Date", 0)
    if at % DAY:
        raise errors.InvalidArgument("'Date' must be at midnight GMT", "Date", times.render(at, "iso8601"))
