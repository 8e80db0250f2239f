"""STS: who is calling, and short-lived keys."""

from clary.services.sts import access, identity, sessions
from clary.services.sts.api import service

access.register()

__all__ = ["access", "identity", "service", "sessions"]
