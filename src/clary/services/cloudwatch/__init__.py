"""CloudWatch: metrics, alarms and dashboards."""

from clary.services.cloudwatch import access, dashboards, data, put, read
from clary.services.cloudwatch.api import service

access.register()

__all__ = ["access", "dashboards", "data", "put", "read", "service"]
