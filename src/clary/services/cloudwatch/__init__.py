"""CloudWatch: metrics, alarms and dashboards."""

from clary.services.cloudwatch import access, data, put, read
from clary.services.cloudwatch.api import service

access.register()

__all__ = ["access", "data", "put", "read", "service"]
