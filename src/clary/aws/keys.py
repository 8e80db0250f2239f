"""Condition keys of a request: those that every request has, those of its tags, and those that its operation adds."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from clary.aws.access import Ask, Given
from clary.aws.service import Context

_TYPES: Final = {
    "root": "Account",
    "user": "User",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
    "service": "Service",
    "anonymous": "Anonymous",
}
"""aws:PrincipalType by kind of principal."""


class Keys:
    """The values of each key, told when a policy asks for it. What is absent here is absent: aws:MultiFactorAuthPresent
    and aws:SourceVpc, for example, are never there."""

    __slots__ = ("_ask", "_ctx", "_role", "_said", "_tags")

    def __init__(self, ctx: Context, ask: Ask, role: str, tags: Mapping[str, str]) -> None:
        """`role` is the ARN of the session's role, or ""; `tags` are the caller's."""
        self._ctx = ctx
        self._ask = ask
        self._role = role
        self._tags = tags
        self._said: dict[str, Given] | None = None

    def __call__(self, key: str) -> tuple[str, ...] | None:
        """The values of the key (lower case); None: absent."""
        own = _OF_CALLER.get(key)
        if own is not None:
            return _values(own(self))
        tagged = self._tagged(key)
        if tagged is not None:
            return _values(tagged[0])
        if self._said is None:
            self._said = {name.lower(): given for name, given in self._ask.keys.items()}  # type: ignore[misc]
        given = self._said.get(key)
        if callable(given):
            given = self._said[key] = given()
        return _values(self._ctx.origin.get(key) if given is None else given)

    def _tagged(self, key: str) -> tuple[str | None] | None:
        """The tag behind keys such as aws:ResourceTag/team, of the service too (sagemaker:ResourceTag/team, and S3's
        s3:ExistingObjectTag/team). None: it is no such key. Tag names in keys match without regard to case."""
        kind, slash, name = key.partition("/")
        if not slash:
            return None
        tags: Mapping[str, str]
        if kind == "aws:principaltag":
            tags = self._tags
        elif kind == "aws:requesttag":
            tags = self._ask.request_tags or {}
        elif self._ask.resource_tags is not None and self._is_of_resource(kind):
            tags = self._ask.resource_tags()
        else:
            return None
        return (next((value for tag, value in tags.items() if tag.lower() == name), None),)

    def _is_of_resource(self, kind: str) -> bool:
        # Tags of objects have a key of their own, and are not seen by aws:ResourceTag.
        return kind == "s3:existingobjecttag" if self._ask.action.startswith("s3:") else kind.endswith(":resourcetag")

    def username(self) -> Given:
        principal = self._ctx.principal
        return principal.arn.rpartition("/")[2] if principal.kind == "user" else None

    def principal_arn(self) -> Given:
        """Of a session, the role's: so one condition covers all sessions of it."""
        principal = self._ctx.principal
        return (self._role if principal.kind == "assumed-role" else "") or principal.arn or None

    def token_issue_time(self) -> Given:
        issued = self._ctx.principal.issued
        return None if issued is None else _iso(issued)

    def tag_keys(self) -> Given:
        return tuple(self._ask.request_tags) if self._ask.request_tags else None

    def via_service(self) -> Given:
        return self._ctx.origin.get("aws:viaawsservice", "false")

    @property
    def context(self) -> Context:
        return self._ctx


_OF_CALLER: Final = {
    "aws:currenttime": lambda keys: _iso(keys.context.clock.now()),
    "aws:epochtime": lambda keys: str(int(keys.context.clock.now())),
    "aws:principalaccount": lambda keys: keys.context.principal.account or None,
    "aws:principalarn": Keys.principal_arn,
    "aws:principalisawsservice": lambda keys: str(keys.context.principal.kind == "service").lower(),
    "aws:principaltype": lambda keys: _TYPES[keys.context.principal.kind],
    "aws:requestedregion": lambda keys: keys.context.region,
    "aws:resourceaccount": lambda keys: keys.context.account,
    "aws:tagkeys": Keys.tag_keys,
    "aws:tokenissuetime": Keys.token_issue_time,
    "aws:userid": lambda keys: keys.context.principal.user_id,
    "aws:username": Keys.username,
    "aws:viaawsservice": Keys.via_service,
}


def _values(given: Given) -> tuple[str, ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, str) else tuple(given) or None


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
