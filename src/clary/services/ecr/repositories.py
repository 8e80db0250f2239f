"""Repositories: made, listed, deleted, and whether their tags may move."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.ecr import tags
from clary.services.ecr.api import (
    IMAGE,
    KINDS,
    REPOSITORY,
    arn_of,
    host_of,
    repository_named,
    repository_of,
    rows,
    service,
)
from clary.services.ecr.errors import (
    InvalidParameterException,
    RepositoryAlreadyExistsException,
    RepositoryNotEmptyException,
)

_PAGE: Final = 100
_EXCLUDING: Final = ("IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")


@service.operation("CreateRepository", ignores=("imageScanningConfiguration",))
async def create_repository(ctx: Context, req: Doc) -> Doc:
    """The repository is there, empty. Errors: RepositoryAlreadyExists, InvalidParameter."""
    name = req["repositoryName"]
    if req.get("registryId") not in (None, ctx.account):
        raise InvalidParameterException(f"The registry {req['registryId']} is not of this account")
    encryption = req.get("encryptionConfiguration", {"encryptionType": "AES256"})
    if encryption["encryptionType"] != "AES256" or "kmsKey" in encryption:
        raise NotImplementedHere("encryptionConfiguration other than AES256 is not served by Clary: there are no keys.")
    mutability = req.get("imageTagMutability", "MUTABLE")
    filters = req.get("imageTagMutabilityExclusionFilters", [])
    _check_filters(mutability, filters)
    made = Resource(
        kind=REPOSITORY,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=arn_of(ctx.account, ctx.region, name),
        spec=req,
        status={
            "Tags": tags.checked(req.get("tags", [])),
            "imageTagMutability": mutability,
            "imageTagMutabilityExclusionFilters": filters,
            "imageScanningConfiguration": {"scanOnPush": False, **req.get("imageScanningConfiguration", {})},
        },
    )
    try:
        return {"repository": described(ctx.store.create(made))}
    except Exists:
        raise RepositoryAlreadyExistsException(name, ctx.account) from None


@service.operation("DescribeRepositories")
async def describe_repositories(ctx: Context, req: Doc) -> Doc:
    """The named ones, or all by name. Errors: RepositoryNotFound, InvalidParameter."""
    if names := req.get("repositoryNames"):
        if "maxResults" in req or "nextToken" in req:
            raise InvalidParameterException("repositoryNames cannot be given together with maxResults or nextToken")
        return {"repositories": [described(repository_named(ctx, name, req.get("registryId"))) for name in names]}
    if req.get("registryId") not in (None, ctx.account):
        return {"repositories": []}
    where = Where(account=ctx.account, region=ctx.region)
    try:
        found, token = page.paginate(
            ctx.store, REPOSITORY, where, limit=req.get("maxResults", _PAGE), token=req.get("nextToken")
        )
    except BadToken as error:
        raise InvalidParameterException(str(error)) from None
    answer: Doc = {"repositories": [described(one) for one in found]}
    return answer | ({"nextToken": token} if token else {})


@service.operation("DeleteRepository")
async def delete_repository(ctx: Context, req: Doc) -> Doc:
    """Gone, with its images when `force` says so. Errors: RepositoryNotFound, RepositoryNotEmpty."""
    while True:
        repository = repository_of(ctx, req)
        if not req.get("force") and next(rows(ctx.store, IMAGE, repository), None) is not None:
            raise RepositoryNotEmptyException(repository.name, ctx.account)
        try:
            # First the repository: killed below, nothing reaches what is left, and `tidying` finds it.
            ctx.store.delete(repository)
        except Stale:
            continue
        break
    for kind in KINDS:
        for one in rows(ctx.store, kind, repository):
            with suppress(Stale):
                ctx.store.delete(one)
    return {"repository": described(repository)}


@service.operation("PutImageTagMutability")
async def put_image_tag_mutability(ctx: Context, req: Doc) -> Doc:
    """From now on tags of the repository may be moved to other images, or not. Errors: RepositoryNotFound."""
    mutability, filters = req["imageTagMutability"], req.get("imageTagMutabilityExclusionFilters", [])
    _check_filters(mutability, filters)
    change(ctx, req, imageTagMutability=mutability, imageTagMutabilityExclusionFilters=filters)
    answer = {"registryId": ctx.account, "repositoryName": req["repositoryName"], "imageTagMutability": mutability}
    return answer | ({"imageTagMutabilityExclusionFilters": filters} if filters else {})


@service.operation("PutImageScanningConfiguration", stored=True, ignores=("imageScanningConfiguration",))
async def put_image_scanning_configuration(ctx: Context, req: Doc) -> Doc:
    """Remembered, and answered again: nothing is scanned. Errors: RepositoryNotFound."""
    said = {"scanOnPush": False, **req["imageScanningConfiguration"]}
    change(ctx, req, imageScanningConfiguration=said)
    return {"registryId": ctx.account, "repositoryName": req["repositoryName"], "imageScanningConfiguration": said}


def described(repository: Resource) -> Doc:
    status = repository.status
    answer: Doc = {
        "repositoryArn": repository.arn,
        "registryId": repository.account,
        "repositoryName": repository.name,
        "repositoryUri": f"{host_of(repository.account, repository.region)}/{repository.name}",
        "createdAt": repository.created,
        "imageTagMutability": status["imageTagMutability"],
        "imageScanningConfiguration": status["imageScanningConfiguration"],
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }
    if status["imageTagMutabilityExclusionFilters"]:
        answer["imageTagMutabilityExclusionFilters"] = status["imageTagMutabilityExclusionFilters"]
    return answer


def change(ctx: Context, req: Doc, **status: Any) -> Resource:
    """The repository has that status. Raises RepositoryNotFoundException."""
    while True:
        repository = repository_of(ctx, req)
        with suppress(Stale):
            return ctx.store.update(repository, **status)


def movable(repository: Resource, tag: str) -> bool:
    """The tag may be given to another image."""
    mutability: str = repository.status["imageTagMutability"]
    excluded = any(
        one["filterType"] == "WILDCARD" and re.fullmatch(re.escape(one["filter"]).replace(r"\*", ".*"), tag)
        for one in repository.status["imageTagMutabilityExclusionFilters"]
    )
    return mutability.startswith("MUTABLE") != (excluded and mutability in _EXCLUDING)


def _check_filters(mutability: str, filters: Sequence[Doc]) -> None:
    if bool(filters) != (mutability in _EXCLUDING):
        raise InvalidParameterException(
            "imageTagMutabilityExclusionFilters go with IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION, and with"
            " nothing else"
        )
