"""The port IdentityPolicies over what IAM stores: the policies that hold for a caller at this moment.

What was read is kept for as long as nothing is written to the store, so a decision costs no look-up in a quiet hour and
is never older than the last write. Documents stay compiled over writes too.
"""

import logging
from typing import Any, Final

from clary.aws.authorize import Role, Standing, readable
from clary.aws.credentials import Known, Principal, UserKeys
from clary.aws.policy import Policies, Policy
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.iam import managed
from clary.services.iam.entities import GROUP, POLICY, ROLE, USER, attached, boundary, groups, inline, tags

LOG = logging.getLogger(__name__)

_REGION: Final = ""
_MOST_KEPT: Final = 1024
_EVERYTHING: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


class StoredIdentities:
    """clary.aws.authorize.IdentityPolicies. Lives on the thread of its store."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self._stamp: object = None
        self._kept: dict[Principal, Standing] = {}
        self._unknown: set[str] = set()

    def of(self, principal: Principal) -> Standing:
        stamp = self._store.stamp()
        if stamp != self._stamp or len(self._kept) >= _MOST_KEPT:
            self._stamp = stamp
            self._kept.clear()
        found = self._kept.get(principal)
        if found is None:
            found = self._kept[principal] = self._read(principal)
        return found

    def role(self, arn: str) -> Role | None:
        found = self._named(ROLE.kind, arn.rpartition("/")[2])
        if found is None or found.arn != arn:
            return None
        said = found.status
        return Role(found.name, found.arn, said["RoleId"], said["AssumeRolePolicyDocument"], said["MaxSessionDuration"])

    def policies_of(self, one: Resource) -> Policies:
        """The policies that a user, a group or a role carries, a user's groups among them."""
        carried = [one, *self._groups(one)] if one.kind == USER.kind else [one]
        identity = [policy for each in carried for policy in self._carried(each)]
        bound = boundary(one) if one.kind != GROUP.kind else None
        # A boundary that is gone bounds everything: silence must not widen what was bounded.
        return Policies(tuple(identity), None if bound is None else self._managed(bound) or _NOTHING)

    def document(self, arn: str) -> str | None:
        """The document in force of a managed policy, the account's own or AWS's; None: there is none."""
        if arn.startswith(managed.PREFIX):
            return managed.DOCUMENTS.get(arn)
        policy = self._named(POLICY.kind, arn.rpartition("/")[2])
        if policy is None or policy.arn != arn:
            return None
        version: dict[str, Any] = policy.status["_versions"][policy.status["DefaultVersionId"]]
        return str(version["Document"])

    def _read(self, principal: Principal) -> Standing:
        match principal.kind:
            case "user":
                entity, role = self._entity(USER.kind, "UserId", principal.arn, principal.user_id), ""
            case "assumed-role":
                # arn:aws:sts::<account>:assumed-role/<role>/<session>, <role id>:<session>
                named, role_id = principal.arn.rpartition("/")[0], principal.user_id.partition(":")[0]
                entity = self._entity(ROLE.kind, "RoleId", named, role_id)
                role = "" if entity is None else entity.arn
            case "federated-user":
                return self._federated(principal)
            case _:
                return Standing()
        if entity is None:
            return Standing()
        carried = self.policies_of(entity)
        told = {tag["Key"]: tag["Value"] for tag in tags(entity)} | dict(principal.tags)
        return Standing(Policies(carried.identity, carried.boundary, self._session(principal)), role, told)

    def _federated(self, principal: Principal) -> Standing:
        """The user's permissions, bounded by the session's policies; without any, only policies that name the session
        allow it something."""
        session = self._session(principal) or ()
        if principal.issuer == f"arn:aws:iam::{self._account}:root":
            whole = Policies((readable(_EVERYTHING, "identity"),), None, session)
            return Standing(whole, principal.issuer, dict(principal.tags))
        entity = self._named(USER.kind, principal.issuer.rpartition("/")[2])
        if entity is None or entity.arn != principal.issuer:
            return Standing()
        carried = self.policies_of(entity)
        policies = Policies(carried.identity, carried.boundary, session)
        return Standing(policies, principal.issuer, dict(principal.tags))

    def _session(self, principal: Principal) -> tuple[Policy, ...] | None:
        if principal.policies is None and not principal.policy_arns:
            return None
        found = [readable(text, "identity", "session") for text in principal.policies or ()]
        return (*found, *(policy for arn in principal.policy_arns if (policy := self._managed(arn)) is not None))

    def _entity(self, kind: str, member: str, arn: str, unique: str) -> Resource | None:
        """The user or role, unless another of the same name took its place."""
        found = self._named(kind, arn.rpartition("/")[2])
        return found if found is not None and found.status[member] == unique else None

    def _groups(self, user: Resource) -> list[Resource]:
        found = []
        for uid in groups(user):
            try:
                found.append(self._store.find(GROUP.kind, uid))
            except Missing:  # A group that is gone grants nothing, and denies nothing.
                continue
        return found

    def _carried(self, one: Resource) -> list[Policy]:
        found = [readable(text, "identity", name) for name, text in inline(one).items()]
        return found + [policy for arn in attached(one) if (policy := self._managed(arn)) is not None]

    def _managed(self, arn: str) -> Policy | None:
        document = self.document(arn)
        if document is not None:
            return readable(document, "identity", arn)
        if arn not in self._unknown:
            self._unknown.add(arn)
            LOG.warning("a policy that is attached is not known here and grants nothing", extra={"policy": arn})
        return None

    def _named(self, kind: str, name: str) -> Resource | None:
        try:
            return self._store.get(self._account, _REGION, kind, name)
        except Missing:
            return None


_NOTHING: Final = readable(
    '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "clary:Nothing", "Resource": "*"}}',
    "identity",
)
"""Allows what nobody asks for."""


class KeptUserKeys:
    """clary.aws.credentials.UserKeys: what `keys` found is kept for as long as nothing is written to the store."""

    def __init__(self, store: Store, keys: UserKeys) -> None:
        self._store = store
        self._keys = keys
        self._stamp: object = None
        self._kept: dict[str, Known] = {}

    def find(self, access_key_id: str) -> Known | None:
        stamp = self._store.stamp()
        if stamp != self._stamp or len(self._kept) >= _MOST_KEPT:
            self._stamp = stamp
            self._kept.clear()
        known = self._kept.get(access_key_id)
        if known is None:
            known = self._keys.find(access_key_id)
            if known is not None:  # Keys that are no keys are not kept: a guesser would fill the place.
                self._kept[access_key_id] = known
        return known
