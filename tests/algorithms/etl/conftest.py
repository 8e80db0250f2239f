"""`awsglue` as a job's script has it, and one Spark for all tests of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.etl import told
from clary.algorithms.etl.files import hadoop_conf


@pytest.fixture(scope="session")
def packages() -> Iterator[None]:
    """`import awsglue` works."""
    sys.path.insert(0, str(told.PACKAGES))
    yield
    sys.path.remove(str(told.PACKAGES))


@pytest.fixture
def ml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: None) -> Iterator[Path]:
    """A run's /opt/ml, and a Job that has not begun."""
    from awsglue.bookmarks import Bookmarks
    from awsglue.job import Job

    (tmp_path / "ml" / "input" / "config").mkdir(parents=True)
    monkeypatch.setenv("CLARY_ML_ROOT", str(tmp_path / "ml"))
    Job.begun, Job.bookmarks, Job.name = False, Bookmarks(), ""
    yield tmp_path / "ml"
    Job.begun, Job.bookmarks, Job.name = False, Bookmarks(), ""


@pytest.fixture(scope="session")
def spark(packages: None) -> Iterator[Any]:
    """Spark in this process, with as few tasks as may be."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("awsglue")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
    }.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


def pointed(spark: Any, environment: dict[str, str]) -> None:
    """`s3://` in this Spark is the server that `environment` names."""
    for name, value in hadoop_conf(environment).items():
        if name.startswith("spark.hadoop."):
            spark._jsc.hadoopConfiguration().set(name.removeprefix("spark.hadoop."), value)
        else:
            spark.conf.set(name, value)
