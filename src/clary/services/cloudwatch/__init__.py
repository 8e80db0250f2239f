"""CloudWatch: metrics, alarms and dashboards."""

from clary.services.cloudwatch import access, put
from clary.services.cloudwatch.api import service

access.register()

__all__ = ["access", "put", "service"]
