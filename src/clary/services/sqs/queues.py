"""Queues: made, found, listed, emptied, deleted."""

from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Exists, Stale
from clary.kernel.queues import QueueStore
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sqs import tags
from clary.services.sqs.api import (
    DEFAULTS,
    QUEUE,
    arn_of,
    check_name,
    queue_named,
    queue_of,
    service,
    url_of,
)
from clary.services.sqs.attributes import checked, merged
from clary.services.sqs.errors import InvalidParameterValue, QueueDoesNotExist, QueueNameExists

_PAGE = 1000


@service.operation("CreateQueue")
async def create_queue(ctx: Context, req: Doc) -> Doc:
    """The queue is there, empty if it is new. Asked again with attributes that it has: the same answer.

    Errors: QueueNameExists, InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    name = req["QueueName"]
    check_name(name)
    attributes = checked(ctx, req.get("Attributes", {}), arn_of(ctx, name))
    new = Resource(
        kind=QUEUE,
        name=name,
        account=ctx.account,
        region=ctx.region,
        uid=ids.new(),
        arn=arn_of(ctx, name),
        spec={"QueueName": name, "Attributes": merged({}, attributes)},
        status={"Tags": tags.checked(req.get("tags", {}))},
    )
    try:
        ctx.store.create(new)
    except Exists:
        _check_same(queue_named(ctx, name), attributes)
    return {"QueueUrl": url_of(ctx, name)}


def _check_same(old: Resource, asked: dict[str, str]) -> None:
    had = {**{name: str(value) for name, value in DEFAULTS.items()}, **old.spec["Attributes"]}
    for name, value in asked.items():
        if had.get(name, "") != value:
            raise QueueNameExists(
                f"A queue already exists with the same name and a different value for attribute {name}"
            )


@service.operation("GetQueueUrl")
async def get_queue_url(ctx: Context, req: Doc) -> Doc:
    """Errors: QueueDoesNotExist."""
    if req.get("QueueOwnerAWSAccountId", ctx.account) != ctx.account:
        raise QueueDoesNotExist
    return {"QueueUrl": url_of(ctx, queue_named(ctx, req["QueueName"]).name)}


@service.operation("ListQueues")
async def list_queues(ctx: Context, req: Doc) -> Doc:
    """By name; at most 1,000, and a token for more only where MaxResults is set, as on AWS."""
    where = Where(account=ctx.account, region=ctx.region, name_prefix=req.get("QueueNamePrefix"))
    limit = limit_of(req)
    try:
        found, token = page.paginate(ctx.store, QUEUE, where, limit=limit, token=req.get("NextToken"))
    except BadToken:
        raise InvalidParameterValue("Invalid or expired next token.") from None
    answer: Doc = {}
    if found:
        answer["QueueUrls"] = [url_of(ctx, one.name) for one in found]
    if token and "MaxResults" in req:
        answer["NextToken"] = token
    return answer


def limit_of(req: Doc) -> int:
    """Raises InvalidParameterValue."""
    limit: int = req.get("MaxResults", _PAGE)
    if not 1 <= limit <= _PAGE:
        raise InvalidParameterValue(
            f"Value {limit} for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and"
            f" {_PAGE}."
        )
    return limit


@service.operation("DeleteQueue")
async def delete_queue(ctx: Context, req: Doc) -> Doc:
    """The queue is gone with its messages; a new one may have its name at once. Errors: QueueDoesNotExist."""
    while True:
        queue = queue_of(ctx, req)
        try:
            ctx.store.delete(queue)
        except Stale:
            continue
        # Killed here, the messages belong to nobody, and the next start finds them so.
        ctx.port(QueueStore).purge(queue.uid)
        return {}


@service.operation("PurgeQueue")
async def purge_queue(ctx: Context, req: Doc) -> Doc:
    """The queue is empty when this is answered; what is sent from then on stays. Errors: QueueDoesNotExist."""
    ctx.port(QueueStore).purge(queue_of(ctx, req).uid)
    return {}
