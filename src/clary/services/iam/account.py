"""The account as a whole: its alias, its summary, and all that IAM holds in one list."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.iam import managed
from clary.services.iam.api import REGION, EntityAlreadyExistsException, NoSuchEntityException, service
from clary.services.iam.attachments import described as described_attachments
from clary.services.iam.attachments import described_boundary
from clary.services.iam.documents import on_the_wire
from clary.services.iam.entities import (
    GROUP,
    POLICY,
    PROFILE,
    ROLE,
    USER,
    Family,
    attached,
    every,
    inline,
    tags,
)
from clary.services.iam.groups import described as described_group
from clary.services.iam.groups import groups_of
from clary.services.iam.pages import of_names
from clary.services.iam.policies import in_full, of_aws_in_full
from clary.services.iam.policy_arns import usage
from clary.services.iam.profiles import brief_profile, profiles_of
from clary.services.iam.roles import brief as brief_role
from clary.services.iam.roles import last_used
from clary.services.iam.users import brief as brief_user

_ALIAS: Final = "account-alias"
_LISTS: Final = {USER: "UserDetailList", GROUP: "GroupDetailList", ROLE: "RoleDetailList", POLICY: "Policies"}


@service.operation("CreateAccountAlias", stored=True)
async def create_account_alias(ctx: Context, req: Doc) -> Doc:
    """The account has the alias, in place of another: it has one at most. Errors: EntityAlreadyExists."""
    alias = req["AccountAlias"]
    if _aliases(ctx) == [alias]:
        raise EntityAlreadyExistsException(f"The account alias {alias} already exists.")
    made = Resource(
        kind=_ALIAS, name=_ALIAS, account=ctx.account, region=REGION, uid=ids.new(), spec={"AccountAlias": alias}
    )
    ctx.store.create(made, replace=True)
    return {}


@service.operation("DeleteAccountAlias", stored=True)
async def delete_account_alias(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity."""
    alias = req["AccountAlias"]
    if _aliases(ctx) != [alias]:
        raise NoSuchEntityException(f"The account alias {alias} does not exist.")
    try:
        ctx.store.delete(ctx.store.get(ctx.account, REGION, _ALIAS, _ALIAS))
    except (Missing, Stale):
        raise NoSuchEntityException(f"The account alias {alias} does not exist.") from None
    return {}


@service.operation("ListAccountAliases", ignores=("MaxItems",), stored=True)
async def list_account_aliases(ctx: Context, req: Doc) -> Doc:
    """None or one. Errors: ValidationError."""
    aliases, answer = of_names({**req, "MaxItems": 1}, _aliases(ctx), page.digest("aliases", ctx.account))
    return {"AccountAliases": aliases, **answer}


def _aliases(ctx: Context) -> list[str]:
    try:
        return [ctx.store.get(ctx.account, REGION, _ALIAS, _ALIAS).spec["AccountAlias"]]
    except Missing:
        return []


@service.operation("GetAccountSummary")
async def get_account_summary(ctx: Context, req: Doc) -> Doc:
    """What is there, counted now, and the quotas that bound it."""

    def count(kind: str) -> int:
        return ctx.store.count(kind, Where(account=ctx.account, region=REGION))

    counted, policies = usage(ctx), every(ctx, POLICY)
    return {
        "SummaryMap": {
            "Users": count(USER.kind),
            "UsersQuota": USER.most,
            "Groups": count(GROUP.kind),
            "GroupsQuota": GROUP.most,
            "Roles": count(ROLE.kind),
            "RolesQuota": ROLE.most,
            "InstanceProfiles": count(PROFILE.kind),
            "InstanceProfilesQuota": PROFILE.most,
            "Policies": len(policies),
            "PoliciesQuota": POLICY.most,
            "PolicyVersionsInUse": sum(len(one.status["_versions"]) for one in policies)
            + sum(1 for arn in counted.attachments if arn in managed.DOCUMENTS),
            "PolicyVersionsInUseQuota": 10_000,
            "PolicySizeQuota": 6144,
            "VersionsPerPolicyQuota": 5,
            "UserPolicySizeQuota": USER.most_inline,
            "GroupPolicySizeQuota": GROUP.most_inline,
            "RolePolicySizeQuota": ROLE.most_inline,
            "AssumeRolePolicySizeQuota": 2048,
            "AttachedPoliciesPerUserQuota": 10,
            "AttachedPoliciesPerGroupQuota": 10,
            "AttachedPoliciesPerRoleQuota": 10,
            "GroupsPerUserQuota": 10,
            "AccessKeysPerUserQuota": 2,
            "AccountAccessKeysPresent": 1,  # the home's own
            "AccountMFAEnabled": 0,
            "AccountPasswordPresent": 0,
            "AccountSigningCertificatesPresent": 0,
            "MFADevices": 0,
            "MFADevicesInUse": 0,
            "Providers": 0,
            "ServerCertificates": 0,
            "SigningCertificatesPerUserQuota": 2,
            "ServerCertificatesQuota": 20,
        }
    }


@service.operation("GetAccountAuthorizationDetails")
async def get_account_authorization_details(ctx: Context, req: Doc) -> Doc:
    """Users, groups, roles and policies with all that they may, in pages over all four lists. `Filter` picks among
    them; of AWS's policies those are told that are attached. Errors: ValidationError."""
    wanted = set(req.get("Filter", ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")))
    tellers = {family.title: family for family in (USER, GROUP, ROLE) if family.title in wanted}
    rows = {f"{title}/{one.name}": one for title, family in tellers.items() for one in every(ctx, family)}
    if "LocalManagedPolicy" in wanted:
        rows |= {f"Policy/{one.name}": one for one in every(ctx, POLICY)}
    counted = usage(ctx)
    of_aws = {f"Policy/{arn}" for arn in counted.attachments if arn in managed.DOCUMENTS}
    keys = sorted([*rows, *(of_aws if "AWSManagedPolicy" in wanted else ())])
    listed, answer = of_names(req, keys, page.digest("details", ctx.account, sorted(wanted)))
    for member in _LISTS.values():
        answer[member] = []
    for key in listed:
        one = rows.get(key)
        if one is None:
            answer["Policies"].append(of_aws_in_full(key.partition("/")[2], counted))
        elif one.kind == POLICY.kind:
            answer["Policies"].append(in_full(one, counted))
        else:
            family = tellers[key.partition("/")[0]]
            answer[_LISTS[family]].append(_TELL[family](ctx, one))
    return answer


def _policies(family: Family, one: Resource) -> Doc:
    documents = [{"PolicyName": name, "PolicyDocument": on_the_wire(text)} for name, text in inline(one).items()]
    return {f"{family.title}PolicyList": documents, "AttachedManagedPolicies": described_attachments(attached(one))}


def _user(ctx: Context, one: Resource) -> Doc:
    names = [group.name for group in groups_of(ctx, one)]
    told = brief_user(one) | described_boundary(one) | _policies(USER, one) | {"GroupList": names}
    return told | ({"Tags": tags(one)} if tags(one) else {})


def _group(ctx: Context, one: Resource) -> Doc:
    return described_group(one) | _policies(GROUP, one)


def _role(ctx: Context, one: Resource) -> Doc:
    told = brief_role(one)
    for name in ("MaxSessionDuration", "Description"):
        told.pop(name, None)
    profiles = [brief_profile(ctx, profile) for profile in profiles_of(ctx, one)]
    told |= described_boundary(one) | _policies(ROLE, one) | {"InstanceProfileList": profiles}
    return told | last_used(one) | ({"Tags": tags(one)} if tags(one) else {})


_TELL: Final = {USER: _user, GROUP: _group, ROLE: _role}
