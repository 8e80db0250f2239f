"""What resources of the registry are called, and finding them by name or ARN.

A versioned package is the resource "<group>/<version>" with its group as parent; an unversioned one has a name of its
own. No name of either kind is one of the other: names hold no slash.
"""

from typing import Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource

GROUP: Final = "model-package-group"
PACKAGE: Final = "model-package"


def group_arn(ctx: Context, name: str) -> str:
    return ctx.arn("sagemaker", f"{GROUP}/{name}")


def package_arn(ctx: Context, name: str) -> str:
    """`name`: of an unversioned package, or "<group>/<version>"."""
    return ctx.arn("sagemaker", f"{PACKAGE}/{name}")


def plain(ctx: Context, kind: str, said: str) -> str:
    """The name that a name or an ARN stands for. Raises ValidationException for the ARN of something else, or of
    another account or region."""
    if not said.startswith("arn:"):
        return said
    start = ctx.arn("sagemaker", f"{kind}/")
    if not said.startswith(start):
        what = kind.replace("-", " ")
        raise ValidationException(f"{said} is no {what} of this account and region: their ARNs begin {start}")
    return said[len(start) :]


def find_group(ctx: Context, said: str) -> Resource:
    """The group of that name or ARN. Raises ValidationException."""
    name = plain(ctx, GROUP, said)
    try:
        return ctx.store.get(ctx.account, ctx.region, GROUP, name)
    except Missing:
        raise ValidationException(f"ModelPackageGroup {group_arn(ctx, name)} does not exist.") from None


def find_package(ctx: Context, said: str) -> Resource:
    """The package of that name, "<group>/<version>" or ARN. Raises ValidationException."""
    name = plain(ctx, PACKAGE, said)
    try:
        return ctx.store.get(ctx.account, ctx.region, PACKAGE, name)
    except Missing:
        raise ValidationException(f"ModelPackage {package_arn(ctx, name)} does not exist.") from None


def created_by(ctx: Context) -> Doc:
    """UserContext: who made the request."""
    return {"IamIdentity": {"Arn": ctx.principal.arn, "PrincipalId": ctx.principal.user_id}}
