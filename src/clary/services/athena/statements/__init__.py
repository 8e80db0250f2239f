"""DDL and SHOW: what is asked of the catalog, and the lines that are answered.

base        what all of them are made of
showing     SHOW and DESCRIBE
creation    SHOW CREATE
defining    CREATE, DROP and ALTER of databases, tables and views
partitions  ALTER TABLE of partitions, and MSCK REPAIR TABLE
preparing   PREPARE and DEALLOCATE
"""

from typing import Final

from clary.services.athena.statements import defining, partitions, preparing, showing
from clary.services.athena.statements.base import Do

DO: Final[dict[str, Do]] = {**showing.DO, **defining.DO, **partitions.DO, **preparing.DO}
"""By the kind that the reader of statements tells."""
