"""Who carries a policy: ListEntitiesForPolicy."""

from typing import Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import service
from clary.services.iam.entities import ATTACHED, BOUNDED, GROUP, ROLE, USER, path_of, referring
from clary.services.iam.pages import of_names
from clary.services.iam.policy_arns import is_of_aws, policy_at

_FAMILIES: Final = {"Group": (GROUP, "PolicyGroups"), "Role": (ROLE, "PolicyRoles"), "User": (USER, "PolicyUsers")}


@service.operation("ListEntitiesForPolicy")
async def list_entities_for_policy(ctx: Context, req: Doc) -> Doc:
    """Groups, roles and users that the policy is attached to, or that it bounds: as `PolicyUsageFilter` says, attached
    without it. In pages over all three. Errors: NoSuchEntity, InvalidInput, ValidationError."""
    arn = req["PolicyArn"]
    if not is_of_aws(arn):
        policy_at(ctx, arn)
    wanted, prefix, use = req.get("EntityFilter"), req.get("PathPrefix", "/"), req.get("PolicyUsageFilter")
    found: dict[str, Resource] = {}
    for title, (family, _) in _FAMILIES.items():
        if wanted in (None, title):
            carriers = referring(ctx, family, (BOUNDED if use == "PermissionsBoundary" else ATTACHED) + arn)
            found |= {f"{title}/{one.name}": one for one in carriers if path_of(one).startswith(prefix)}
    keys, answer = of_names(req, sorted(found), page.digest("entities", arn, wanted, prefix, use))
    for _, member in _FAMILIES.values():
        answer[member] = []
    for key in keys:
        title, _, name = key.partition("/")
        family, member = _FAMILIES[title]
        answer[member].append({family.member: name, f"{title}Id": found[key].status[f"{title}Id"]})
    return answer
