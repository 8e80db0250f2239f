"""The decision, in the order that AWS documents for one account.

1. A statement that denies, in any policy that applies, denies.
2. A policy of the resource may allow by naming the caller: itself (then silence elsewhere takes nothing away), its role
   (then the boundary and the session policies must allow too), or its account (then the caller's own policies must).
3. Else the caller's own policies must allow, and its boundary and its session policies where it has them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from clary.aws.policy.decision import Decision
from clary.aws.policy.document import Policy, Question, Statement
from clary.aws.policy.principals import Grip

Source = Literal["identity", "boundary", "session", "resource"]

_NAMES: Final[dict[Source, tuple[str, str]]] = {
    "identity": ("an", "identity-based policy"),
    "boundary": ("a", "permissions boundary"),
    "session": ("a", "session policy"),
    "resource": ("a", "resource-based policy"),
}


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of one caller."""

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    """None: it has none, so nothing is bounded."""
    session: tuple[Policy, ...] | None = None
    """None: the session was opened without; (): nothing is allowed to it."""


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that applied."""

    source: Source
    policy: Policy
    statement: Statement


_ALLOWED: Final = Decision("allowed")


def evaluate(
    policies: Policies, governing: Policy | None, question: Question, *, trusted_only: bool = False
) -> Decision:
    """What the policies decide. `governing` is the resource's own policy, of the same account. With `trusted_only` that
    policy must allow it in any case, at least to the account: so it is with the trust policy of a role."""
    if denied := _denial(policies, governing, question):
        article, name = _NAMES[denied]
        return Decision("explicitDeny", f"with an explicit deny in {article} {name}")
    grip = Grip.NONE if governing is None else governing.grant(question)[0]
    is_session = bool(question.who.role)
    if grip is Grip.SELF or (grip is Grip.EVERYBODY and not is_session):
        return _ALLOWED
    if trusted_only and not grip:
        return _silent("resource", question)
    if grip <= Grip.ACCOUNT and not _allows(policies.identity, question):
        return _silent("identity", question)
    if policies.boundary is not None and not _allows((policies.boundary,), question):
        return _silent("boundary", question)
    if policies.session is not None and not _allows(policies.session, question):
        return _silent("session", question)
    return _ALLOWED


def matches(policies: Policies, governing: Policy | None, question: Question, *, deny: bool) -> list[Match]:
    """Every statement that applies with that effect: what SimulatePrincipalPolicy shows."""
    return [
        Match(source, policy, one)
        for source, policy in _every(policies, governing)
        for one in policy.statements
        if one.deny == deny and one.names_action(question.action) and one.grip(question)
    ]


def _every(policies: Policies, governing: Policy | None) -> Iterator[tuple[Source, Policy]]:
    for one in policies.identity:
        yield "identity", one
    if policies.boundary is not None:
        yield "boundary", policies.boundary
    for one in policies.session or ():
        yield "session", one
    if governing is not None:
        yield "resource", governing


def _denial(policies: Policies, governing: Policy | None, question: Question) -> Source | None:
    for source, policy in _every(policies, governing):
        if policy.denial(question) is not None:
            return source
    return None


def _allows(policies: tuple[Policy, ...], question: Question) -> bool:
    return any(one.grant(question)[0] for one in policies)


def _silent(source: Source, question: Question) -> Decision:
    return Decision("implicitDeny", f"because no {_NAMES[source][1]} allows the {question.action} action")
