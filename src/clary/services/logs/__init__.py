"""CloudWatch Logs: groups, streams and events over the log store."""

from clary.services.logs import access, filter, get, groups, put, streams, tags
from clary.services.logs.api import service

access.register()

__all__ = ["access", "filter", "get", "groups", "put", "service", "streams", "tags"]
