"""What IAM keeps: users, groups, roles, managed policies, instance profiles, and access keys. One row each.

Rows refer to each other by uid (a user's groups, a key's user, a profile's role), so a rename is a change of one row,
and to policies by ARN, which never changes. What refers to something that is gone, grants nothing. Each row lists all
of that under _refers, too (`refers`), where the store finds and counts it: who is in a group, how often a policy is
attached.

| kind | name | parent | phase | members of status that are Clary's own |
|---|---|---|---|---|
| user | UserName | | | _attached, _inline, _boundary, _groups, _refers |
| group | GroupName | | | _attached, _inline, _refers |
| role | RoleName | | | _attached, _inline, _boundary, _refers, _used |
| policy | PolicyName | | | _versions, _made |
| instance-profile | InstanceProfileName | | | _role, _refers |
| access-key | AccessKeyId | uid of its user | Active, Inactive | _used |
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.iam.api import (
    REGION,
    ConcurrentModificationException,
    EntityAlreadyExistsException,
    LimitExceededException,
    NoSuchEntityException,
    UnmodifiableEntityException,
)

_TRIES: Final = 10
_ID_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of named thing."""

    kind: str
    """Of its rows, and in its ARNs."""
    title: str
    """How names of members and operations begin, for example "User"."""
    id_prefix: str
    """The letters that its unique ids begin with."""
    most: int
    """As many may an account have: AWS's default quota."""
    most_inline: int = 0
    """Characters of all inline policies of one together, white space left out."""

    @property
    def quota(self) -> str:
        """The name of that quota."""
        return f"{self.title.removesuffix('y')}iesPerAccount" if self is POLICY else f"{self.title}sPerAccount"

    @property
    def member(self) -> str:
        """The wire member that names one."""
        return f"{self.title}Name"

    def arn(self, account: str, path: str, name: str) -> str:
        return f"arn:aws:iam::{account}:{self.kind}{path}{name}"

    def missing(self, name: str) -> NoSuchEntityException:
        if self is PROFILE:
            return NoSuchEntityException(f"Instance Profile {name} cannot be found.")
        return NoSuchEntityException(f"The {self.kind} with name {name} cannot be found.")

    def exists(self, name: str) -> EntityAlreadyExistsException:
        match self.kind:
            case "policy":
                return EntityAlreadyExistsException(
                    f"A policy called {name} already exists. Duplicate names are not allowed."
                )
            case "instance-profile":
                return EntityAlreadyExistsException(f"Instance Profile {name} already exists.")
        return EntityAlreadyExistsException(f"{self.title} with name {name} already exists.")


USER: Final = Family("user", "User", "AIDA", 5000, 2048)
GROUP: Final = Family("group", "Group", "AGPA", 300, 5120)
ROLE: Final = Family("role", "Role", "AROA", 1000, 10_240)
POLICY: Final = Family("policy", "Policy", "ANPA", 1500)
PROFILE: Final = Family("instance-profile", "InstanceProfile", "AIPA", 1000)
ACCESS_KEY: Final = "access-key"
LINKED: Final = "/aws-service-role/"
"""Where the roles are that are linked to a service."""


def unique_id(prefix: str) -> str:
    """A fresh id as IAM gives them: four letters that tell the kind, and 17 that tell nothing."""
    return prefix + "".join(secrets.choice(_ID_LETTERS) for _ in range(17))


def create(ctx: Context, family: Family, req: Doc, status: Doc) -> Resource:
    """There is a new one of that family, named as `req` says. A member of `status` that is None is left
    out. Raises EntityAlreadyExistsException, LimitExceededException."""
    name, path = req[family.member], req.get("Path", "/")
    check_free(ctx, family, name)
    if ctx.store.count(family.kind, Where(account=ctx.account, region=REGION)) >= family.most:
        raise limit(family.quota, family.most)
    new = Resource(
        kind=family.kind,
        name=name,
        account=ctx.account,
        region=REGION,
        uid=ids.new(),
        arn=family.arn(ctx.account, path, name),
        spec=req,
        status={f"{family.title}Id": unique_id(family.id_prefix), **_present({**status, "_refers": refers(status)})},
    )
    try:
        return ctx.store.create(new)
    except Exists:
        raise family.exists(name) from None


def _present(doc: Doc) -> Doc:
    return {name: value for name, value in doc.items() if value is not None}


def check_free(ctx: Context, family: Family, name: str, but: str = "") -> None:
    """No other has that name, in whatever case: IAM does not tell names apart by case. `but` is the uid of who may have
    it. Raises EntityAlreadyExistsException."""
    where = Where(account=ctx.account, region=REGION, name_contains=name)
    for one in ctx.store.page(family.kind, where, limit=ALL):
        if one.name.lower() == name.lower() and one.uid != but:
            raise family.exists(name)


def named(ctx: Context, family: Family, name: str) -> Resource:
    """Raises NoSuchEntityException."""
    try:
        return ctx.store.get(ctx.account, REGION, family.kind, name)
    except Missing:
        raise family.missing(name) from None


def change(
    ctx: Context, family: Family, name: str, changed: Callable[[Resource], Mapping[str, Any]], **more: Any
) -> Resource:
    """Its status has the members that `changed` gives, computed from the newest state; `more` goes to the store as it
    is. Raises what `changed` raises, and NoSuchEntityException."""
    for _ in range(_TRIES):
        one = named(ctx, family, name)
        try:
            said = changed(one)
            return ctx.store.update(one, **said, _refers=refers({**one.status, **said}), **more)
        except Stale:  # another process wrote in between: look again
            continue
    raise ConcurrentModificationException(f"The {family.kind} is being changed by others. Try again.")


def rename(ctx: Context, family: Family, name: str, to: str | None, path: str | None) -> None:
    """It has another name or path where one is given, and so another ARN; what belongs to it stays, since that names
    its uid. Raises NoSuchEntityException, EntityAlreadyExistsException."""
    for _ in range(_TRIES):
        one = named(ctx, family, name)
        new, place = to or one.name, path or path_of(one)
        check_free(ctx, family, new, but=one.uid)
        try:
            ctx.store.rename(one, new, family.arn(ctx.account, place, new), Path=place)  # one row, one transaction
        except Exists:
            raise family.exists(new) from None
        except Stale:
            continue
        return
    raise ConcurrentModificationException(f"The {family.kind} is being changed by others. Try again.")


def remove(ctx: Context, family: Family, name: str, check: Callable[[Resource], None]) -> None:
    """It is gone, unless `check` raises on its newest state. Raises NoSuchEntityException."""
    for _ in range(_TRIES):
        one = named(ctx, family, name)
        check(one)
        try:
            return ctx.store.delete(one)
        except Stale:
            continue
    raise ConcurrentModificationException(f"The {family.kind} is being changed by others. Try again.")


ATTACHED: Final = "attached:"
BOUNDED: Final = "boundary:"
MEMBER: Final = "group:"
HOLDER: Final = "role:"
"""What references begin with: to a policy (its ARN follows), to a group and to a role (a uid)."""


def refers(status: Mapping[str, Any]) -> list[str] | None:
    """What a row of that status refers to; None: nothing."""
    found = [ATTACHED + arn for arn in status.get("_attached") or ()]
    found += [MEMBER + uid for uid in status.get("_groups") or ()]
    found += [prefix + status[name] for name, prefix in (("_boundary", BOUNDED), ("_role", HOLDER)) if status.get(name)]
    return found or None


def referring(ctx: Context, family: Family, target: str) -> list[Resource]:
    """Those of the family that refer to the target, by name."""
    return ctx.store.referring(ctx.account, REGION, family.kind, target)


def every(ctx: Context, family: Family) -> list[Resource]:
    """All of the family in the account, by name."""
    return ctx.store.page(family.kind, Where(account=ctx.account, region=REGION), limit=ALL)


def check_modifiable(one: Resource) -> None:
    """Raises UnmodifiableEntityException for a role that is linked to a service: only that service may change it."""
    if one.kind == ROLE.kind and path_of(one).startswith(LINKED):
        raise UnmodifiableEntityException(
            f"Cannot perform the operation on the protected role '{one.name}' - this role is only modifiable by AWS"
        )


def limit(quota: str, most: int) -> LimitExceededException:
    return LimitExceededException(f"Cannot exceed quota for {quota}: {most}")


def attached(one: Resource) -> list[str]:
    """ARNs of managed policies, in the order in which they were attached."""
    return list(one.status.get("_attached", ()))


def inline(one: Resource) -> dict[str, str]:
    """Inline policies: documents as they were sent, by name."""
    return dict(one.status.get("_inline", {}))


def boundary(one: Resource) -> str | None:
    """The ARN of the policy that bounds what it may be allowed."""
    found: str | None = one.status.get("_boundary")
    return found


def groups(user: Resource) -> list[str]:
    """Uids of the groups that the user is in, in the order in which it came."""
    return list(user.status.get("_groups", ()))


def tags(one: Resource) -> list[Doc]:
    return list(one.status.get("Tags", ()))


def path_of(one: Resource) -> str:
    return str(one.status.get("Path") or one.spec.get("Path", "/"))
