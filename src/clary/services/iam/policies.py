"""Managed policies: the account's own, with their versions, and AWS's."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import page
from clary.kernel.resource import Doc, Resource
from clary.services.iam import managed
from clary.services.iam.api import (
    DeleteConflictException,
    LimitExceededException,
    NoSuchEntityException,
    service,
)
from clary.services.iam.documents import check_permissions, on_the_wire, size
from clary.services.iam.entities import POLICY, change, create, every, path_of, remove, tags
from clary.services.iam.pages import of_names
from clary.services.iam.policy_arns import Usage, path_of_arn, policy_at, policy_name, usage
from clary.services.iam.tagging import merged

_MOST_CHARACTERS: Final = 6144
_MOST_VERSIONS: Final = 5
_VERSION_OF_AWS: Final = "v1"
"""What Clary calls the version of a policy of AWS that it has."""


@service.operation("CreatePolicy")
async def create_policy(ctx: Context, req: Doc) -> Doc:
    """The policy is there with its version v1, attached to nobody. Errors: EntityAlreadyExists, InvalidInput,
    LimitExceeded, MalformedPolicyDocument."""
    _check(req["PolicyDocument"])
    version = {"Document": req["PolicyDocument"], "CreateDate": int(ctx.clock.now())}
    status = {
        "Path": req.get("Path", "/"),
        "Description": req.get("Description"),
        "DefaultVersionId": "v1",
        "Tags": merged([], req.get("Tags", [])),
        "_versions": {"v1": version},
        "_made": 1,
    }
    made = create(ctx, POLICY, {"PolicyName": req["PolicyName"], "Path": status["Path"]}, status)
    return {"Policy": _described(made, Usage(Counter(), Counter()))}


@service.operation("GetPolicy")
async def get_policy(ctx: Context, req: Doc) -> Doc:
    """Also of AWS's policies that Clary has. Errors: NoSuchEntity, InvalidInput."""
    arn = req["PolicyArn"]
    if arn in managed.DOCUMENTS:
        return {"Policy": _described_of_aws(arn, usage(ctx, arn))}
    policy = policy_at(ctx, arn)
    return {"Policy": _described(policy, usage(ctx, arn)) | _told_only_by_get(policy)}


@service.operation("ListPolicies")
async def list_policies(ctx: Context, req: Doc) -> Doc:
    """Policies by ARN: with `Scope` Local the account's own, with AWS those of AWS whose documents Clary has.
    `OnlyAttached` and `PolicyUsageFilter` pick those in use.

    Errors: ValidationError."""
    scope, prefix, counted = req.get("Scope", "All"), req.get("PathPrefix", "/"), usage(ctx)
    own = {one.arn: one for one in every(ctx, POLICY)} if scope != "AWS" else {}
    arns = sorted([*own, *(managed.DOCUMENTS if scope != "Local" else ())])
    used = {"PermissionsPolicy": counted.attachments, "PermissionsBoundary": counted.boundaries}
    uses = [used[req["PolicyUsageFilter"]]] if "PolicyUsageFilter" in req else []
    uses += [counted.attachments] if req.get("OnlyAttached") else []
    wanted = [arn for arn in arns if path_of_arn(arn).startswith(prefix) and all(use[arn] for use in uses)]
    told = {name: req[name] for name in ("Scope", "PathPrefix", "OnlyAttached", "PolicyUsageFilter") if name in req}
    listed, answer = of_names(req, wanted, page.digest("policies", sorted(told.items())))
    described = [_described(own[arn], counted) if arn in own else _described_of_aws(arn, counted) for arn in listed]
    return {"Policies": described, **answer}


@service.operation("DeletePolicy")
async def delete_policy(ctx: Context, req: Doc) -> Doc:
    """The policy and its default version are gone. Errors: NoSuchEntity, DeleteConflict, InvalidInput."""
    arn = req["PolicyArn"]

    def check(policy: Resource) -> None:
        counted = usage(ctx, arn)
        if counted.attachments[arn] or counted.boundaries[arn]:
            raise DeleteConflictException("Cannot delete a policy attached to entities.")
        if len(_versions(policy)) > 1:
            raise DeleteConflictException(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                " versions. The default version is deleted with the policy."
            )

    remove(ctx, POLICY, policy_name(ctx, arn), check)
    return {}


@service.operation("CreatePolicyVersion")
async def create_policy_version(ctx: Context, req: Doc) -> Doc:
    """The policy has one more version, in force if `SetAsDefault`. Numbers are given once. Errors: NoSuchEntity,
    LimitExceeded, MalformedPolicyDocument, InvalidInput."""
    _check(req["PolicyDocument"])
    version = {"Document": req["PolicyDocument"], "CreateDate": int(ctx.clock.now())}

    def changed(policy: Resource) -> Mapping[str, Any]:
        versions, number = _versions(policy), policy.status["_made"] + 1
        if len(versions) >= _MOST_VERSIONS:
            raise LimitExceededException(
                f"A managed policy can have up to {_MOST_VERSIONS} versions. Before you create a new version, you must"
                " delete an existing version."
            )
        default = {"DefaultVersionId": f"v{number}"} if req.get("SetAsDefault") else {}
        return {"_versions": {**versions, f"v{number}": version}, "_made": number, **default}

    policy = change(ctx, POLICY, policy_name(ctx, req["PolicyArn"]), changed)
    told = _described_version(policy, f"v{policy.status['_made']}")
    told.pop("Document")
    return {"PolicyVersion": told}


@service.operation("GetPolicyVersion")
async def get_policy_version(ctx: Context, req: Doc) -> Doc:
    """With its document, URL-encoded. Errors: NoSuchEntity, InvalidInput."""
    arn, version = req["PolicyArn"], req["VersionId"]
    if arn in managed.DOCUMENTS:
        if version != _VERSION_OF_AWS:
            raise _no_version(arn, version)
        return {"PolicyVersion": _version_of_aws(arn)}
    policy = policy_at(ctx, arn)
    if version not in _versions(policy):
        raise _no_version(arn, version)
    return {"PolicyVersion": _described_version(policy, version)}


@service.operation("ListPolicyVersions")
async def list_policy_versions(ctx: Context, req: Doc) -> Doc:
    """The newest first, without documents. Errors: NoSuchEntity, InvalidInput."""
    arn = req["PolicyArn"]
    if arn in managed.DOCUMENTS:
        return {"Versions": [{"VersionId": _VERSION_OF_AWS, "IsDefaultVersion": True}], "IsTruncated": False}
    policy = policy_at(ctx, arn)
    # Five at most, so a page is never shorter than the whole unless MaxItems says so.
    order = {f"{9_999_999 - number:07}": f"v{number}" for number in _numbers(policy)}
    keys, answer = of_names(req, sorted(order), page.digest("versions", policy.uid))
    listed = [_described_version(policy, order[key]) for key in keys]
    for one in listed:
        one.pop("Document")
    return {"Versions": listed, **answer}


@service.operation("SetDefaultPolicyVersion")
async def set_default_policy_version(ctx: Context, req: Doc) -> Doc:
    """That version is in force, everywhere at once. Errors: NoSuchEntity, InvalidInput."""
    version = req["VersionId"]

    def changed(policy: Resource) -> Mapping[str, Any]:
        if version not in _versions(policy):
            raise _no_version(policy.arn, version)
        return {"DefaultVersionId": version}

    change(ctx, POLICY, policy_name(ctx, req["PolicyArn"]), changed)
    return {}


@service.operation("DeletePolicyVersion")
async def delete_policy_version(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchEntity, DeleteConflict (the default version), InvalidInput."""
    version = req["VersionId"]

    def changed(policy: Resource) -> Mapping[str, Any]:
        versions = _versions(policy)
        if versions.pop(version, None) is None:
            raise _no_version(policy.arn, version)
        if version == policy.status["DefaultVersionId"]:
            raise DeleteConflictException("Cannot delete the default version of a policy.")
        return {"_versions": versions}

    change(ctx, POLICY, policy_name(ctx, req["PolicyArn"]), changed)
    return {}


def in_full(policy: Resource, counted: Usage) -> Doc:
    """With all its versions and their documents, the newest first."""
    versions = [_described_version(policy, f"v{number}") for number in sorted(_numbers(policy), reverse=True)]
    return _described(policy, counted) | {"PolicyVersionList": versions}


def of_aws_in_full(arn: str, counted: Usage) -> Doc:
    return _described_of_aws(arn, counted) | {"PolicyVersionList": [_version_of_aws(arn)]}


def _check(document: str) -> None:
    check_permissions(document)
    if size(document) > _MOST_CHARACTERS:
        raise LimitExceededException(f"Cannot exceed quota for PolicySize: {_MOST_CHARACTERS}")


def _versions(policy: Resource) -> dict[str, Doc]:
    return dict(policy.status["_versions"])


def _numbers(policy: Resource) -> Iterator[int]:
    return (int(version[1:]) for version in _versions(policy))


def _no_version(arn: str, version: str) -> NoSuchEntityException:
    return NoSuchEntityException(f"Policy {arn} version {version} does not exist or is not attachable.")


def _described(policy: Resource, counted: Usage) -> Doc:
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.status["PolicyId"],
        "Arn": policy.arn,
        "Path": path_of(policy),
        "DefaultVersionId": policy.status["DefaultVersionId"],
        "AttachmentCount": counted.attachments[policy.arn],
        "PermissionsBoundaryUsageCount": counted.boundaries[policy.arn],
        "IsAttachable": True,
        "CreateDate": int(policy.created),
        "UpdateDate": max(one["CreateDate"] for one in _versions(policy).values()),
    }


def _told_only_by_get(policy: Resource) -> Doc:
    told: Doc = {}
    if policy.status.get("Description"):
        told["Description"] = policy.status["Description"]
    if tags(policy):
        told["Tags"] = tags(policy)
    return told


def _described_of_aws(arn: str, counted: Usage) -> Doc:
    """What is true here of a policy of AWS: its id and dates are AWS's, and not known."""
    return {
        "PolicyName": arn.rpartition("/")[2],
        "Arn": arn,
        "Path": path_of_arn(arn),
        "DefaultVersionId": _VERSION_OF_AWS,
        "AttachmentCount": counted.attachments[arn],
        "PermissionsBoundaryUsageCount": counted.boundaries[arn],
        "IsAttachable": True,
    }


def _version_of_aws(arn: str) -> Doc:
    document = on_the_wire(managed.DOCUMENTS[arn])
    return {"Document": document, "VersionId": _VERSION_OF_AWS, "IsDefaultVersion": True}


def _described_version(policy: Resource, version: str) -> Doc:
    said = _versions(policy)[version]
    return {
        "Document": on_the_wire(said["Document"]),
        "VersionId": version,
        "IsDefaultVersion": version == policy.status["DefaultVersionId"],
        "CreateDate": said["CreateDate"],
    }
