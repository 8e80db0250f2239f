"""May this principal do this? The policies of the caller, of the resource and of the session decide, as AWS documents.

Root of the home may do everything and is asked nothing. Identities and policies of resources come through ports, so
that this floor knows neither IAM nor S3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clary.aws.access import Ask
from clary.aws.credentials import Principal
from clary.aws.http import Request
from clary.aws.keys import Keys
from clary.aws.origin import origin
from clary.aws.policy import Decision, Malformed, Policies, Policy, Question, Who, evaluate, parse
from clary.aws.policy.document import NOTHING_AT_ALL, Kind
from clary.aws.service import Context


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller is worth: its policies, and what policies may ask of it."""

    policies: Policies = field(default_factory=Policies)
    role: str = ""
    """The ARN of a session's role, or of a federated session's user; "" for a user."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The user's or role's tags, under the session's own."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role as it is now."""

    name: str
    arn: str
    role_id: str
    trust: str
    """Its trust policy (JSON)."""
    longest_session: int
    """Seconds."""


class IdentityPolicies(Protocol):
    """The port of identities: what their policies are now."""

    def of(self, principal: Principal) -> Standing:
        """A user or role that is gone stands with nothing."""
        ...

    def role(self, arn: str) -> Role | None:
        """The role of exactly that ARN, of this account; None: there is none."""
        ...


class ResourcePolicies(Protocol):
    """The port of policies that resources carry, for example those of buckets."""

    def of(self, ask: Ask) -> str | None:
        """The policy document (JSON) that governs the resource which the ask is about; None when there is none. For an
        object, its bucket's."""
        ...


_NOBODY: Final = Standing()


class Authorizer:
    """Decides what callers other than root may do. Without an IdentityPolicies port they have no policies."""

    def __init__(self, ports: Mapping[type, Any], account: str) -> None:
        self._ports = ports
        self._account = account

    def trusted(self, principal: Principal) -> bool:
        """It may do everything, and nothing needs to be asked: the root of this home."""
        return principal.kind == "root" and principal.account == self._account

    def check(self, ctx: Context, asks: Sequence[Ask]) -> None:
        """Raises AccessDenied, under the code of the family, unless every ask is allowed."""
        if not asks and ctx.principal.account != self._account:
            asks = [Ask("sts:GetCallerIdentity")]  # what asks nothing is for everybody of the account, and nobody else
        ctx.require(*asks)

    def decide(self, ctx: Context, ask: Ask) -> Decision:
        governing = self._governing(ask)
        return self._decided(ctx, ask, governing, trusted_only=False)

    def trusts(self, ctx: Context, ask: Ask, trust: str) -> Decision:
        """May the caller do `ask` (sts:AssumeRole, sts:TagSession) to the role of that trust policy?"""
        return self._decided(ctx, ask, readable(trust, "trust"), trusted_only=True)

    def _decided(self, ctx: Context, ask: Ask, governing: Policy | None, *, trusted_only: bool) -> Decision:
        principal = ctx.principal
        if principal.kind == "anonymous":
            standing = _NOBODY
        elif principal.kind == "service":
            # Of its own account's services nobody else's resource needs to know: the account is not asked.
            question = Question(ask.action, ask.resource, Keys(ctx, ask, "", {}), Who(service=principal.arn))
            return evaluate(_NOBODY.policies, governing, question, trusted_only=trusted_only)
        elif principal.account != self._account:
            return Decision("implicitDeny", f"because it is not of the account {self._account}")
        else:
            identities: IdentityPolicies | None = self._ports.get(IdentityPolicies)
            standing = _NOBODY if identities is None else identities.of(principal)
        who = Who(principal.account, principal.arn, standing.role)
        question = Question(ask.action, ask.resource, Keys(ctx, ask, standing.role, standing.tags), who)
        return evaluate(standing.policies, governing, question, trusted_only=trusted_only)

    def _governing(self, ask: Ask) -> Policy | None:
        carried: ResourcePolicies | None = self._ports.get(ResourcePolicies)
        if carried is None or ask.resource == "*":
            return None
        text = carried.of(ask)
        return None if text is None else readable(text, "resource")


def readable(text: str, kind: Kind, name: str = "") -> Policy:
    """The stored document compiled; one that cannot be read denies everything: what it would have denied is not
    known. (Documents are checked before they are stored, so that only a file changed by hand comes to this.)"""
    try:
        return parse(text, kind, name)
    except Malformed:
        return _DENIES_ALL if kind != "identity" else parse(NOTHING_AT_ALL, "identity", name)


_DENIES_ALL: Final = parse(
    '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}',
    "resource",
)


def service_may_assume(role: Role, service: str, keys: Mapping[str, str]) -> bool:
    """The trust policy lets an AWS service, for example "sagemaker.amazonaws.com", act as the role. `keys` are
    condition keys in lower case, for example aws:sourceaccount."""
    lookup = {key: (value,) for key, value in keys.items()}.get
    question = Question("sts:AssumeRole", role.arn, lookup, Who(service=service))
    return evaluate(Policies(), readable(role.trust, "trust"), question, trusted_only=True).allowed


def origin_of(request: Request) -> Mapping[str, str]:
    """Where a request came from, as condition keys in lower case."""
    return origin(request.client, request.headers, request.scheme)
