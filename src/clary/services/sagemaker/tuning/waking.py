"""Who tells a tuning job that one of its training jobs has gone on: it looks at once, not after its pause."""

from clary.kernel.errors import Missing
from clary.kernel.store import Event, Store

SUBSCRIBER = "tuning-jobs"


class TuningWaker:
    """Hears of training jobs. Only a hint: what it misses is seen after the pause."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, event: Event) -> None:
        arn = event.resource["status"].get("TuningJobArn")
        if arn is None:
            return
        try:
            self._store.hasten(self._store.by_arn(arn).uid)
        except Missing:
            return  # Deleted since.
