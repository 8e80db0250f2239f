"""Names that a record has and another has not: what the search box of a console completes."""

from collections.abc import Iterator
from typing import Final

from clary.kernel.resource import Doc

MOST: Final = 100
MOST_LOOKED: Final = 2_000
"""Resources, the last changed first, whose names are suggested."""
MEMBERS: Final = ("HyperParameters", "Parameters", "Metrics", "FinalMetricDataList", "Tags")


def names(record: Doc) -> Iterator[str]:
    """Property names of the record, in full."""
    for member in ("HyperParameters", "Parameters"):
        for name in record.get(member) or ():
            yield f"{member}.{name}"
    for one in (*(record.get("Metrics") or ()), *(record.get("FinalMetricDataList") or ())):
        yield f"Metrics.{one['MetricName']}"
    for one in record.get("Tags") or ():
        yield f"Tags.{one['Key']}"
