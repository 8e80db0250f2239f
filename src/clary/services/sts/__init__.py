"""STS: who is calling, and short-lived keys for roles."""

from clary.services.sts.api import service

__all__ = ["service"]
