"""CloudWatch Logs: groups, streams and events over the log store."""

from clary.services.logs import (
    access,
    filter,
    get,
    groups,
    live,
    metric_filters,
    put,
    streams,
    subscription_filters,
    tags,
)
from clary.services.logs.api import service
from clary.services.logs.counting import Counting
from clary.services.logs.exports import Exports
from clary.services.logs.live import LiveTails
from clary.services.logs.subscriptions import Subscriptions

access.register()

__all__ = [
    "Counting",
    "Exports",
    "LiveTails",
    "Subscriptions",
    "access",
    "exports",
    "filter",
    "get",
    "groups",
    "live",
    "metric_filters",
    "put",
    "service",
    "streams",
    "subscription_filters",
    "tags",
]
