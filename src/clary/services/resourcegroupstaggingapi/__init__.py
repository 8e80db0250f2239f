"""The AWS service resourcegroupstaggingapi: tags of every resource that has some, whichever service it is of."""

from clary.services.resourcegroupstaggingapi import access, change, get, keys
from clary.services.resourcegroupstaggingapi.api import service

access.register()

__all__ = ["access", "change", "get", "keys", "service"]
