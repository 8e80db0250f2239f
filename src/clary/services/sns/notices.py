"""The JSON that subscribers are sent, signed as AWS signs it, with a key of this home."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

import orjson

from clary.aws import times
from clary.engines.web.base import Signer
from clary.kernel.resource import Doc, Resource
from clary.services.sns.contents import Attributes, shown

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
CERTIFICATE_PATH: Final = "/SimpleNotificationService-"
_SIGNED: Final[dict[str, Sequence[str]]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One message on its way to one protocol."""

    id: str
    topic: str
    """The ARN."""
    message: str
    subject: str | None
    attributes: Attributes
    at: float
    """When it was published: epoch seconds."""


class Notices:
    """The port through which SNS writes to the world outside. `url` is where that world finds this server."""

    def __init__(self, signer: Signer, url: str) -> None:
        self._signer = signer
        self._url = url

    async def notification(self, note: Note, subscription: str, version: str) -> str:
        """What a subscription is sent that does not want the message raw."""
        said: Doc = {"Type": "Notification", "MessageId": note.id, "TopicArn": note.topic}
        if note.subject is not None:
            said["Subject"] = note.subject
        said |= {"Message": note.message, "Timestamp": times.iso8601(note.at)}
        await self._sign(said, version)
        said["UnsubscribeURL"] = self.unsubscribe_url(subscription)
        if note.attributes:
            said["MessageAttributes"] = shown(note.attributes)
        return orjson.dumps(said).decode()

    async def confirmation(self, kind: Kind, subscription: Resource, token: str, id_: str, at: float) -> str:
        """What an address is sent that must say that it wants messages, or that was just unsubscribed."""
        topic = subscription.spec["TopicArn"]
        if kind == "SubscriptionConfirmation":
            text = (
                f"You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the"
                " SubscribeURL included in this message."
            )
        else:
            text = (
                f"You have chosen to deactivate subscription {subscription.arn}.\nTo cancel this operation and restore"
                " the subscription, visit the SubscribeURL included in this message."
            )
        said = {
            "Type": kind,
            "MessageId": id_,
            "Token": token,
            "TopicArn": topic,
            "Message": text,
            "SubscribeURL": self.subscribe_url(topic, token),
            "Timestamp": times.iso8601(at),
        }
        await self._sign(said, "1")
        return orjson.dumps(said).decode()

    def subscribe_url(self, topic: str, token: str) -> str:
        return f"{self._url}/?{urlencode({'Action': 'ConfirmSubscription', 'TopicArn': topic, 'Token': token})}"

    def unsubscribe_url(self, subscription: str) -> str:
        return f"{self._url}/?{urlencode({'Action': 'Unsubscribe', 'SubscriptionArn': subscription})}"

    def queue_url(self, arn: str) -> str:
        """The address of a queue of this server."""
        *_, account, name = arn.split(":")
        return f"{self._url}/{account}/{name}"

    async def certificate(self, path: str) -> bytes | None:
        """What is served at that path; None: nothing."""
        name, pem = await self._signer.certificate()
        return pem if path == _certificate_path(name) else None

    async def _sign(self, said: Doc, version: str) -> None:
        """The signature is over names and values of some members, a line each, in the order of their names."""
        parts = [f"{name}\n{said[name]}\n" for name in _SIGNED[said["Type"]] if name in said]
        signature = await self._signer.sign("".join(parts).encode(), "SHA256" if version == "2" else "SHA1")
        name, _ = await self._signer.certificate()
        said["SignatureVersion"] = version
        said["Signature"] = base64.b64encode(signature).decode()
        said["SigningCertURL"] = f"{self._url}{_certificate_path(name)}"


def _certificate_path(name: str) -> str:
    return f"{CERTIFICATE_PATH}{name}.pem"
