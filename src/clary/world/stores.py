"""What of a home is on the disk: opened together, closed together, kept within its bounds together."""

import asyncio
import logging

from clary.config import Config
from clary.engines.audit.files import AuditFiles
from clary.engines.metrics.store import SqliteMetrics
from clary.engines.objects.disk import DiskObjects
from clary.engines.queues.sqlite import SqliteQueues
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.clock import Clock
from clary.kernel.sqlite import SqliteStore

log = logging.getLogger(__name__)


class Stores:
    def __init__(self, config: Config, clock: Clock) -> None:
        self.rows = SqliteStore(config.state_file, clock, sync=config.store_sync, only_writer=True)
        self.objects = DiskObjects(config.objects_dir, clock)
        self.logs = SegmentLogs(config.logs_dir, clock, sync=config.store_sync)
        self.metrics = SqliteMetrics(config.metrics_dir, clock, sync=config.store_sync)
        self.audit = AuditFiles(config.audit_dir, clock, days=config.audit_days)
        self.queues = SqliteQueues(config.queues_file, clock, sync=config.store_sync)

    async def age(self, stop: asyncio.Event) -> None:
        """What is past its retention is dropped, and metrics have become coarser."""
        await asyncio.to_thread(self.logs.trim)
        await asyncio.to_thread(self.audit.trim)
        try:
            while not stop.is_set() and await asyncio.to_thread(self.metrics.roll):
                pass
        except OSError:
            log.exception("old metrics could not be made coarser")

    def close(self) -> None:
        self.objects.close()
        self.logs.close()
        self.audit.close()
        self.metrics.close()
        self.queues.close()
        self.rows.close()
