"""Roles that are linked to a service: made and deleted for it, and changed by nobody else."""

from typing import Final

import orjson

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.iam.api import REGION, EntityAlreadyExistsException, InvalidInputException, NoSuchEntityException
from clary.services.iam.api import service as iam
from clary.services.iam.entities import LINKED, ROLE, path_of, remove
from clary.services.iam.roles import described, make_role

_TASK: Final = "service-linked-role-deletion"
_OF_AWS: Final = "arn:aws:iam::aws:policy/aws-service-role/"
_ROLES: Final = {
    "sagemaker.amazonaws.com": (
        "AWSServiceRoleForAmazonSageMakerNotebooks",
        "AmazonSageMakerNotebooksServiceRolePolicy",
    ),
    "sagemaker.application-autoscaling.amazonaws.com": (
        "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        "AWSApplicationAutoscalingSageMakerEndpointPolicy",
    ),
}
"""The services of Clary that have one: the name of the role, and the policy that it carries."""


@iam.operation("CreateServiceLinkedRole")
async def create_service_linked_role(ctx: Context, req: Doc) -> Doc:
    """The role of that service is there, with its policy. Errors: InvalidInput, LimitExceeded."""
    linked = req["AWSServiceName"]
    if linked not in _ROLES:
        raise InvalidInputException(
            f"{linked} has no service-linked role in Clary; these have: {', '.join(sorted(_ROLES))}."
        )
    if "CustomSuffix" in req:
        raise InvalidInputException(f"Custom suffix is not allowed for {linked}")
    name, policy = _ROLES[linked]
    said = {"Description": req["Description"]} if "Description" in req else {}
    wanted = {
        "RoleName": name,
        "Path": f"{LINKED}{linked}/",
        "AssumeRolePolicyDocument": _trust(linked),
        **said,
    }
    try:
        role = make_role(ctx, wanted, [_OF_AWS + policy])
    except EntityAlreadyExistsException:
        raise InvalidInputException(
            f"Service role name {name} has been taken in this account, please try a different suffix."
        ) from None
    return {"Role": described(role)}


@iam.operation("DeleteServiceLinkedRole")
async def delete_service_linked_role(ctx: Context, req: Doc) -> Doc:
    """The role is gone at once; the id of the task tells so for ever. Errors: NoSuchEntity, InvalidInput."""
    name = req["RoleName"]

    def check(role: Resource) -> None:
        if not path_of(role).startswith(LINKED):
            raise InvalidInputException(f"The role {name} is not linked to a service: delete it with DeleteRole.")
        task = f"task{path_of(role)}{name}/{ids.request_id()}"
        # The task is written before the role goes: it says what is true of the role, so a crash here makes no lie.
        ctx.store.create(
            Resource(kind=_TASK, name=task, account=ctx.account, region=REGION, uid=ids.new(), spec={"_role": role.uid})
        )
        tasks.append(task)

    tasks: list[str] = []
    remove(ctx, ROLE, name, check)
    return {"DeletionTaskId": tasks[-1]}


@iam.operation("GetServiceLinkedRoleDeletionStatus")
async def get_service_linked_role_deletion_status(ctx: Context, req: Doc) -> Doc:
    """SUCCEEDED once the role is gone. Errors: NoSuchEntity."""
    try:
        task = ctx.store.get(ctx.account, REGION, _TASK, req["DeletionTaskId"])
    except Missing:
        raise NoSuchEntityException(f"The deletion task {req['DeletionTaskId']} cannot be found.") from None
    try:
        ctx.store.find(ROLE.kind, task.spec["_role"])
    except Missing:
        return {"Status": "SUCCEEDED"}
    return {"Status": "NOT_STARTED"}


def _trust(linked: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": linked}, "Action": "sts:AssumeRole"}
    return orjson.dumps({"Version": "2012-10-17", "Statement": [statement]}).decode()
