"""How long a Spark job takes from its start to its end: the first one ever, one that starts its own Spark, and one that
is handed to a Spark that waits; and what the last one costs over the same script in a bare, warm session.

The peer is PySpark alone: a session of `SparkSession.builder`, in which the script has been run before.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import report
from clary.engines.runners.base import Work
from clary.engines.runners.process import ProcessRunner
from clary.engines.spark.found import missing
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.warm import WarmSpark

SCRIPT = """
from pyspark.sql import SparkSession, functions
spark = SparkSession.builder.getOrCreate()
rows = spark.range(2000).selectExpr("id", "id % 7 as kind", "id / 3.0 as price")
rows.write.mode("overwrite").csv("rows", header=True)
read = spark.read.csv("rows", header=True, inferSchema=True)
sums = read.groupBy("kind").agg(functions.sum("price").alias("total"))
sums.orderBy("kind").write.mode("overwrite").parquet("sums")
"""
BARE = """
import sys, time
from pathlib import Path
from pyspark.sql import SparkSession
SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
code = compile(Path(sys.argv[1]).read_text(), "script", "exec")
for _ in range(int(sys.argv[2])):
    begun = time.monotonic()
    exec(code, {"__name__": "__main__"})
    print("took", time.monotonic() - begun, flush=True)
"""
TOLD = {"kind": "glueetl", "script": "/opt/ml/code/script.py", "argv": [], "job": {"JobName": "bench"}, "spark": {}}


def main(smoke: bool) -> None:
    lacks = missing()
    if lacks is not None:
        print(f"skipped: {lacks}")
        return
    times = 1 if smoke else 5
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        figures = asyncio.run(_measured(Path(scratch), times, smoke))
        bare = [] if smoke else _bare(Path(scratch), times)
    ratios = {}
    if bare:
        figures["bare_seconds"] = round(statistics.median(bare), 2)
        figures["overhead_seconds"] = round(figures["warm_seconds"] - statistics.median(bare), 2)
        ratios = {"warm_vs_bare": round(figures["warm_seconds"] / statistics.median(bare), 2)}
    notes = [
        "a job writes 2,000 rows of CSV, reads them with their types inferred, sums and writes Parquet; on local disk",
        "first: no archive of Java's classes yet; cold: with it; warm: handed to a Spark that waits; medians",
        "bare: the same script in one PySpark session, from its second time on",
        "budgets: first 20 s, cold 10 s, warm 3 s, overhead 1 s",
    ]
    report.keep("etl.warm", figures, ratios, smoke=smoke, notes=notes)


async def _measured(scratch: Path, times: int, smoke: bool) -> dict[str, float]:
    below = ProcessRunner(scratch / "runs")
    cold = WarmSpark(below, SparkSettings(scratch / "classes", spares=0, archives=not smoke))
    found = {"first_seconds": round(await _job(cold, "first"), 2)}
    if not smoke:
        await _until(lambda: bool(list((scratch / "classes").glob("*.jsa"))), "the archive of classes")
        found["cold_seconds"] = round(statistics.median([await _job(cold, f"cold{n}") for n in range(times)]), 2)
    warm = WarmSpark(below, SparkSettings(scratch / "classes", archives=not smoke))
    took = []
    for number in range(times):
        spare = await warm.ahead(_work())
        await _until(lambda spare=spare: spare is not None and warm.ready(spare), "a spare")  # type: ignore[misc]
        took.append(await _job(warm, f"warm{number}"))
    found["warm_seconds"] = round(statistics.median(took), 2)
    await warm.rest()
    warm.close()
    return found


async def _until(true: Callable[[], bool], what: str) -> None:
    for _ in range(6000):
        if true():
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{what} was not there within 600 s")


def _work() -> Work:
    files = {"/opt/ml/code/script.py": SCRIPT.encode(), "/opt/ml/input/config/etl.json": json.dumps(TOLD).encode()}
    return Work(command=(sys.executable, "-m", "clary.algorithms.etl"), files=files)


async def _job(runner: WarmSpark, uid: str) -> float:
    """Seconds from the start of the job to its end."""
    begun = time.monotonic()
    await runner.start(uid, _work())
    while True:
        run = await runner.observe(uid)
        if run.phase != "running":
            break
        await asyncio.sleep(0.01)
    took = time.monotonic() - begun
    if run.exit_code != 0:
        raise RuntimeError(run.log.read_text() if run.log is not None else "no log")
    await runner.remove(uid)
    return took


def _bare(scratch: Path, times: int) -> list[float]:
    place = scratch / "bare"
    place.mkdir()
    (place / "script.py").write_text(SCRIPT)
    line = [sys.executable, "-c", BARE, "script.py", str(times + 1)]
    said = subprocess.run(line, cwd=place, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(one.split()[1]) for one in said.splitlines() if one.startswith("took")][1:]
