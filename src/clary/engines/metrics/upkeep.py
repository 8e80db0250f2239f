"""Chunks that are many become one, old ones become coarser, the oldest go: a bounded bite at a time."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from threading import RLock
from typing import Final

from clary.engines.metrics.bucket import Bucket
from clary.engines.metrics.chunk import decode, encode, merge_into
from clary.engines.metrics.file import INSERT_CHUNK, refusals, transaction
from clary.engines.metrics.tiers import SPAN, TIERS, coarser

MANY: Final = 16
"""So many chunks of one series and block are made one."""
BITE: Final = 64
"""Blocks that one `roll` makes coarser."""
_MOST_COUNTED: Final = 100_000
Forget = Callable[[list[int]], list[int]]


class Upkeep:
    """`lock` is that of the connection. Every bite is one short transaction."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._grown: Counter[tuple[int, int, int]] = Counter()

    def grown(self, series: int, step: int, block: int) -> None:
        """There is one more chunk of that series and block."""
        if len(self._grown) > _MOST_COUNTED:
            self._grown.clear()  # it only says where compacting is worth while
        self._grown[series, step, block] += 1

    def compact(self, db: sqlite3.Connection, *, over: float = 0.0, most: int = 2**31) -> int:
        """Blocks that `grown` told of have few chunks, and those that ended before `over` have one; stops after `most`
        of them and returns how many there were. Raises OSError."""
        done = 0
        for place, count in list(self._grown.items()):
            series, step, block = place
            if count < MANY and block + SPAN[step] > over:
                continue
            if count > 1:
                if done >= most:
                    break
                self._rewrite(db, series, step, block, step)
                done += 1
            del self._grown[place]
        return done

    def roll(self, db: sqlite3.Connection, now: float, forget: Forget) -> bool:
        """See SqliteMetrics.roll."""
        done = 0
        for tier in TIERS[:-1]:
            with self._lock, refusals():
                old = db.execute(
                    "SELECT DISTINCT series, block FROM chunks WHERE step = ? AND block <= ? LIMIT ?",
                    (tier.step, now - tier.keep - tier.span, BITE - done),
                ).fetchall()
            for series, block in old:
                self._rewrite(db, series, tier.step, block, coarser(tier.step))
            done += len(old)
            if done >= BITE:
                return True
        if self.compact(db, over=now, most=BITE) >= BITE:
            return True
        return self._expire(db, now, forget)

    def _rewrite(self, db: sqlite3.Connection, series: int, step: int, block: int, new: int) -> None:
        """All chunks of the block are one chunk of the step `new`."""
        with self._lock, refusals():
            rows = db.execute(
                "SELECT id, data, spreads FROM chunks WHERE series = ? AND step = ? AND block = ? ORDER BY id",
                (series, step, block),
            ).fetchall()
        buckets: dict[int, Bucket] = {}
        for _, data, told in rows:
            merge_into(buckets, decode(block, step, data, told), new)
        if not buckets:
            return
        home = block - block % SPAN[new]
        made = encode(home, new, buckets, pack=new > 1)
        # Exactly what was read goes: chunks that came meanwhile stay. Both or neither, so no value is there twice.
        with self._lock, transaction(db):
            db.executemany("DELETE FROM chunks WHERE id = ?", [(number,) for number, _, _ in rows])
            db.execute(INSERT_CHUNK, (series, new, home, *made))
        if new != step:
            self.grown(series, new, home)

    def _expire(self, db: sqlite3.Connection, now: float, forget: Forget) -> bool:
        tier = TIERS[-1]
        before = now - tier.keep - tier.span
        with self._lock, transaction(db):
            gone = db.execute(
                "DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE step = ? AND block <= ? LIMIT ?)",
                (tier.step, before, 8 * BITE),
            ).rowcount
            empty = db.execute(
                "SELECT id FROM series WHERE seen > 0 AND seen < ? "
                "AND NOT EXISTS (SELECT 1 FROM chunks WHERE chunks.series = series.id)",
                (before,),
            ).fetchall()
            if empty:
                spare = forget([number for (number,) in empty])
                db.executemany("DELETE FROM series WHERE id = ?", [(number,) for number in spare])
        with self._lock, refusals():
            db.execute("PRAGMA incremental_vacuum(1000)").fetchall()
        return gone > 0
