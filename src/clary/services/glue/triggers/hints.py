"""Triggers that wait for the end of a job's run or of a crawl hear of it at once."""

from typing import Final

from clary.kernel.store import Store

TRIGGER: Final = "glue-trigger"


def told(store: Store, account: str, region: str, watched: str) -> None:
    """A hint: the triggers that watch `watched` ("job/NAME" or "crawler/NAME") look now. Correctness needs none."""
    for one in store.referring(account, region, TRIGGER, f"glue/{watched}"):
        store.hasten(one.uid)
