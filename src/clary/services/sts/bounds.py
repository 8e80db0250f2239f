"""What a session carries: policies that bound it, and tags that policies may ask for."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from clary.aws.credentials import Principal
from clary.aws.policy import Malformed, parse
from clary.kernel.resource import Doc
from clary.services.sts.api import MalformedPolicyDocumentException, PackedPolicyTooLargeException, ValidationError

_MOST_TAGS: Final = 50
_MOST_BYTES: Final = 4096
"""Of policies, ARNs and tags together: they travel in the token with every request, in one header."""


class Bounds(NamedTuple):
    """What the request puts into the session."""

    policies: tuple[str, ...] | None
    policy_arns: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    transitive: tuple[str, ...]
    packed_percent: int | None
    """Of what there is room for; None: nothing was given."""


def bounds_of(req: Doc, caller: Principal) -> Bounds:
    """Raises MalformedPolicyDocumentException, PackedPolicyTooLargeException, ValidationError."""
    policies = (_checked(req["Policy"]),) if "Policy" in req else None
    arns = tuple(_arn(one) for one in req.get("PolicyArns", ()))
    given = {tag["Key"]: tag["Value"] for tag in req.get("Tags", ())}
    _check_tags(req, given, caller)
    handed_on = {key: value for key, value in caller.tags if key in caller.transitive}
    tags = tuple((handed_on | given).items())
    transitive = tuple(dict.fromkeys([*handed_on, *req.get("TransitiveTagKeys", ())]))
    packed = _packed([*(policies or ()), *arns, *(part for tag in tags for part in tag)])
    return Bounds(policies, arns, tags, transitive, packed)


def _checked(document: str) -> str:
    try:
        parse(document, "identity")
    except Malformed as error:
        raise MalformedPolicyDocumentException(str(error)) from None
    return document


def _arn(descriptor: Doc) -> str:
    arn: str = descriptor.get("arn", "")
    if ":policy/" not in arn or not arn.startswith("arn:aws"):
        raise ValidationError(f"PolicyArns takes ARNs of managed policies; {arn!r} is none.")
    return arn


def _check_tags(req: Doc, given: dict[str, str], caller: Principal) -> None:
    keys = [tag["Key"].lower() for tag in req.get("Tags", ())]
    if len(set(keys)) < len(keys):
        raise ValidationError("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(keys) > _MOST_TAGS:
        raise ValidationError(f"A session has {_MOST_TAGS} tags at most.")
    for key in given:
        if key.lower().startswith("aws:"):
            raise ValidationError(f"The tag key {key} begins with aws:, which is AWS's own.")
        if key in caller.transitive:
            raise ValidationError(f"The tag {key} is inherited from the calling session and cannot be set again.")
    for key in req.get("TransitiveTagKeys", ()):
        if key not in given and key not in caller.transitive:
            raise ValidationError(f"TransitiveTagKeys names {key}, which is not among the Tags.")


def _packed(parts: Iterable[str]) -> int | None:
    sizes = [len(part.encode()) for part in parts]
    if not sizes:
        return None
    percent = -(-100 * sum(sizes) // _MOST_BYTES)
    if percent > 100:
        raise PackedPolicyTooLargeException(
            f"Packed size of session policies and session tags consumes {percent}% of allotted space:"
            f" {_MOST_BYTES} bytes."
        )
    return percent
