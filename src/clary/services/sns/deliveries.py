"""How one message reaches one subscription: the delivery that each protocol asks for."""

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from clary.aws.delivery import WEB, Acting, Delivery, Retry, blob
from clary.kernel.resource import Doc, Resource
from clary.services.sns import counting, mail, retries
from clary.services.sns.notices import Note, Notices

PRINCIPAL: Final = "sns.amazonaws.com"
_WEB_SECONDS: Final = 15.0
_AGENT: Final = "Amazon Simple Notification Service Agent"


@dataclass(frozen=True, slots=True)
class _Way:
    """How a protocol takes a message."""

    service: str
    operation: str
    params: Doc
    region: str
    retry: Retry
    body: str
    """What a dead letter says."""


async def delivery(
    notices: Notices, topic: Resource, subscription: Resource, note: Note, group: str | None, led: int
) -> Delivery:
    """Of a message that passed the subscription's filter; `led` is how many deliveries led to it."""
    protocol = subscription.spec["Protocol"]
    if protocol == "sqs":
        way = await _to_queue(notices, topic, subscription, note, group)
    elif protocol in ("http", "https"):
        way = await _to_web(notices, topic, subscription, note)
    else:
        params = await mail.notification(notices, topic, subscription, note)
        way = _Way(mail.MAIL, "PUT", params, subscription.region, retries.CLARYS, note.message)
    return Delivery(
        id=f"sns/{note.id}/{subscription.uid}",
        region=way.region,
        acting=Acting(PRINCIPAL, topic.arn),
        service=way.service,
        operation=way.operation,
        params=way.params,
        retry=way.retry,
        dead=_dead(notices, subscription, way),
        counted=counting.counted(topic.region, topic.name),
        led=led,
    )


async def _to_queue(notices: Notices, topic: Resource, subscription: Resource, note: Note, group: str | None) -> _Way:
    arn: str = subscription.spec["Endpoint"]
    params: Doc = {"QueueUrl": notices.queue_url(arn)}
    if _is_raw(subscription):
        params["MessageBody"] = note.message
        if note.attributes:
            params["MessageAttributes"] = {name: _jsonable(value) for name, value in note.attributes.items()}
    else:
        params["MessageBody"] = await notices.notification(note, subscription.arn, _version(topic))
    if group is not None:
        params["MessageGroupId"] = group
    return _Way("sqs", "SendMessage", params, arn.split(":")[3], retries.CLARYS, params["MessageBody"])


async def _to_web(notices: Notices, topic: Resource, subscription: Resource, note: Note) -> _Way:
    policy = retries.effective(
        topic.spec["Attributes"].get("DeliveryPolicy"), subscription.spec["Attributes"].get("DeliveryPolicy")
    )
    headers = web_headers("Notification", note.id, topic.arn, subscription.arn)
    if (kind := retries.content_type_of(policy)) is not None:
        headers["content-type"] = kind
    if _is_raw(subscription):
        headers["x-amz-sns-rawdelivery"] = "true"
        body = note.message
    else:
        body = await notices.notification(note, subscription.arn, _version(topic))
    params = web_params(subscription.spec["Endpoint"], headers, body)
    return _Way(WEB, "POST", params, subscription.region, retries.retry_of(policy), body)


def _is_raw(subscription: Resource) -> bool:
    said: str = subscription.spec["Attributes"].get("RawMessageDelivery", "false")
    return said == "true"


def web_headers(kind: str, message: str, topic: str, subscription: str = "") -> dict[str, str]:
    headers = {
        "content-type": "text/plain; charset=UTF-8",
        "user-agent": _AGENT,
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message,
        "x-amz-sns-topic-arn": topic,
    }
    if subscription:
        headers["x-amz-sns-subscription-arn"] = subscription
    return headers


def web_params(url: str, headers: dict[str, str], body: str) -> Doc:
    """A user and a password in the address become what they mean: Basic authentication."""
    split = urlsplit(url)
    if split.username is not None:
        pair = f"{unquote(split.username)}:{unquote(split.password or '')}"
        headers = {**headers, "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        url = urlunsplit(split._replace(netloc=split.netloc.rpartition("@")[2]))
    return {"Url": url, "Headers": headers, "Body": body, "Seconds": _WEB_SECONDS}


def _dead(notices: Notices, subscription: Resource, way: _Way) -> Doc | None:
    target = subscription.spec["Attributes"].get("RedrivePolicy")
    if target is None:
        return None
    params: Doc = {"QueueUrl": notices.queue_url(target), "MessageBody": way.body}
    if "MessageAttributes" in way.params:
        params["MessageAttributes"] = way.params["MessageAttributes"]
    return {"service": "sqs", "operation": "SendMessage", "params": params, "region": target.split(":")[3]}


def _jsonable(value: Doc) -> Doc:
    if "BinaryValue" in value:
        return {"DataType": value["DataType"], "BinaryValue": blob(value["BinaryValue"])}
    return value


def _version(topic: Resource) -> str:
    found: str = topic.spec["Attributes"].get("SignatureVersion", "1")
    return found
