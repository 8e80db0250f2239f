"""Triggers: jobs and crawlers are started by hand, by schedule, and by the ends of others."""

from clary.services.glue.triggers import operations
from clary.services.glue.triggers.hints import TRIGGER
from clary.services.glue.triggers.rows import MACHINE

__all__ = ["MACHINE", "TRIGGER", "operations"]
