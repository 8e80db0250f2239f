"""AWS CloudTrail: who did what, for as long as it is kept."""

from clary.services.cloudtrail import access, lookup, trails
from clary.services.cloudtrail.api import service

__all__ = ["access", "lookup", "service", "trails"]
