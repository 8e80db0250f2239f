"""Who is named by a policy that a resource carries, and how firmly.

It matters how a policy names its caller. Naming the session or the user itself gives the permission outright; naming
the role still leaves its boundary and its session policies to be asked; naming the account only lets the account's own
policies decide.
"""

import re
from enum import IntEnum
from typing import Any, Final, NamedTuple

from clary.aws.policy.errors import Malformed

_ACCOUNT: Final = re.compile(r"(\d{12})|arn:aws[\w-]*:iam::(\d{12}):root")
_ARN: Final = re.compile(r"arn:aws[\w-]*:(iam|sts)::\d{12}:(user|role|assumed-role|federated-user)/.+", re.DOTALL)
_KINDS: Final = ("AWS", "Service", "Federated", "CanonicalUser")


class Grip(IntEnum):
    """How firmly a statement names the caller."""

    NONE = 0
    ACCOUNT = 1
    """Its account: the account's own policies must allow it too."""
    ROLE = 2
    """Its role, or the user that a federated session comes from: boundary and session policies still bind."""
    EVERYBODY = 3
    """The star: outright for users and strangers, as a role for sessions."""
    SELF = 4
    """Itself: nothing that is merely silent takes it away."""


class Who(NamedTuple):
    """The caller as policies of resources may name it."""

    account: str = ""
    """12 digits; "" for strangers and AWS services."""
    own: str = ""
    """The ARN of the user, or of the session."""
    role: str = ""
    """The ARN of the session's role, or of a federated session's user; "" for a user."""
    service: str = ""
    """For example "sagemaker.amazonaws.com"; "" when it is no service."""


class Principals:
    """The element Principal or NotPrincipal of a statement."""

    __slots__ = ("_accounts", "_arns", "_everybody", "_services", "inverted")

    def __init__(self, element: Any, *, inverted: bool = False) -> None:
        """Raises Malformed."""
        self.inverted = inverted
        self._accounts: set[str] = set()
        self._arns: set[str] = set()
        self._services: set[str] = set()
        self._everybody = element == "*"
        if self._everybody:
            return
        if not isinstance(element, dict) or not element:
            raise Malformed('Invalid principal in policy: write "*", or an object such as {"AWS": "<ARN>"}.')
        for kind, given in element.items():
            if kind not in _KINDS:
                raise Malformed(f"Invalid principal in policy: {kind!r} is none of {', '.join(_KINDS)}.")
            for one in given if isinstance(given, list) else [given]:
                if not isinstance(one, str):
                    raise Malformed("Invalid principal in policy: a principal is a string.")
                self._take(kind, one)

    def _take(self, kind: str, one: str) -> None:
        if kind == "Service":
            self._services.add(one)
            return
        if kind != "AWS":
            return  # Nobody signs in through a federation or with a canonical id here, so these name no caller.
        account = _ACCOUNT.fullmatch(one)
        if one == "*":
            self._everybody = True
        elif account is not None:
            self._accounts.add(account[1] or account[2])
        elif _ARN.fullmatch(one) or re.fullmatch(r"A(ID|RO)A[A-Z0-9]+", one):
            self._arns.add(one)
        else:
            raise Malformed(f'Invalid principal in policy: "AWS":"{one}"')

    def grip(self, who: Who) -> Grip:
        """How firmly the caller is named; for NotPrincipal: EVERYBODY unless it is left out by every name it has."""
        if self.inverted:
            return Grip.NONE if self._leaves_out(who) else Grip.EVERYBODY
        if who.own in self._arns:
            return Grip.SELF
        if who.service and who.service in self._services:
            return Grip.SELF
        if self._everybody:
            return Grip.EVERYBODY
        if who.role and who.role in self._arns:
            return Grip.ROLE
        if who.account and who.account in self._accounts:
            return Grip.ACCOUNT
        return Grip.NONE

    def _leaves_out(self, who: Who) -> bool:
        """As AWS advises to write it: the account, the role and the session must all be listed."""
        if self._everybody:
            return True
        if who.service:
            return who.service in self._services
        names = [name for name in (who.own, who.role) if name]
        return bool(names) and who.account in self._accounts and all(name in self._arns for name in names)
