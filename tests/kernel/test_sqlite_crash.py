"""A process that writes as fast as it can is killed with SIGKILL: what it had answered is there, all else is whole."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clary.kernel.clock import ManualClock
from clary.kernel.sqlite import SqliteStore
from clary.kernel.store import Where
from tests.kernel.making import ACCOUNT, REGION

LEASE = 20.0

WRITER = """
import random, sys
from clary.kernel.clock import SystemClock
from clary.kernel.errors import Stale
from clary.kernel.sqlite import SqliteStore
from tests.kernel.making import job

store = SqliteStore(sys.argv[1], clock := SystemClock())
dice = random.Random(int(sys.argv[2]))
rows, number = [], 0
while True:
    number += 1
    kind = dice.choice(["create", "create", "update", "claim", "delete"])
    if kind == "create" or len(rows) < 3:
        status = {"n": 0, "pad": "x" * dice.randrange(9000)}
        one = store.create(job(f"{sys.argv[2]}-{number}", due=clock.now(), status=status))
        rows.append(one)
        said = f"{one.name} {one.version} 0"
    elif kind == "update":
        at = dice.randrange(len(rows))
        rows[at] = one = store.update(rows[at], phase=f"P{number}", n=number)
        said = f"{one.name} {one.version} {number}"
    elif kind == "claim":
        store.claim(3, float(sys.argv[3]))
        continue
    else:
        one = rows.pop(dice.randrange(len(rows)))
        store.delete(one)
        said = f"{one.name} -1 0"
    sys.stdout.write(said + "\\n")
    sys.stdout.flush()
"""


def killed_after(path: Path, seed: int, lines: int, pause: float) -> list[str]:
    """The lines that the writer said before it was killed, at least `lines` of them."""
    command = [sys.executable, "-c", WRITER, str(path), str(seed), str(LEASE)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        # A moment of no meaning, so that the kill falls anywhere in a write.
        end = time.perf_counter() + pause
        while time.perf_counter() < end:
            pass
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.readlines()
        assert writer.wait() == -signal.SIGKILL
    return [line.rstrip("\n") for line in said if line.endswith("\n")]


@pytest.mark.parametrize("seed", range(6))
def test_every_answered_write_is_there_after_a_kill(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "clary.db"
    dice = random.Random(seed)
    answered: dict[str, tuple[int, int]] = {}
    for life in range(2):
        said = killed_after(path, seed * 10 + life, dice.randrange(5, 200), dice.random() / 200)
        for line in said:
            name, version, number = line.split(" ")
            answered[name] = (int(version), int(number))
        check(path, answered, last=said[-1].split(" ")[0])


def check(path: Path, answered: dict[str, tuple[int, int]], last: str) -> None:
    clock = ManualClock(time.time())
    store = SqliteStore(path, clock)
    there = {one.name: one for one in store.page("job", Where(account=ACCOUNT, region=REGION), limit=100_000)}
    # One write can have been committed without being answered: one version or one row more or less than was said.
    unanswered = 0
    for name, (version, number) in answered.items():
        if version < 0:
            assert name not in there
        elif name not in there or there[name].version != version:
            unanswered += 1
            assert name not in there or there[name].version == version + 1, name
        else:
            assert there[name].status["n"] == number
    unanswered += len(there.keys() - answered.keys())
    assert unanswered <= 1
    told = store.events(0, 1_000_000)
    assert {event.uid for event in told if event.type == "deleted"}.isdisjoint(one.uid for one in there.values())
    for one in there.values():
        assert [event.phase for event in told if event.uid == one.uid][-1] == one.phase  # The event came with its move.
    assert last in {event.name for event in told}
    # No lease of the dead outlives its time.
    clock.advance(LEASE)
    assert {one.name for one in store.claim(100_000, LEASE)} == set(there)
    store.release()
    store.close()
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    answered.clear()
    answered.update({name: (one.version, one.status["n"]) for name, one in there.items()})
