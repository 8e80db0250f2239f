"""The metric store of one machine: a journal, buckets in memory, and chunks that become coarser as they age.

What `put` is given goes into the journal (durable) and into buckets in memory. Once a minute, or when there are many,
the buckets become chunks and the journal up to there goes, in one transaction: every value is in the journal or in
exactly one chunk, whenever the process dies. A background thread does that; it sleeps while there is nothing to do.
"""

import logging
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, Lock, RLock, Thread
from typing import Final, Literal

from clary.engines.metrics import journal
from clary.engines.metrics.chunk import Columns, decode, encode, of_buckets
from clary.engines.metrics.file import INSERT_CHUNK, open_file, refusals, transaction
from clary.engines.metrics.journal import Buckets
from clary.engines.metrics.series import SeriesTable
from clary.engines.metrics.tiers import SPAN, TIERS
from clary.engines.metrics.upkeep import Upkeep
from clary.engines.metrics.windows import Span, merged, needs_extremes, needs_spreads, points, summed
from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricMatch, MetricName, Points, Sample, Statistic, Summary

LINGER_SECONDS: Final = 0.5
"""How long what was added waits for company before it is journaled."""
SPILL_SECONDS: Final = 60.0
SPILL_BUCKETS: Final = 30_000
SPILL_BYTES: Final = 8 * 2**20
"""Of journal: it is read again at the first use after a crash."""
MOST_BUCKETS: Final = 4 * SPILL_BUCKETS
"""More are refused: the disk takes none of them."""
MOST_PENDING: Final = 20_000

log = logging.getLogger(__name__)


class SqliteMetrics:
    """A MetricStore below `root`, opened when it is first used. Safe from threads; of one process only. Without
    `background`, whoever owns it calls `flush` and `spill`.

    `sync`: "normal": what was answered survives a killed process; "full": also a power cut, at a few ms a put."""

    def __init__(
        self, root: Path, clock: Clock, *, sync: Literal["normal", "full"] = "normal", background: bool = True
    ) -> None:
        self._path = root / "points.db"
        self._clock = clock
        self._sync: Literal["normal", "full"] = sync
        self._background = background
        self._lock = RLock()  # of all below, the connection above all
        self._spilling = Lock()  # of a spill from its begin to its end; taken before `_lock`
        self._db: sqlite3.Connection | None = None
        self._series = SeriesTable()
        self._upkeep = Upkeep(self._lock)
        self._open = Buckets()
        self._frozen: Buckets | None = None
        """What a spill is writing, or could not write yet."""
        self._journaled = 0
        """Bytes of journal behind `_open`."""
        self._last = 0
        """The newest entry of the journal that `_open` or `_frozen` holds."""
        self._frozen_last = 0
        self._since = 0.0
        """When the first bucket of `_open` was made: `time.monotonic`."""
        self._pending: deque[Sequence[Sample]] = deque()
        self._dropped = 0
        self.taken = 0
        """Samples that were stored since it was opened."""
        self._news = Event()
        self._closing = Event()
        self._thread: Thread | None = None

    # Writing.

    def add(self, samples: Sequence[Sample]) -> None:
        # On hot paths: a deque's append, and a wake-up at most twice a second.
        if len(self._pending) >= MOST_PENDING:
            self._make_room()
        self._pending.append(samples)
        if not self._news.is_set():
            self._wake()

    def _make_room(self) -> None:
        """What is counted faster than the thread writes is written by who counts it; what the disk refuses is lost."""
        try:
            self.flush()
        except OSError:
            self._pending.popleft()
            self._dropped += 1

    def put(self, samples: Sequence[Sample | Summary]) -> None:
        now = self._clock.now()
        with self._lock:
            db = self._opened()
            if self._open.count >= MOST_BUCKETS:
                raise OSError("the metric store: what is in memory could not be written, and no more is taken")
            try:
                with transaction(db):
                    records = [journal.record(self._series.number(db, one), one, now) for one in samples]
                    text = journal.dumps(records)
                    last = db.execute("INSERT INTO journal (records) VALUES (?)", (text,)).lastrowid
            except BaseException:
                self._series.forget()  # numbers that were rolled back must not be used
                raise
            self._last = last or 0
            self._journaled += len(text)
            first = not self._open.count
            self._open.take(records)
            self.taken += len(records)
            if first:
                self._since = time.monotonic()
            if first or self._full():
                self._wake()

    def flush(self) -> None:
        """What was added before is in the journal. Raises OSError, and then it still waits."""
        with self._lock:
            batches: list[Sequence[Sample]] = []
            while self._pending:
                batches.append(self._pending.popleft())
            if not batches:
                return
            try:
                self.put([sample for batch in batches for sample in batch])
            except OSError:
                self._pending.extendleft(reversed(batches))
                raise
            except ValueError:
                self._put_apart(batches)
            if self._dropped:
                log.error("metrics were lost: the disk took no more", extra={"batches": self._dropped})
                self._dropped = 0

    def _put_apart(self, batches: list[Sequence[Sample]]) -> None:
        """Every batch but those that hold what is no number: whoever added one must not cost the others theirs."""
        for i, batch in enumerate(batches):
            try:
                self.put(batch)
            except ValueError:
                log.exception("a metric was refused", extra={"metric": batch[0].metric.name})
            except OSError:
                self._pending.extendleft(reversed(batches[i:]))
                raise

    def spill(self) -> None:
        """What was in memory is in chunks, and the journal up to there is gone. Raises OSError."""
        with self._spilling:
            with self._lock:
                db = self._opened()
                if self._frozen is None:
                    if not self._open.count:
                        return
                    self._frozen, self._open = self._open, Buckets()
                    self._frozen_last, self._journaled = self._last, 0
                frozen = self._frozen
            # Nobody changes what is frozen, so the lock is not needed for the long part.
            rows = [
                (series, step, block, *encode(block, step, buckets, pack=step > 1))
                for series, blocks in frozen.blocks.items()
                for (step, block), buckets in blocks.items()
            ]
            with self._lock:
                # Both or neither: the values are in the journal until they are in chunks, and never in both.
                with transaction(db):
                    db.executemany(INSERT_CHUNK, rows)
                    db.execute("DELETE FROM journal WHERE id <= ?", (self._frozen_last,))
                    seen = [(at, series) for series, at in frozen.seen.items()]
                    db.executemany("UPDATE series SET seen = max(seen, ?) WHERE id = ?", seen)
                self._frozen = None
            for series, step, block, _, _ in rows:
                self._upkeep.grown(series, step, block)
            self._upkeep.compact(db)

    def roll(self) -> bool:
        """A bounded bite of what has aged is coarser, or gone; True: call again, there is more. Raises OSError."""
        with self._lock:
            if self._db is None and not self._path.exists():
                return False
            db = self._opened()
        return self._upkeep.roll(db, self._clock.now(), self._forget)

    def _forget(self, numbers: list[int]) -> list[int]:
        """Those of the series that nothing in memory is of; they are not used again. The lock is held."""
        self._series.forget()
        return [number for number in numbers if not self._seen(number)]

    # Reading.

    def names(
        self, account: str, region: str, match: MetricMatch, after: MetricName | None = None
    ) -> Iterator[MetricName]:
        while True:
            with self._lock:
                if not self._caught_up():
                    return
                page = self._series.page(self._opened(), account, region, match, after, self._seen)
            yield from page.found
            if page.last is None:
                return
            after = page.last

    def units(self, metric: MetricName) -> list[str]:
        with self._lock:
            if not self._caught_up():
                return []
            return sorted(self._series.of_metric(self._opened(), metric))

    def read(
        self,
        metric: MetricName,
        statistics: Sequence[Statistic],
        start: int,
        end: int,
        period: int,
        unit: str | None = None,
    ) -> Points:
        span = Span(start, end, period)
        extremes, spreads = needs_extremes(statistics), needs_spreads(statistics)
        pieces = []
        for step, columns in self._pieces(metric, unit, span, spreads):
            pieces.append(summed(columns, step, span, extremes=extremes, spreads=spreads))
        return points(merged(pieces), statistics)

    def _pieces(self, metric: MetricName, unit: str | None, span: Span, spreads: bool) -> Iterator[tuple[int, Columns]]:
        """(step, columns) of all that may lie in the span, as of one moment."""
        rows, found = self._looked_up(metric, unit, span, spreads)
        for step, block, data, told in rows:
            yield step, decode(block, step, data, told)
        yield from found

    def _looked_up(
        self, metric: MetricName, unit: str | None, span: Span, spreads: bool
    ) -> tuple[list[tuple[int, int, bytes, bytes | None]], list[tuple[int, Columns]]]:
        """What stands in chunks, to be decoded, and what is in memory."""
        rows: list[tuple[int, int, bytes, bytes | None]] = []
        found: list[tuple[int, Columns]] = []
        told = "spreads" if spreads else "NULL"
        with self._lock:
            if not self._caught_up():
                return rows, found
            db = self._opened()
            for name, number in self._series.of_metric(db, metric).items():
                if unit not in (None, name):
                    continue
                with refusals():
                    for tier in TIERS:
                        rows += db.execute(
                            f"SELECT step, block, data, {told} FROM chunks WHERE series = ? AND step = ? "
                            "AND block > ? AND block < ? ORDER BY block, id",
                            (number, tier.step, span.start - tier.span, span.limit),
                        )
                for memory in (self._frozen, self._open):
                    blocks = memory.blocks.get(number, {}) if memory is not None else {}
                    for (step, block), buckets in blocks.items():
                        if span.start - SPAN[step] < block < span.limit:
                            found.append((step, of_buckets(buckets, spreads=spreads)))
        return rows, found

    def _caught_up(self) -> bool:
        """All that was added is in its bucket; False: there is nothing at all. The lock is held."""
        if self._db is None and not self._pending and not self._path.exists():
            return False
        self.flush()
        return True

    def _seen(self, series: int) -> int:
        """The newest bucket of a series in memory; 0: none."""
        frozen = self._frozen.seen.get(series, 0) if self._frozen is not None else 0
        return max(frozen, self._open.seen.get(series, 0))

    # The file and the thread.

    def close(self) -> None:
        """All is in chunks, no file is open, no thread runs. The store may be used again."""
        self._closing.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._lock:
            if self._pending:
                self.flush()
        if self._db is not None:
            try:
                self.spill()
            except OSError:
                log.exception("metrics stay in the journal")
            self._db.close()
            self._db = None
        self._closing.clear()

    def _opened(self) -> sqlite3.Connection:
        """The file, with what stands in its journal in memory. The lock is held."""
        if self._db is None:
            db = open_file(self._path, self._sync)
            memory, self._last = Buckets(), 0
            with refusals():
                for number, text in db.execute("SELECT id, records FROM journal ORDER BY id"):
                    memory.take(journal.loads(text))
                    self._last = number
            self._open, self._frozen, self._journaled = memory, None, 0
            self._since = time.monotonic()
            self._series.forget()
            self._db = db
            if memory.count:
                self._wake()
        return self._db

    def _full(self) -> bool:
        return self._open.count >= SPILL_BUCKETS or self._journaled >= SPILL_BYTES

    def _wake(self) -> None:
        if self._thread is None and self._background and not self._closing.is_set():
            with self._lock:
                if self._thread is None:
                    self._thread = Thread(target=self._work, name="clary-metrics", daemon=True)
                    self._thread.start()
        self._news.set()

    def _work(self) -> None:
        while not self._closing.is_set():
            self._news.wait(self._patience())
            self._news.clear()
            try:
                if self._pending:
                    self._closing.wait(LINGER_SECONDS)
                    self.flush()
                if self._open.count and (self._full() or time.monotonic() >= self._since + SPILL_SECONDS):
                    self.spill()
            except OSError:
                log.exception("metrics wait for the disk")
                self._closing.wait(LINGER_SECONDS)
                self._news.set()

    def _patience(self) -> float | None:
        """Seconds until there is something to do, unless something comes; None: nothing is left to do."""
        if not self._open.count:
            return None
        return max(0.0, self._since + SPILL_SECONDS - time.monotonic())
