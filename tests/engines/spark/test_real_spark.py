"""Jobs in a real Spark: started by themselves, and handed to one that was started ahead."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from clary.engines.runners.base import Run, Work
from clary.engines.runners.process import ProcessRunner
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.warm import WarmSpark
from tests.running import over, said, until
from tests.spark_needed import spark_needed

pytestmark = [spark_needed, pytest.mark.slow]
SECONDS = 240.0


class House:
    """A runner with spares, in a loop of its own that outlives single tests."""

    def __init__(self, root: Path) -> None:
        self._loop = asyncio.new_event_loop()
        settings = SparkSettings(root / "classes", memory="600m", archives=False)
        self.runner = WarmSpark(ProcessRunner(root / "runs"), settings)
        self._count = 0

    def begin(self, script: str, **told: object) -> str:
        """The uid of a job that has started."""
        self._count += 1
        uid = f"job{self._count}"
        self._loop.run_until_complete(self.runner.start(uid, work(script, **told)))  # type: ignore[arg-type]
        return uid

    def end(self, uid: str) -> tuple[Run, str, str]:
        """(how it ended, what it said, its failure)."""
        run = self._loop.run_until_complete(over(self.runner, uid, SECONDS))
        assert run.log is not None and run.root is not None
        failure = run.root / "output" / "failure"
        errors = (run.root / "output" / "stderr").read_text()
        return run, run.log.read_text() + errors, failure.read_text() if failure.exists() else ""

    def job(self, script: str, **told: object) -> tuple[Run, str, str]:
        return self.end(self.begin(script, **told))

    def said(self, uid: str, words: str) -> None:
        self._loop.run_until_complete(said(self.runner, uid, words, SECONDS))

    def stop(self, uid: str) -> None:
        self._loop.run_until_complete(self.runner.stop(uid, 60.0))

    def spare(self) -> str:
        """The uid of a spare that is up and warm."""
        uid = self._loop.run_until_complete(self.runner.ahead(work("")))
        assert uid is not None
        self._loop.run_until_complete(until(lambda: self.runner.ready(uid), "a spare is warm", SECONDS))
        return uid

    def uids_below(self) -> list[str]:
        return sorted(path.name for path in self.runner.root.iterdir() if not path.name.startswith("."))

    def close(self) -> None:
        self._loop.run_until_complete(self.runner.rest())
        for uid in self._loop.run_until_complete(self.runner.uids()):
            self._loop.run_until_complete(self.runner.remove(uid))
        self.runner.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


def work(
    script: str,
    *,
    env: Mapping[str, str] | None = None,
    conf: Mapping[str, str] | None = None,
    argv: tuple[str, ...] = (),
) -> Work:
    told = {
        "kind": "glueetl",
        "script": "/opt/ml/code/script.py",
        "argv": ["--JOB_NAME", "nightly", *argv],
        "job": {"JobName": "nightly"},
        "spark": {"master": "local[*]", "conf": dict(conf or {})},
    }
    files = {"/opt/ml/code/script.py": script.encode(), "/opt/ml/input/config/etl.json": json.dumps(told).encode()}
    return Work(command=(sys.executable, "-m", "clary.algorithms.etl"), env=env or {}, files=files)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("spark"))
    yield made
    made.close()


WORDS = """
import sys
from pyspark.sql import SparkSession, functions, types
from clary.algorithms.etl.failures import explained
spark = SparkSession.builder.appName("mine").config("spark.sql.shuffle.partitions", "3").getOrCreate()
print("conf", spark.conf.get("spark.sql.shuffle.partitions"), spark.sparkContext.appName, spark.conf.get("spark.mine"))
print("argv", sys.argv[1:], "stderr", file=sys.stderr)
def fails(row):
    return 1 / row.zero
def attempt(name, what):
    try:
        what()
    except BaseException as error:
        print(name, "=", explained(error, [__file__], None, "600m"))
attempt("table", lambda: spark.sql("select * from nowhere").collect())
attempt("column", lambda: spark.range(3).select("price").collect())
attempt("worker", lambda: spark.createDataFrame([(0,)], "zero int").rdd.map(fails).collect())
attempt("java", lambda: spark._jvm.java.lang.Integer.parseInt("twelve"))
attempt("path", lambda: spark.read.csv("file:///no/such/place").collect())
ratio = 1 / 0
"""


def test_why_a_script_failed_is_said_in_a_sentence(house: House) -> None:
    run, log, failure = house.job(WORDS, conf={"spark.mine": "yes", "spark.driver.memory": "500m"})
    assert (run.phase, run.exit_code) == ("ended", 1), log
    assert failure == "ZeroDivisionError: division by zero, line 20 of script.py: ratio = 1 / 0"
    assert "conf 3 mine yes" in log and "argv ['--JOB_NAME', 'nightly'] stderr" in log
    words = dict(line.split(" = ", 1) for line in log.splitlines() if " = " in line)
    assert words["table"].startswith("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]") and "`nowhere`" in words["table"]
    assert "line 15 of script.py" in words["table"] and "\n" not in words["table"]
    assert words["column"].startswith("AnalysisException: [UNRESOLVED_COLUMN") and "`price`" in words["column"]
    assert words["worker"] == "ZeroDivisionError: division by zero, line 9 of script.py: return 1 / row.zero"
    assert words["java"].startswith('NumberFormatException: For input string: "twelve", line 18 of script.py')
    assert "PATH_NOT_FOUND" in words["path"]
    # The traceback is Python's own, without our frames.
    assert "Traceback (most recent call last):" in log and "clary/algorithms/etl/script.py" not in log
    assert "[Stage" not in log and "NativeCodeLoader" not in log


LEAVES = """
import os, sys, builtins
from pyspark.context import SparkContext
from pyspark.sql import SparkSession
sc = SparkContext()
spark = SparkSession(sc)
spark.range(5).createOrReplaceTempView("left_behind")
spark.range(5).createOrReplaceGlobalTempView("left_behind")
spark.range(5).write.saveAsTable("left_table")
spark.conf.set("spark.left", "behind")
sc._jsc.hadoopConfiguration().set("fs.s3a.secret.key", "left-secret")
os.environ["LEFT"] = "behind"
builtins.left = sys.modules["left"] = "behind"
open("/tmp/left", "w").write("behind"); open("/opt/ml/left", "w").write("behind"); open("left", "w").write("behind")
print("seen", os.environ["SECRET"], sc.parallelize([0], 1).map(lambda _: os.environ.get("SECRET")).collect())
"""
LOOKS = """
import os, sys, builtins
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext
print("tables", [table.name for table in spark.catalog.listTables()])
print("global", spark.catalog._jcatalog.tableExists("global_temp.left_behind"))
print("conf", spark.conf.get("spark.left", "none"), sc._jsc.hadoopConfiguration().get("fs.s3a.secret.key"))
print("python", os.environ.get("LEFT"), os.environ.get("SECRET"), hasattr(builtins, "left"), "left" in sys.modules)
print("workers", sc.parallelize([0], 1).map(lambda _: os.environ.get("SECRET")).collect())
print("files", [place for place in ("/tmp/left", "/opt/ml/left", "left", "/opt/ml/.spare") if os.path.exists(place)])
spark.stop()
again = SparkSession.builder.master("local[1]").config("spark.sql.extensions", "").getOrCreate()
print("again", again.sparkContext.master, again.range(4).count(), again.sparkContext.appName)
"""


def test_a_warm_job_finds_nothing_of_the_one_before(house: House) -> None:
    first = house.spare()
    run, log, _ = house.job(LEAVES, env={"SECRET": "of-the-first", "AWS_SECRET_ACCESS_KEY": "k"})
    assert run.exit_code == 0, log
    assert "seen of-the-first ['of-the-first']" in log
    assert run.started is not None and run.root is not None and run.root.parent.name == first
    second = house.spare()
    assert second != first
    run, log, _ = house.job(LOOKS)
    assert run.exit_code == 0, log
    lines = log.splitlines()
    assert "tables []" in lines and "global False" in lines
    assert "conf none None" in lines
    assert "python None None False False" in lines
    assert "workers [None]" in lines
    assert "files []" in lines
    assert "again local[1] 4 nightly" in lines
    assert not any("noise" in line or "WARN" in line for line in lines), log


STOPPED = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
try:
    print("counting", flush=True)
    spark.sparkContext.parallelize([0], 1).map(lambda _: time.sleep(600)).count()
finally:
    print("cleaned up", flush=True)
"""


def test_sigterm_runs_the_scripts_finally_and_ends_it(house: House) -> None:
    house.spare()
    uid = house.begin(STOPPED)
    house.said(uid, "counting")
    house.stop(uid)
    run, log, failure = house.end(uid)
    assert (run.exit_code, failure) == (143, ""), log
    assert "cleaned up" in log and "asked to stop" in log


FILLED = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
held = spark.sparkContext._gateway.new_array(spark._jvm.long, 200_000_000)
"""


def test_a_full_heap_is_said_with_its_remedy(house: House) -> None:
    house.spare()
    run, log, failure = house.job(FILLED)
    assert run.exit_code == 1, log
    assert (
        failure.startswith("OutOfMemoryError: Spark's Java heap of 600m is full.") and "CLARY_SPARK_MEMORY" in failure
    )
    assert "line 4 of script.py: held = " in failure
