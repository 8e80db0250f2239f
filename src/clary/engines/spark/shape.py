"""Which work is Spark's, and which of it a process that was started ahead can take."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from clary.engines.runners.base import Work

PROGRAM = ("-m", "clary.algorithms.etl")
"""What follows the Python in the command of a Glue job."""
TOLD = "/opt/ml/input/config/etl.json"
LOCAL = "local[*]"
_AT_START = (
    "spark.driver.memory", "spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions",
    "spark.driver.extraClassPath", "spark.driver.extraLibraryPath", "spark.jars", "spark.jars.packages",
    "spark.jars.repositories", "spark.submit.pyFiles", "spark.files", "spark.archives", "spark.authenticate",
)  # fmt: skip
"""Settings that only a new Java process takes on."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a process must have been started with for some work. Equal shapes can do each other's work."""

    shown: tuple[Path, ...]
    cpus: float | None
    memory_bytes: int | None
    hostname: str
    settings: tuple[tuple[str, str], ...]
    """The variables CLARY_SPARK_... of its environment."""

    def key(self) -> str:
        """Without the archive of classes: it makes a start shorter, and nothing else different."""
        settings = dict(self.settings)
        classes = settings.pop("CLARY_SPARK_CLASSES", None)
        shown = [str(one) for one in self.shown if classes is None or one != Path(classes).parent]
        said = [shown, self.cpus, self.memory_bytes, self.hostname, settings]
        return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def work(self, program: tuple[str, ...], idle_seconds: float) -> Work:
        """What is started ahead: it waits so long for a job, and ends then."""
        return Work(
            command=(sys.executable, *program, "--wait", str(idle_seconds)),
            env=dict(self.settings),
            directories=("/opt/ml/.spare",),
            shown=self.shown,
            cpus=self.cpus,
            memory_bytes=self.memory_bytes,
            hostname=self.hostname,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """Work that needs Spark."""

    warm: bool
    """A process that was started ahead may take it."""


Reads = Callable[[Work], Job | None]


def spark_job(work: Work) -> Job | None:
    """None: it is no Spark job, or it does not say so in words that its own program would understand."""
    if tuple(work.command[1:3]) != PROGRAM or work.image is not None or TOLD not in work.files:
        return None
    try:
        said: dict[str, Any] = orjson.loads(work.files[TOLD])
        if said.get("kind") != "glueetl":
            return None
        spark: Mapping[str, Any] = said.get("spark") or {}
        conf: Mapping[str, Any] = spark.get("conf") or {}
        return Job(plain(work) and (spark.get("master") or LOCAL) == LOCAL and not any(map(conf.get, _AT_START)))
    except (ValueError, AttributeError):
        return None


def plain(work: Work) -> bool:
    """It asks for nothing that must stand before a process is started, but for what a shape holds."""
    alone = Work(command=work.command)
    return (
        work.image is None
        and work.python is None
        and not (work.pipes or work.companions or work.peers or work.serves)
        and (work.network, work.hosts) == (alone.network, alone.hosts)
    )


def told(work: Work, settings: Mapping[str, str], shown: tuple[Path, ...]) -> Work:
    """The work with what its program must know to start Spark. What the work says itself wins."""
    return replace(work, env={**settings, **work.env}, shown=(*work.shown, *shown))


def shape(work: Work) -> Shape:
    """Of work that `told` has completed."""
    settings = tuple(sorted((name, value) for name, value in work.env.items() if name.startswith("CLARY_SPARK_")))
    return Shape(work.shown, work.cpus, work.memory_bytes, work.hostname, settings)
