"""SQS: standard queues over the message store.

Needs the port `kernel.queues.QueueStore`; gives `policy.QueuePolicies` as `aws.authorize.ResourcePolicies`.
"""

from clary.services.sqs import access, attributes, policy, queues, receipts, receive, redrive, send, tags
from clary.services.sqs.api import service

# Last: it looks at what all others have registered.
access.register()

__all__ = [
    "access",
    "attributes",
    "policy",
    "queues",
    "receipts",
    "receive",
    "redrive",
    "send",
    "service",
    "tags",
]
