"""Megabytes a second through a named pipe of a run in input mode Pipe, and what its feeder takes of the memory.

The peer is what a shell would do: `cat` or `gzip -dc` into the same kind of pipe, read by the same reader.
"""

import gzip
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import report
from clary.engines.pipes.base import Channel, Part, command, write_channel, write_items

READER = """
import os, sys
buffer = bytearray(1 << 20)
total = 0
with open(sys.argv[1], "rb", 0) as pipe:
    while count := pipe.readinto(buffer):
        total += count
print(total)
"""
KINDS = ("plain", "recordio", "gzip")


def main(smoke: bool) -> None:
    size = (1 if smoke else 256) << 20
    figures: dict[str, object] = {"megabytes": size >> 20}
    ratios = {}
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        place = Path(scratch)
        _objects(place, size)
        for kind in KINDS:
            runs = [(_ours(place, kind), _shell(place, kind)) for _ in range(1 if smoke else 5)]
            ours, peak = min(one for one, _ in runs)
            theirs = min(one for _, one in runs)
            figures[kind] = {
                "megabytes_per_second": round(size / 1e6 / ours),
                "shell_megabytes_per_second": round(size / 1e6 / theirs),
                "feeder_peak_megabytes": round(peak / 1e3, 1),
            }
            ratios[f"{kind}_seconds_vs_shell"] = round(ours / theirs, 2)
    notes = [
        "eight objects in the page cache; the reader is Python with one buffer of 1 MiB; best of the runs",
        "from the start of the reader to its end: the second epoch, so that the feeder is up",
        "gzip: rows of random digits, which compress to about a half",
    ]
    report.keep("pipes", figures, ratios, smoke=smoke, notes=notes)


def _objects(place: Path, size: int) -> None:
    digits = random.Random(1)
    piece = ",".join(f"{digits.randrange(10**6):06d}" for _ in range(4096)).encode()[: 1 << 14]
    body = (piece * (1 + size // 8 // len(piece)))[: size // 8]
    for name, stored in (("plain", body), ("gzip", gzip.compress(body, 1))):
        (place / name).mkdir()
        for number in range(8):
            (place / name / str(number)).write_bytes(stored)


def _read(pipe: Path) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-S", "-c", READER, str(pipe)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def _ours(place: Path, kind: str) -> tuple[float, int]:
    """(seconds of the second epoch, peak resident KiB of the feeder)."""
    with tempfile.TemporaryDirectory(dir=place) as run:
        ml = Path(run)
        told, items = ml / "train", ml / "items"
        folder = place / ("gzip" if kind == "gzip" else "plain")
        write_items(items, [[Part(f"s3://bench/{number}", file=str(number))] for number in range(8)])
        write_channel(told, Channel("/opt/ml/train", items, folder, gzip=kind == "gzip", recordio=kind == "recordio"))
        os.mkfifo(ml / "train_0")
        env = {"CLARY_RUN_ML": run, "CLARY_KEEPER": str(os.getpid())}
        with subprocess.Popen(command([told]), env=env) as feeder:
            _read(ml / "train_0")
            seconds = _read(ml / "train_1")
            status = Path(f"/proc/{feeder.pid}/status").read_text()
            feeder.terminate()
        return seconds, int(status.partition("VmHWM:")[2].split()[0])


def _shell(place: Path, kind: str) -> float:
    with tempfile.TemporaryDirectory(dir=place) as run:
        pipe = Path(run) / "pipe"
        os.mkfifo(pipe)
        program, folder = ("gzip -dc", "gzip") if kind == "gzip" else ("cat", "plain")
        with subprocess.Popen(["sh", "-c", f"{program} {place}/{folder}/* >{pipe}"]):
            return _read(pipe)
