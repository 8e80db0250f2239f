"""What happens to objects reaches the queues and topics that a bucket names: S3's own records, at least once.

It hears the outbox. Killed anywhere, it hears the same line again and sends the same records again; `sequencer` tells a
receiver which it has seen."""

from dataclasses import replace
from typing import Final

import orjson

from clary.aws import times
from clary.aws.access import Ask
from clary.aws.credentials import service_principal
from clary.aws.delivery import Acting, Deliverer, Delivery
from clary.aws.endpoint import Endpoint
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event

SUBSCRIBER: Final = "s3-notify"
_PRINCIPAL: Final = "s3.amazonaws.com"
_SUBJECT: Final = "Amazon S3 Notification"
_ACTIONS: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}


class Notify:
    """The subscriber of the bus; idempotent on `event.seq`."""

    def __init__(self, deliverer: Deliverer, endpoint: Endpoint) -> None:
        self._deliverer = deliverer
        self._endpoint = endpoint

    async def __call__(self, event: Event) -> None:
        bucket = event.resource["arn"]
        for number, said in enumerate(event.resource["status"].get("Events", ())):
            for target in said.get("Targets", ()):
                record = _identified(said["Record"], target["Id"])
                id_ = f"s3/{event.seq}/{event.uid}/{number}/{target['Id']}"
                body = orjson.dumps({"Records": [record]}).decode()
                await self._deliverer.deliver(_delivery(self._endpoint, id_, bucket, target["Arn"], body))


def reaches(ctx: Context, bucket: Resource, arn: str) -> bool:
    """There is such a queue or topic, and its policy lets S3 tell it of that bucket."""
    action = _ACTIONS.get(_service_in(arn))
    try:
        known = action is not None and ctx.store.by_arn(arn).account == ctx.account
    except Missing:
        known = False
    if action is None or not known:
        return False
    origin = {**ctx.origin, "aws:sourceaccount": ctx.account, "aws:sourcearn": bucket.arn}
    acting = replace(ctx, principal=service_principal(ctx.account, _PRINCIPAL), origin=origin)
    return acting.allowed(Ask(action, arn))


async def tell_test(ctx: Context, bucket: Resource, arn: str) -> None:
    """A target that is new hears S3's test event, as on AWS."""
    body = orjson.dumps(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": times.iso8601(ctx.clock.now()),
            "Bucket": bucket.name,
            "RequestId": ctx.request_id,
        }
    ).decode()
    endpoint: Endpoint = ctx.ports.get(Endpoint) or Endpoint()
    one = _delivery(endpoint, f"s3/test/{ctx.request_id}/{arn}", bucket.arn, arn, body)
    await ctx.port(Deliverer).deliver(one)


def _delivery(endpoint: Endpoint, id_: str, bucket: str, arn: str, body: str) -> Delivery:
    _, _, service, region, account, name = arn.split(":", 5)
    if service == "sqs":
        operation, params = "SendMessage", {"QueueUrl": f"{endpoint.url}/{account}/{name}", "MessageBody": body}
    else:
        operation, params = "Publish", {"TopicArn": arn, "Subject": _SUBJECT, "Message": body}
    return Delivery(id_, region, Acting(_PRINCIPAL, bucket), service, operation, params)


def _identified(record: Doc, id_: str) -> Doc:
    """Each target sees under which of its bucket's configurations it is told."""
    return {**record, "s3": {**record["s3"], "configurationId": id_}}


def _service_in(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 and parts[0] == "arn" else ""
