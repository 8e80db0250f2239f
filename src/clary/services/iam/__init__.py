"""IAM: users, groups, roles and their policies, one for all regions."""

from clary.services.iam import (
    absent,
    access,
    access_keys,
    account,
    attachments,
    groups,
    inline,
    linked,
    policies,
    profiles,
    referred,
    roles,
    simulate,
    tagging,
    usage,
    users,
)
from clary.services.iam.api import service
from clary.services.iam.keyring import StoredUserKeys
from clary.services.iam.users import Birth
from clary.services.iam.uses import StoredKeyUses

access.register()

__all__ = [
    "Birth",
    "StoredKeyUses",
    "StoredUserKeys",
    "absent",
    "access",
    "access_keys",
    "account",
    "attachments",
    "groups",
    "inline",
    "linked",
    "policies",
    "profiles",
    "referred",
    "roles",
    "service",
    "simulate",
    "tagging",
    "usage",
    "users",
]
