"""The audit's files: order, search, torn lines, retention."""

import os
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clary.engines.audit import files
from clary.engines.audit.files import AuditFiles
from clary.kernel.clock import ManualClock
from tests.kernel.waiting import until


def lines(audit: AuditFiles, *needles: bytes, **given: Any) -> list[bytes]:
    return [line for _, line in audit.newest(needles, **given)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_the_newest_first_across_files_and_restarts(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_BYTES", 64)
    for part in range(3):
        with closing(AuditFiles(tmp_path, clock)) as audit:
            for n in range(10):
                audit.append(b"line %d of %d" % (n, part), now=True)
    with closing(AuditFiles(tmp_path, clock)) as audit:
        assert lines(audit) == [b"line %d of %d" % (n, part) for part in (2, 1, 0) for n in reversed(range(10))]
        assert lines(audit, b"line 3", b" of 1") == [b"line 3 of 1"]
        places = [place for place, _ in audit.newest([])]
        assert lines(audit, before=places[4]) == lines(audit)[5:]
    assert len(list(tmp_path.iterdir())) > 3


def test_only_the_owner_may_read(tmp_path: Path, clock: ManualClock) -> None:
    with closing(AuditFiles(tmp_path / "audit", clock)) as audit:
        audit.append(b"x", now=True)
    (file,) = (tmp_path / "audit").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700


def test_a_torn_line_is_none_and_parts_from_the_next(tmp_path: Path, clock: ManualClock) -> None:
    with closing(AuditFiles(tmp_path, clock)) as audit:
        audit.append(b"whole", now=True)
    (file,) = tmp_path.iterdir()
    with file.open("ab") as torn:
        torn.write(b"tor")
    with closing(AuditFiles(tmp_path, clock)) as audit:
        audit.append(b"next", now=True)
        assert lines(audit) == [b"next", b"tor", b"whole"]


async def test_what_may_wait_is_written_soon(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_HELD_SECONDS", 0.0)
    with closing(AuditFiles(tmp_path, clock)) as audit:
        audit.append(b"read", now=False)
        assert lines(audit) == []
        await until(lambda: bool(lines(audit)))  # the loop's own timer
        assert lines(audit) == [b"read"]
        audit.append(b"another", now=False)
        audit.append(b"write", now=True)
        assert lines(audit) == [b"write", b"another", b"read"], "order is kept"


def test_past_its_time_or_too_much(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_BYTES", 10)
    with closing(AuditFiles(tmp_path, clock, days=90, most_bytes=30)) as audit:
        for n in range(6):
            audit.append(b"line-%04d" % n, now=True)
        names = sorted(path.name for path in tmp_path.iterdir())
        assert len(names) == 6
        os.utime(tmp_path / names[4], (clock.now() - 91 * 86_400,) * 2)
        for name in names[:4]:
            os.utime(tmp_path / name, (clock.now(),) * 2)
        assert audit.trim() == 3, "one by its age, two by what the whole may take"
        assert lines(audit) == [b"line-0005", b"line-0003", b"line-0002"]


def test_a_disk_that_refuses_is_asked_again(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(AuditFiles(tmp_path, clock)) as audit:

        def full(data: bytes) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as refusing:
            refusing.setattr(audit, "_write", full)
            audit.append(b"one", now=True)
        audit.append(b"two", now=True)
        assert lines(audit) == [b"two", b"one"]
