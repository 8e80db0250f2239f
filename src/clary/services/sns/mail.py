"""Notifications and confirmations as e-mail: files in the home's outbox, whose links work."""

from email.utils import formataddr, formatdate
from typing import Final

from clary.aws.delivery import Carrier
from clary.engines.web.base import Mailbox
from clary.kernel.resource import Doc, Resource
from clary.services.sns.notices import Note, Notices

MAIL: Final = "mail"
"""The service of deliveries to the outbox: params Name, Headers, Text."""
_SENDER: Final = "no-reply@sns.amazonaws.com"


def carrier(mailbox: Mailbox) -> Carrier:
    """Takes deliveries to the mailbox."""

    async def carry(params: Doc) -> None:
        await mailbox.put(params["Name"], params["Headers"], params["Text"])

    return carry


async def notification(notices: Notices, topic: Resource, subscription: Resource, note: Note) -> Doc:
    """email gets the text and a way out; email-json gets what an HTTP endpoint gets."""
    if subscription.spec["Protocol"] == "email-json":
        text = await notices.notification(note, subscription.arn, topic.spec["Attributes"].get("SignatureVersion", "1"))
    else:
        text = (
            f"{note.message}\n\n--\nIf you wish to stop receiving notifications from this topic, please visit the link"
            f" below to unsubscribe:\n{notices.unsubscribe_url(subscription.arn)}\n"
        )
    name = topic.spec["Attributes"].get("DisplayName") or "AWS Notifications"
    subject = note.subject or "AWS Notification Message"
    return _params(f"{note.id}-{subscription.uid}", name, subscription, subject, text, note.at)


async def confirmation(notices: Notices, subscription: Resource, token: str, id_: str, at: float) -> Doc:
    """Who has the address says by the link that it wants messages."""
    topic = subscription.spec["TopicArn"]
    if subscription.spec["Protocol"] == "email-json":
        text = await notices.confirmation("SubscriptionConfirmation", subscription, token, id_, at)
    else:
        text = (
            f"You have chosen to subscribe to the topic:\n{topic}\n\nTo confirm this subscription, visit the link"
            f" below. If this was in error no action is necessary:\n{notices.subscribe_url(topic, token)}\n"
        )
    subject = "AWS Notification - Subscription Confirmation"
    return _params(f"{id_}-{subscription.uid}", "AWS Notifications", subscription, subject, text, at)


def _params(name: str, sender: str, subscription: Resource, subject: str, text: str, at: float) -> Doc:
    headers = {
        "From": formataddr((sender, _SENDER)),
        "To": subscription.spec["Endpoint"],
        "Subject": subject,
        "Date": formatdate(at),
        "Message-ID": f"<{name}@sns.amazonaws.com>",
    }
    return {"Name": name, "Headers": headers, "Text": text}
