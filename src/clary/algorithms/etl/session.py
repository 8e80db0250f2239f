"""The Spark of one job: what PySpark starts is started as the job was told, or is the one that was started ahead."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from clary.algorithms.etl.java import Java
from clary.algorithms.etl.told import Start, Told, workplace

_HADOOP = "spark.hadoop."
_PASSED_OVER = frozenset({
    "spark.app.id", "spark.app.name", "spark.app.startTime", "spark.app.submitTime", "spark.driver.port",
    "spark.executor.id", "spark.rdd.compress", "spark.serializer.objectStreamReset", "spark.submit.deployMode",
    "spark.submit.pyFiles",
})  # fmt: skip
"""Settings in which a context that was started ahead may differ: names and what PySpark itself sets."""


def defaults(master: str) -> dict[str, str]:
    """What every Spark of ours starts with; the job's own settings win."""
    found = {
        "spark.master": master,
        "spark.app.name": "clary",
        "spark.submit.deployMode": "client",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": (workplace() / "warehouse").as_uri(),
    }
    if master.startswith("local"):
        # Nobody else has business at its ports: they are bound to this machine, and ask for a secret.
        found |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.authenticate": "true",
        }
    return found


class Session:
    """A Java process with Spark in it, and perhaps a context that was started ahead and waits to be taken."""

    def __init__(self, java: Java) -> None:
        self.java = java
        self._parked: Any = None

    @classmethod
    def cold(cls, start: Start, told: Told, hadoop: Mapping[str, str]) -> "Session":
        """Java runs; the script's first use of Spark starts a context in it, with the settings of the job."""
        conf = {**defaults(told.master), "spark.app.name": told.name, **told.conf, **hadoop}
        made = cls(Java.start(start, told.master, conf))
        made.java.gateway()
        made.tell(conf)
        return made

    @classmethod
    def ahead(cls, start: Start, master: str) -> "Session":
        """Java runs, and a context in it, for a job that is not known yet."""
        conf = defaults(master)
        made = cls(Java.start(start, master, conf))
        made.java.gateway()
        made.tell(conf)
        return made

    def open(self) -> Any:
        """A SparkSession over a new context, to warm up with."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate()

    def park(self) -> None:
        """What PySpark holds of the open session is forgotten, but the context lives on in Java for `give`."""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        context = SparkContext._active_spark_context
        assert context is not None
        self._parked = context._jsc
        accumulators: Any = context._accumulatorServer
        accumulators.shutdown()
        context._jsc = None
        SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = None
        SparkSession._activeSession = None

    def give(self, told: Told, hadoop: Mapping[str, str]) -> None:
        """The script's first use of Spark gets the context that waits, or one of its own in the same Java where it asks
        for something that can only be had at a start."""
        self.tell({**defaults(told.master), "spark.app.name": told.name, **told.conf, **hadoop})

    def bring(self, environ: Mapping[str, str], paths: tuple[str, ...]) -> None:
        """Contexts that PySpark makes from now on give Spark's Python processes this environment and these paths, and
        are the one that waits, when it fits."""
        from pyspark import SparkContext

        session = self
        plain = SparkContext._initialize_context

        def initialize(self: Any, jconf: Any) -> Any:
            self.environment |= dict(environ)
            self.environment["PYTHONPATH"] = os.pathsep.join(
                one for one in (*paths, environ.get("PYTHONPATH", "")) if one
            )
            self.environment.setdefault("PYSPARK_PYTHON", sys.executable)
            parked, session._parked = session._parked, None
            if parked is not None and not session._fit(parked, jconf):
                parked.stop()
                parked = None
            return plain(self, jconf) if parked is None else parked

        SparkContext._initialize_context = initialize  # type: ignore[method-assign]

    def stop(self, *, wait: bool) -> None:
        """Spark's work is ended. `wait`: a cluster hears of it, and the logs of events are closed."""
        if wait:
            from pyspark import SparkContext

            context = SparkContext._active_spark_context
            if context is not None:
                context.stop()
            self.java.end()

    def cancel(self) -> None:
        """What Spark computes is no longer wanted."""
        self.java.process.terminate()

    def tell(self, conf: Mapping[str, str]) -> None:
        """Java's system properties: what a new SparkConf starts from."""
        from pyspark import SparkContext

        properties = getattr(SparkContext._jvm, "java.lang.System")
        for name, value in conf.items():
            properties.setProperty(name, value)

    def _fit(self, parked: Any, jconf: Any) -> bool:
        """The waiting context is as the script wants it: what can be set while it runs has been set."""
        wanted = {one._1(): one._2() for one in jconf.getAll()}
        has = {one._1(): one._2() for one in parked.sc().conf().getAll()}
        differs = {name: value for name, value in wanted.items() if has.get(name) != value and name not in _PASSED_OVER}
        hadoop = {name: value for name, value in differs.items() if name.startswith(_HADOOP)}
        sql = {name: value for name, value in differs.items() if name not in hadoop}
        session = self._default_session()
        if sql and (session is None or not all(session.conf().isModifiable(name) for name in sql)):
            return False
        for name, value in hadoop.items():
            parked.hadoopConfiguration().set(name.removeprefix(_HADOOP), value)
        for name, value in sql.items():
            session.conf().set(name, value)
        return True

    @staticmethod
    def _default_session() -> Any:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        assert SparkContext._jvm is not None
        found = SparkSession._get_j_spark_session_class(SparkContext._jvm).getDefaultSession()
        return found.get() if found.isDefined() else None
