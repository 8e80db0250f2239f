"""Queues in one SQLite file of their own: WAL, one writer, every call a few tens of microseconds.

Crash safety rests on one thing: each call is one transaction, and nothing is answered before its COMMIT. A message that
was received by somebody who died is visible again when its time is over; nothing has to be repaired.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from clary.engines.queues import handles
from clary.engines.queues.file import open_queues
from clary.engines.queues.waiting import Waiting
from clary.kernel import ids
from clary.kernel.clock import Clock
from clary.kernel.errors import Missing
from clary.kernel.queues import (
    LONGEST_SECONDS,
    Counts,
    DeadLetters,
    Message,
    NewMessage,
    NotInFlight,
    Take,
    TooLong,
)
from clary.kernel.sqlite_file import Checkpointer
from clary.kernel.sqlite_owned import transaction

BITE: Final = 500
"""So many rows are dropped in one go."""
_LONGEST_WAIT: Final = 60.0

_PLACE: Final = "(SELECT num FROM place WHERE queue = ?)"
_SEND: Final = f"INSERT INTO message (place, visible, sent) VALUES ({_PLACE}, ?, ?)"
_CONTENT: Final = "INSERT INTO content (seq, id, body, about) VALUES (?, ?, ?, ?)"
CANDIDATES: Final = f"""
SELECT seq, receives, sent FROM message INDEXED BY message_visible
WHERE place = {_PLACE} AND visible <= ? ORDER BY visible, receives, sent LIMIT ?
"""
_TAKE: Final = """
UPDATE message SET visible = ?, taken = ?, receipt = ?, receives = receives + 1,
    first = CASE first WHEN 0 THEN ? ELSE first END
WHERE seq = ?
"""
_READ: Final = """
SELECT id, body, about, sent, receives + earlier, first, origin
FROM message JOIN content USING (seq) WHERE message.seq = ?
"""
_OF_RECEIPT: Final = f"WHERE seq = ? AND receipt = ? AND place = {_PLACE}"
NEXT: Final = f"""
SELECT visible FROM message INDEXED BY message_visible WHERE place = {_PLACE} ORDER BY visible LIMIT 1
"""
COUNT_VISIBLE: Final = f"""
SELECT count(*) FROM message INDEXED BY message_visible WHERE place = {_PLACE} AND visible <= ?
"""
COUNT_HIDDEN: Final = f"""
SELECT count(*), coalesce(sum(receives > 0), 0) FROM message INDEXED BY message_visible
WHERE place = {_PLACE} AND visible > ?
"""
OLDEST: Final = f"SELECT sent FROM message INDEXED BY message_sent WHERE place = {_PLACE} ORDER BY sent LIMIT 1"
EXPIRED: Final = f"""
SELECT seq FROM message INDEXED BY message_sent WHERE place = {_PLACE} AND sent < ? ORDER BY sent LIMIT {BITE}
"""
MOVABLE: Final = f"""
SELECT seq, origin FROM message INDEXED BY message_visible
WHERE place = {_PLACE} AND visible <= ? AND seq <= ? ORDER BY visible
"""


class SqliteQueues:
    """kernel.queues.QueueStore on the file `path`. Belongs to the event loop, and its thread, that it is used from.

    sync "normal": what was answered survives a killed process; "full": a power cut too. Raises ForeignState."""

    def __init__(self, path: Path | str, clock: Clock, *, sync: Literal["normal", "full"] = "normal") -> None:
        self._clock = clock
        self._waiting = Waiting(clock)
        self._db = open_queues(path, sync)
        self._run = self._db.execute
        self._checkpointer = None if str(path) == ":memory:" else Checkpointer(path)

    def send(self, queue: str, messages: Sequence[NewMessage]) -> None:
        now = self._clock.now()
        with self._transaction():
            self._settle(queue)
            for one in messages:
                seq = self._run(_SEND, (queue, now + one.delay, now)).lastrowid
                self._run(_CONTENT, (seq, one.id, one.body, one.about))
        self._waiting.wake(queue, len(messages))

    async def receive(self, queue: str, take: Take, wait: float = 0.0) -> list[Message]:
        until = self._clock.now() + wait
        while True:
            found, more = self._receive(queue, take)
            now = self._clock.now()
            if found or (not more and (now >= until or self._waiting.closed)):
                return found
            seconds = 0.0 if more else min(self._next(queue, now), until - now, _LONGEST_WAIT)
            await self._waiting.wait(queue, seconds)

    def delete(self, queue: str, handles_given: Sequence[str]) -> int:
        receipts = [handles.decode(queue, one) for one in handles_given]
        gone = 0
        with self._transaction():
            for seq, receipt in receipts:
                # Who received it last owns it: a late delete by an earlier receiver changes nothing.
                if self._run(f"DELETE FROM message {_OF_RECEIPT}", (seq, receipt, queue)).rowcount:
                    self._run("DELETE FROM content WHERE seq = ?", (seq,))
                    gone += 1
        return gone

    def hide(self, queue: str, handle: str, seconds: float) -> None:
        seq, receipt = handles.decode(queue, handle)
        now = self._clock.now()
        with self._transaction():
            row = self._run(f"SELECT visible, taken FROM message {_OF_RECEIPT}", (seq, receipt, queue)).fetchone()
            if row is None:
                raise Missing(handle)
            visible, taken = row
            if visible <= now:
                raise NotInFlight(handle)
            if now + seconds > taken + LONGEST_SECONDS:
                raise TooLong(handle)
            self._run("UPDATE message SET visible = ? WHERE seq = ?", (now + seconds, seq))
        self._waiting.wake(queue, 1)  # it may be visible sooner than those who wait have reckoned with

    def counts(self, queue: str) -> Counts:
        now = self._clock.now()
        (visible,) = self._run(COUNT_VISIBLE, (queue, now)).fetchone()
        hidden, in_flight = self._run(COUNT_HIDDEN, (queue, now)).fetchone()
        oldest = self._run(OLDEST, (queue,)).fetchone()
        return Counts(visible, in_flight, hidden - in_flight, oldest[0] if oldest else None)

    def expire(self, queue: str, before: float) -> int:
        with self._transaction():
            found = self._run(EXPIRED, (queue, before)).fetchall()
            self._drop([seq for (seq,) in found])
        return len(found)

    def purge(self, queue: str) -> None:
        # Receipts that are under way find nothing at the new place, and messages sent from now on are not touched.
        self._run("UPDATE place SET queue = NULL WHERE queue = ?", (queue,))

    def move(self, queue: str, target: Callable[[str], str | None], limit: int, task: str) -> int:
        now = self._clock.now()
        arrived: dict[str, int] = {}
        with self._transaction():
            last = self._begun(task)
            rows = self._run(MOVABLE, (queue, now, last))
            chosen = []
            for seq, origin in rows:
                if (aim := target(origin)) is not None:
                    chosen.append((seq, aim))
                    if len(chosen) == limit:
                        break
            for seq, aim in chosen:
                self._settle(aim)
                # A new message: it may be received as often as any, and a late delete of the old one misses it.
                self._run(
                    f"UPDATE message SET place = {_PLACE}, visible = ?, sent = ?, receives = 0, earlier = 0,"
                    " first = 0, taken = 0, receipt = 0, origin = '' WHERE seq = ?",
                    (aim, now, now, seq),
                )
                self._run("UPDATE content SET id = ? WHERE seq = ?", (ids.request_id(), seq))
                arrived[aim] = arrived.get(aim, 0) + 1
            self._run("UPDATE task SET moved = moved + ? WHERE name = ?", (len(chosen), task))
        for aim, count in arrived.items():
            self._waiting.wake(aim, count)
        return len(chosen)

    def moved(self, task: str) -> int:
        row = self._run("SELECT moved FROM task WHERE name = ?", (task,)).fetchone()
        return int(row[0]) if row else 0

    def queues(self) -> list[str]:
        return [queue for (queue,) in self._run("SELECT queue FROM place WHERE queue IS NOT NULL ORDER BY queue")]

    def sweep(self) -> int:
        with self._transaction():
            row = self._run("SELECT num FROM place INDEXED BY place_dropped WHERE queue IS NULL LIMIT 1").fetchone()
            if row is None:
                return 0
            found = self._run(
                f"SELECT seq FROM message INDEXED BY message_sent WHERE place = ? LIMIT {BITE}", row
            ).fetchall()
            self._drop([seq for (seq,) in found])
            if len(found) < BITE:
                self._run("DELETE FROM place WHERE num = ?", row)
        return len(found) or 1

    def let_go(self) -> None:
        self._waiting.close()

    def close(self) -> None:
        self._waiting.close()
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._db.close()

    def _receive(self, queue: str, take: Take) -> tuple[list[Message], bool]:
        """(what was received, whether it stopped early because much had to be cleared away first)."""
        now = self._clock.now()
        # Where nothing can be received nothing is written: who polls an empty queue costs no commit.
        if self._run(CANDIDATES, (queue, now, 1)).fetchone() is None:
            return [], False
        dead, cleared, died = take.dead, 0, 0
        taken: list[Message] = []
        seen: set[int] = set()
        with self._transaction():
            while len(taken) < take.limit and cleared < BITE:
                # Hidden for no time at all, what was taken is still among them.
                rows = self._run(CANDIDATES, (queue, now, take.limit)).fetchall()
                if all(seq in seen for seq, _, _ in rows):
                    break
                for seq, receives, sent in rows:
                    if seq in seen:
                        continue
                    if sent < now - take.keep:
                        self._drop([seq])
                        cleared += 1
                    elif dead is not None and receives >= dead.receives:
                        self._bury(seq, dead, now)
                        cleared, died = cleared + 1, died + 1
                    elif len(taken) < take.limit:
                        taken.append(self._take(queue, seq, now, take.hidden))
                        seen.add(seq)
        if dead is not None and died:
            self._waiting.wake(dead.queue, died)
        return taken, not taken and cleared >= BITE

    def _take(self, queue: str, seq: int, now: float, hidden: float) -> Message:
        receipt = secrets.randbits(62)
        self._run(_TAKE, (now + hidden, now, receipt, now, seq))
        id_, body, about, sent, receives, first, origin = self._run(_READ, (seq,)).fetchone()
        return Message(id_, body, about, handles.encode(queue, seq, receipt), sent, receives, first, origin)

    def _bury(self, seq: int, dead: DeadLetters, now: float) -> None:
        self._settle(dead.queue)
        self._run(
            f"UPDATE message SET place = {_PLACE}, visible = ?, origin = ?,"
            " earlier = earlier + receives, receives = 0 WHERE seq = ?",
            (dead.queue, now, dead.origin, seq),
        )

    def _settle(self, queue: str) -> None:
        self._run("INSERT OR IGNORE INTO place (queue) VALUES (?)", (queue,))

    def _begun(self, task: str) -> int:
        """The last seq that the task moves: set when it is first asked to move something."""
        last = self._run("SELECT coalesce(max(seq), 0) FROM message").fetchone()[0]
        self._run("INSERT OR IGNORE INTO task (name, last) VALUES (?, ?)", (task, last))
        return int(self._run("SELECT last FROM task WHERE name = ?", (task,)).fetchone()[0])

    def _drop(self, found: list[int]) -> None:
        rows: list[tuple[Any, ...]] = [(seq,) for seq in found]
        self._db.executemany("DELETE FROM message WHERE seq = ?", rows)
        self._db.executemany("DELETE FROM content WHERE seq = ?", rows)

    def _next(self, queue: str, now: float) -> float:
        """Seconds until the next hidden message is visible."""
        row = self._run(NEXT, (queue,)).fetchone()
        return _LONGEST_WAIT if row is None else max(row[0] - now, 0.0)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with transaction(self._db):
            yield
        if self._checkpointer is not None:
            self._checkpointer.committed()
