"""From a container of a model that names a model package to the containers of that package."""

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.errors import refuse, require
from clary.services.sagemaker.registry.approval import APPROVED
from clary.services.sagemaker.registry.names import find_package
from clary.services.sagemaker.registry.packages import specifications

_TAKEN = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource", "Environment")
"""Members of a package's container that a model's container has too."""
_REFUSED = {
    "AdditionalModelDataSources": "a container has one model data source",
    "AdditionalS3DataSource": "further data beside a model",
    "ProductId": "products of AWS Marketplace",
}


def containers(ctx: Context, container: Doc) -> list[Doc]:
    """The container itself, or those of the package that it names, with its own Environment over theirs. Raises
    ValidationException for a package that is not there or, of a group, not Approved."""
    named = container.get("ModelPackageName")
    if not named:
        return [container]
    package = find_package(ctx, named)
    _check_approved(package)
    chosen = _chosen(package, container.get("InferenceSpecificationName"))
    several = [_container(one, container.get("Environment") or {}) for one in chosen["Containers"]]
    hostname = container.get("ContainerHostname")
    return [{**one, "ContainerHostname": hostname} for one in several] if hostname and len(several) == 1 else several


def _check_approved(package: Resource) -> None:
    said = package.spec.get("ModelApprovalStatus")
    if package.parent and said != APPROVED:
        raise ValidationException(
            f"Model package {package.arn} is {said}: only a version with ModelApprovalStatus {APPROVED} can be "
            "deployed. Approve it with UpdateModelPackage."
        )


def _chosen(package: Resource, name: str | None) -> Doc:
    found = specifications(package.spec)
    require(bool(found), f"Model package {package.arn} has no InferenceSpecification, so no model can be made of it")
    if name is None:
        require(None in found, f"Model package {package.arn} has no InferenceSpecification: name an additional one")
        return found[None]
    known = ", ".join(sorted(one for one in found if one is not None)) or "none"
    require(name in found, f"Model package {package.arn} has no inference specification {name!r}; it has {known}")
    return found[name]


def _container(said: Doc, environment: Doc) -> Doc:
    refuse(said, _REFUSED)
    require(bool(said.get("Image")), "The container of the model package has no Image")
    taken = {member: said[member] for member in _TAKEN if said.get(member)}
    together = {**(said.get("Environment") or {}), **environment}
    return {**taken, "Environment": together} if together else taken
