"""What Clary has nothing of: console passwords, devices, certificates, foreign identity providers. Making one is
refused by name, so there is none to be found; programs that clean up ask before they delete."""

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.iam.api import NoSuchEntityException, service
from clary.services.iam.entities import USER, named
from clary.services.iam.users import user_or_caller

_PAGED = ("Marker", "MaxItems")
_OF_USERS = {
    "ListMFADevices": ("MFADevices", _PAGED),
    "ListSSHPublicKeys": ("SSHPublicKeys", _PAGED),
    "ListSigningCertificates": ("Certificates", _PAGED),
}
_OF_ACCOUNT = {
    "ListOpenIDConnectProviders": "OpenIDConnectProviderList",
    "ListSAMLProviders": "SAMLProviderList",
}


@service.operation("GetLoginProfile")
async def get_login_profile(ctx: Context, req: Doc) -> Doc:
    """There are no passwords. Errors: NoSuchEntity, always."""
    user = user_or_caller(ctx, req)
    raise NoSuchEntityException(f"Login Profile for User {user.name} cannot be found.")


@service.operation("DeleteLoginProfile")
async def delete_login_profile(ctx: Context, req: Doc) -> Doc:
    """There are no passwords. Errors: NoSuchEntity, always."""
    user = user_or_caller(ctx, req)
    raise NoSuchEntityException(f"Login Profile for User {user.name} cannot be found.")


@service.operation("GetAccountPasswordPolicy")
async def get_account_password_policy(ctx: Context, req: Doc) -> Doc:
    """There are no passwords. Errors: NoSuchEntity, always."""
    raise NoSuchEntityException(f"The Password Policy with domain name {ctx.account} cannot be found.")


@service.operation("ListServiceSpecificCredentials", ignores=("ServiceName", "AllUsers", *_PAGED))
async def list_service_specific_credentials(ctx: Context, req: Doc) -> Doc:
    """None. Errors: NoSuchEntity."""
    if "UserName" in req:
        named(ctx, USER, req["UserName"])
    return {"ServiceSpecificCredentials": [], "IsTruncated": False}


@service.operation("ListVirtualMFADevices", ignores=("AssignmentStatus", *_PAGED))
async def list_virtual_mfa_devices(ctx: Context, req: Doc) -> Doc:
    """None."""
    return {"VirtualMFADevices": [], "IsTruncated": False}


@service.operation("ListServerCertificates", ignores=("PathPrefix", *_PAGED))
async def list_server_certificates(ctx: Context, req: Doc) -> Doc:
    """None."""
    return {"ServerCertificateMetadataList": [], "IsTruncated": False}


def _none_of_user(operation: str, member: str, ignores: tuple[str, ...]) -> None:
    @service.operation(operation, ignores=ignores)
    async def none(ctx: Context, req: Doc) -> Doc:
        """None. Errors: NoSuchEntity."""
        if "UserName" in req:
            named(ctx, USER, req["UserName"])
        return {member: [], "IsTruncated": False}


def _none_of_account(operation: str, member: str) -> None:
    @service.operation(operation)
    async def none(ctx: Context, req: Doc) -> Doc:
        """None."""
        return {member: []}


for _operation, (_member, _ignores) in _OF_USERS.items():
    _none_of_user(_operation, _member, _ignores)
for _operation, _member in _OF_ACCOUNT.items():
    _none_of_account(_operation, _member)
