"""CloudWatch Logs: groups, streams and events over the log store."""

from clary.services.logs import filter, get, groups, put, streams, tags
from clary.services.logs.api import service

__all__ = ["filter", "get", "groups", "put", "service", "streams", "tags"]
