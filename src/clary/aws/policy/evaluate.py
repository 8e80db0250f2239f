"""The decision, in the order that AWS documents for one account.

1. A statement that denies, in any policy that applies, denies.
2. A policy of the resource may allow by naming the caller: itself (then silence elsewhere takes nothing away), its role
   (then the boundary and the session policies must allow too), or its account (then the caller's own policies must).
3. Else the caller's own policies must allow, and its boundary and its session policies where it has them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

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
    _plans: dict[str, "_Plan"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def plan(self, action: str) -> "_Plan":
        """The statements that name the action, found once."""
        found = self._plans.get(action)
        if found is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            found = self._plans[action] = _planned(self, action)
        return found


class _Plan(NamedTuple):
    """What policies say of one action, resources and conditions aside."""

    denying: tuple[tuple[Source, Statement], ...]
    identity: tuple[Statement, ...]
    boundary: tuple[Statement, ...] | None
    session: tuple[Statement, ...] | None


def _planned(policies: Policies, action: str) -> _Plan:
    def allowing(several: Iterable[Policy]) -> tuple[Statement, ...]:
        found = [statement for one in several for statement in one.naming(action)[1]]
        return tuple(sorted(found, key=lambda one: one.effort))  # One is enough, so the cheapest is tried first.

    return _Plan(
        tuple((source, statement) for source, one in _every(policies, None) for statement in one.naming(action)[0]),
        allowing(policies.identity),
        None if policies.boundary is None else allowing([policies.boundary]),
        None if policies.session is None else allowing(policies.session),
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A statement that applied."""

    source: Source
    policy: Policy
    statement: Statement


_ALLOWED: Final = Decision("allowed")
_MOST_PLANS: Final = 4096


def evaluate(
    policies: Policies, governing: Policy | None, question: Question, *, trusted_only: bool = False
) -> Decision:
    """What the policies decide. `governing` is the resource's own policy, of the same account. With `trusted_only` that
    policy must allow it in any case, at least to the account: so it is with the trust policy of a role."""
    plan = policies.plan(question.action)
    for source, one in plan.denying:
        if one.grip(question):
            return _denied(source)
    grip = Grip.NONE
    if governing is not None:
        denying, allowing = governing.naming(question.action)
        if any(one.grip(question) for one in denying):
            return _denied("resource")
        grip = max((one.grip(question) for one in allowing), default=Grip.NONE)
        if grip is Grip.SELF or (grip is Grip.EVERYBODY and not question.who.role):
            return _ALLOWED
    if trusted_only and not grip:
        return _silent("resource", question)
    if grip <= Grip.ACCOUNT and not _any(plan.identity, question):
        return _silent("identity", question)
    if plan.boundary is not None and not _any(plan.boundary, question):
        return _silent("boundary", question)
    if plan.session is not None and not _any(plan.session, question):
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


def _any(statements: tuple[Statement, ...], question: Question) -> bool:
    return any(one.grip(question) for one in statements)


def _denied(source: Source) -> Decision:
    article, name = _NAMES[source]
    return Decision("explicitDeny", f"with an explicit deny in {article} {name}")


def _silent(source: Source, question: Question) -> Decision:
    return Decision("implicitDeny", f"because no {_NAMES[source][1]} allows the {question.action} action")
