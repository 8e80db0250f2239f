"""CloudWatch Logs: groups, streams and events over the log store."""

from clary.services.logs import access, filter, get, groups, metric_filters, put, streams, tags
from clary.services.logs.api import service
from clary.services.logs.counting import Counting

access.register()

__all__ = [
    "Counting",
    "access",
    "filter",
    "get",
    "groups",
    "metric_filters",
    "put",
    "service",
    "streams",
    "tags",
]
