"""The composition root: the only place that knows every part, and what each is given."""

from clary.world.catalogue import SERVICES, TAGGABLES
from clary.world.root import World

__all__ = ["SERVICES", "TAGGABLES", "World"]
