"""What happens in Glue, as Amazon EventBridge tells it: the heralds of all families."""

from collections.abc import Mapping
from typing import Final

from clary.aws.heralds import Herald
from clary.services.glue.catalog import heralds as catalog_heralds
from clary.services.glue.crawlers import heralds as crawlers_heralds
from clary.services.glue.jobs import heralds as jobs_heralds

HERALDS: Final[Mapping[str, Herald]] = {
    **catalog_heralds.HERALDS,
    **crawlers_heralds.HERALDS,
    **jobs_heralds.HERALDS,
}
