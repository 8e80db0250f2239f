"""A Spark job of Glue on a machine that cannot run Spark fails, and says what to install."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clary.engines.runners.process import ProcessRunner
from clary.engines.spark import found
from clary.engines.spark.settings import SparkSettings
from clary.engines.spark.warm import WarmSpark
from clary.kernel.reconcile import Controller
from clary.services.glue import MACHINES, reconcilers
from tests.glue_house import House

MEND = "apt-get install openjdk-17-jre-headless (Debian, Ubuntu), or set JAVA_HOME to one that is installed"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Its Spark jobs go the way that they go on a server."""
    made = House(tmp_path)
    spark = WarmSpark(ProcessRunner(tmp_path / "spark"), SparkSettings(tmp_path / "classes"))
    made.engines = replace(made.engines, spark=spark)
    made.controller = Controller(made.store, made.clock, reconcilers(made.engines), MACHINES)
    yield made
    spark.close()
    made.close()


async def failure(house: House) -> str:
    await house.job(Command={"Name": "glueetl", "ScriptLocation": "s3://lake/scripts/job.py"}, GlueVersion="4.0")
    run = await house.start()
    await house.run(1.0)
    shown = await house.shown(run)
    assert shown["JobRunState"] == "FAILED"
    assert await house.engines.spark.uids() == []
    return str(shown["ErrorMessage"])


@pytest.mark.asyncio
async def test_without_a_java(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    said = await failure(house)
    assert said == f"Spark needs Java 17 or newer, and there is none on this machine: {MEND}"


@pytest.mark.asyncio
async def test_with_a_java_that_is_too_old(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    (tmp_path / "jdk" / "release").write_text('IMPLEMENTOR="Old"\nJAVA_VERSION="1.8.0_412"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    said = await failure(house)
    assert said == f"Spark needs Java 17 or newer, and {program} is Java 8: {MEND}"


@pytest.mark.asyncio
async def test_without_pyspark(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "find_spec", lambda name: None)
    assert await failure(house) == "Spark is not installed: pip install 'clary[spark]'"
