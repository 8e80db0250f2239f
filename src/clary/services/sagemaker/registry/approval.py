"""Who approved a version, when, and in which words; and whether the rules of its group let it be approved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clary.approval_rules import Beat, NotARule, Rules, of_setting, of_tags
from clary.aws import times
from clary.aws.errors import AccessDenied, ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.numbers import Ambiguous, named
from clary.services.sagemaker import tags
from clary.services.sagemaker.registry import measures, serving
from clary.services.sagemaker.registry.names import find_group

APPROVED: Final = "Approved"
PENDING: Final = "PendingManualApproval"
RESERVED: Final = "clary:"
"""CustomerMetadataProperties under such keys are the registry's own: they are shown, and nobody can set them."""
PAGE: Final = "clary:page"
"""But this one is for whoever registers: where the document of the model's page is."""
_HISTORY: Final = "_decisions"
_WAITING: Final = "_approvals"
"""First approvals of a version that needs two."""
_MOST_SHOWN: Final = 5
_MOST_WORDS: Final = 256
"""Of a value of CustomerMetadataProperties."""
_MOST_COMMENT: Final = 1024


@dataclass(frozen=True, slots=True)
class HomeRules:
    """The port of the home's own approval rules."""

    rules: Rules = field(default_factory=Rules)

    @classmethod
    def of(cls, setting: str) -> "HomeRules":
        """Raises ValueError for words that are no rule: a home whose rules cannot be read does not start."""
        return cls(of_setting(setting))


def rules_of(ctx: Context, group_name: str) -> Rules:
    """What must hold for versions of the group: the home's rules, and those of its tags. Raises ValidationException for
    a tag that is no rule: nothing is approved past a rule that cannot be read."""
    home: HomeRules = ctx.ports.get(HomeRules) or HomeRules()
    try:
        return of_tags(tags.of(ctx.store, find_group(ctx, group_name)), home.rules)
    except NotARule as error:
        raise ValidationException(f"A tag of the model package group {group_name} cannot be read: {error}") from None


def check_created(ctx: Context, candidate: Resource) -> None:
    """A version may be Approved from its first moment. Raises ValidationException or AccessDenied, with the rule."""
    rules = rules_of(ctx, candidate.parent)
    if rules.two_persons or rules.not_author:
        rule = "two-persons" if rules.two_persons else "not-author"
        raise AccessDenied(
            f"The approval rule {rule} of {candidate.parent} wants somebody besides the author: register the version "
            f"with ModelApprovalStatus {PENDING}, and let others approve it."
        )
    _check_measured(ctx, candidate, rules)


def decided(ctx: Context, package: Resource, spec: Doc, asked: str, comment: str) -> tuple[Doc, Doc]:
    """(the spec, members of the status) once the caller has decided. An approval that needs a second one is kept and
    shown, and the version stays PendingManualApproval. Raises ValidationException or AccessDenied with the rule that
    is broken."""
    if asked == APPROVED and package.spec.get("ModelApprovalStatus") == APPROVED:
        return spec, {}
    decision = {"status": asked, "by": ctx.principal.arn, "at": ctx.clock.now(), "comment": comment}
    history = [*(package.status.get(_HISTORY) or []), decision]
    if asked != APPROVED:
        return {**spec, "ModelApprovalStatus": asked}, {_HISTORY: history, _WAITING: None}
    rules = rules_of(ctx, package.parent)
    me = person(ctx.principal.arn)
    if rules.not_author and me == _author(package):
        raise AccessDenied(
            f"The approval rule not-author of {package.parent}: {me} registered version {package.name} and cannot "
            "approve it. Let somebody else do so."
        )
    _check_measured(ctx, package, rules)
    waiting: list[Doc] = package.status.get(_WAITING) or []
    if not rules.two_persons:
        return {**spec, "ModelApprovalStatus": APPROVED}, {_HISTORY: history, _WAITING: None}
    if any(person(one["by"]) == me for one in waiting):
        raise AccessDenied(
            f"The approval rule two-persons of {package.parent}: {me} has approved version {package.name} already. "
            "The second approval must come from somebody else."
        )
    if not waiting:
        told = f"1 of 2 approvals: {ctx.principal.arn}{f': {comment}' if comment else ''}"
        shown = {**spec, "ModelApprovalStatus": PENDING, "ApprovalDescription": told[:_MOST_COMMENT]}
        return shown, {_HISTORY: history, _WAITING: [decision]}
    both = [*waiting, decision]
    words = "; ".join(f"{one['by']}{': ' + one['comment'] if one['comment'] else ''}" for one in both)
    final = {**spec, "ModelApprovalStatus": APPROVED, "ApprovalDescription": words[:_MOST_COMMENT]}
    return final, {_HISTORY: history, _WAITING: None}


def check_unchanged(ctx: Context, package: Resource, req: Doc, defining: Sequence[str]) -> Doc:
    """What was approved under rules stays as it was. Raises ValidationException for a change of what the model is made
    of; a first approval is void once that has changed: the status member that says so."""
    changed = [member for member in defining if req.get(member)]
    if not changed or not package.parent or not rules_of(ctx, package.parent):
        return {}
    if package.spec.get("ModelApprovalStatus") == APPROVED:
        raise ValidationException(
            f"Version {package.name} is Approved under the rules of its group: {', '.join(changed)} cannot change. "
            "Register a new version."
        )
    return {_WAITING: None}


def person(arn: str) -> str:
    """Whom an identity stands for. All sessions of a role count as one: who assumes a role names the session freely."""
    if ":assumed-role/" not in arn:
        return arn
    return arn.rpartition("/")[0].replace(":sts:", ":iam:").replace(":assumed-role/", ":role/")


def shown(package: Resource) -> dict[str, str]:
    """The last decisions, in words, as CustomerMetadataProperties show them: who, when, and the comment."""
    history: list[Doc] = package.status.get(_HISTORY) or []
    first = max(0, len(history) - _MOST_SHOWN)
    return {
        f"{RESERVED}decision-{number}": _told(one)[:_MOST_WORDS]
        for number, one in enumerate(history[first:], first + 1)
    }


def _told(one: Mapping[str, Any]) -> str:
    comment = f": {one['comment']}" if one["comment"] else ""
    return f"{one['status']} by {one['by']} at {times.iso8601(one['at'])}{comment}"


def _author(package: Resource) -> str:
    made = (package.status.get("CreatedBy") or {}).get("IamIdentity") or {}
    return person(made.get("Arn", ""))


def _check_measured(ctx: Context, candidate: Resource, rules: Rules) -> None:
    """The rules about metrics hold. Raises ValidationException."""
    for bound in rules.bounds:
        value = _number(candidate, bound.metric, str(bound))
        if not bound.holds(value):
            raise ValidationException(
                f"The approval rule {bound} of {candidate.parent} does not hold: version {candidate.name} has {value:g}"
            )
    if not rules.beats:
        return
    endpoint = rules.endpoint or f"{candidate.parent}-production"
    for served in serving.versions(ctx, candidate.parent, endpoint):
        if served.uid != candidate.uid:
            _check_beats(candidate, served, endpoint, rules.beats)


def _check_beats(candidate: Resource, served: Resource, endpoint: str, beats: Sequence[Beat]) -> None:
    for beat in beats:
        value = _number(candidate, beat.metric, str(beat))
        best = _number(served, beat.metric, str(beat))
        if not beat.holds(value, best):
            raise ValidationException(
                f"The approval rule {beat} of {candidate.parent} does not hold: version {candidate.name} has "
                f"{value:g}, and version {served.name}, which the endpoint {endpoint} serves, has {best:g}"
            )


def _number(package: Resource, metric: str, rule: str) -> float:
    for found in measures.documents(package):
        try:
            value = named(found, metric)
        except Ambiguous as error:
            raise ValidationException(f"The approval rule {rule}: {error}. Name the whole path.") from None
        if value is not None:
            return value
    known = ", ".join(sorted(path for found in measures.documents(package) for path in found)) or "no metrics"
    raise ValidationException(
        f"The approval rule {rule} of {package.parent} cannot be looked at: version {package.name} has no metric "
        f"{metric!r} in its ModelMetrics ({known})"
    )
