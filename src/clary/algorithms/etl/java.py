"""The Java process of Spark, started by ourselves: PySpark's own way goes by a shell script and a second Java, which
cost seconds."""

import logging
import os
import re
import shlex
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clary.algorithms.contract import AlgorithmError
from clary.algorithms.etl.told import Start, workplace

_SECONDS = 120.0
_OPENED = (
    "java.base/java.lang", "java.base/java.lang.invoke", "java.base/java.lang.reflect", "java.base/java.io",
    "java.base/java.net", "java.base/java.nio", "java.base/java.util", "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic", "java.base/jdk.internal.ref", "java.base/sun.nio.ch",
    "java.base/sun.nio.cs", "java.base/sun.security.action", "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)  # fmt: skip
"""What Spark's launcher opens of Java's modules. (It adds jdk.incubator.vector too, for linear algebra: with it Java
can use no archive of its modules, and says so on stderr at each start.)"""
_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dderby.connection.requireAuthentication=false",
    "-Duser.timezone=UTC",
    "-XX:+ExitOnOutOfMemoryError",
    # Spark's classes come from one wheel: verifying their bytecode anew in each process is a sixth of the start.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
    "-Xshare:auto",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
)
LOG_SETTINGS = Path(__file__).with_name("log4j2.properties")
_GATEWAY = "org.apache.spark.api.python.PythonGatewayServer"
_SUBMIT = "org.apache.spark.deploy.SparkSubmit"
BY_SUBMIT = ("spark.jars", "spark.jars.packages", "spark.jars.repositories", "spark.submit.pyFiles", "spark.files",
             "spark.archives", "spark.kerberos.keytab")  # fmt: skip
"""Settings that only Spark's own submitter carries out."""


class Java:
    """One Java process with Spark's classes and a door for Py4J. Ends with the process that started it."""

    def __init__(self, process: "subprocess.Popen[bytes]", told_in: Path) -> None:
        self.process = process
        self._told_in = told_in

    @classmethod
    def start(
        cls, start: Start, master: str, conf: Mapping[str, str], *, dump: Path | None = None, log: Path | None = None
    ) -> "Java":
        """It is starting; `gateway` waits for it. `conf`: Spark's, as far as Java must know it from the start.
        `dump`: where it writes the archive of its classes when it ends."""
        place = Path(tempfile.mkdtemp(prefix="spark-"))
        door = place / "door"
        submits = not master.startswith("local") or any(conf.get(name) for name in BY_SUBMIT)
        what = [_GATEWAY]
        if submits:
            settings = place / "settings"  # not on the command line, which everybody may read
            settings.touch(0o600)
            settings.write_text(_properties({**conf, "spark.master": master}))
            what = [_SUBMIT, "--properties-file", str(settings), "pyspark-shell"]
        env = os.environ | {
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(door),
            "SPARK_HOME": str(home()),
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_CONNECT_MODE": "0",
            "SPARK_LOCAL_IP": os.environ.get("SPARK_LOCAL_IP", "127.0.0.1" if master.startswith("local") else ""),
        }
        env = {name: value for name, value in env.items() if value}
        line = [*command(start, conf, dump), *what]
        try:
            # Its stdin is a pipe from us: it ends when that breaks, however we end.
            process = subprocess.Popen(line, env=env, stdin=subprocess.PIPE, cwd=workplace(), process_group=0)
        except OSError as error:
            raise AlgorithmError(f"Java cannot be started: {start.java}: {error.strerror}") from None
        return cls(process, door)

    def gateway(self) -> Any:
        """PySpark's door into the process, made known to PySpark: what it starts from now on, it starts there."""
        from pyspark import SparkContext
        from pyspark.java_gateway import launch_gateway

        port, secret = self._door()
        os.environ |= {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
        try:
            made = launch_gateway()  # type: ignore[no-untyped-call]
        finally:
            del os.environ["PYSPARK_GATEWAY_PORT"], os.environ["PYSPARK_GATEWAY_SECRET"]
        made.proc = self.process
        _quiet()
        SparkContext._gateway = made
        SparkContext._jvm = made.jvm
        return made

    def end(self, seconds: float = _SECONDS) -> int:
        """It was asked to end, and has."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(seconds)

    def _door(self) -> tuple[int, str]:
        deadline = time.monotonic() + _SECONDS
        while not self._told_in.exists():
            code = self.process.poll()
            if code is not None:
                raise AlgorithmError(f"Spark's Java process ended at its start, with exit code {code}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise AlgorithmError(f"Spark's Java process was not ready within {_SECONDS:.0f} s")
            time.sleep(0.01)
        said = self._told_in.read_bytes()  # renamed into place by Spark, so it is whole
        (port,) = struct.unpack_from("!i", said)
        (length,) = struct.unpack_from("!i", said, 4)
        return port, said[8 : 8 + length].decode()


def _quiet() -> None:
    """PySpark does not write each refused query as a line of JSON with a Java stack: the error itself says it."""
    from pyspark.logger import PySparkLogger

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL + 1)


def home() -> Path:
    """Where PySpark is installed."""
    import pyspark

    return Path(pyspark.__file__).parent


def command(start: Start, conf: Mapping[str, str], dump: Path | None = None) -> list[str]:
    """Java's command line, up to the class that it shall run."""
    jars = sorted((home() / "jars").glob("*.jar"))  # in one order: an archive of classes is bound to it
    first = [one for one in conf.get("spark.driver.extraClassPath", "").split(os.pathsep) if one]
    line = [start.java, "-cp", os.pathsep.join([*first, *map(str, jars)])]
    line += [f"-Xmx{conf.get('spark.driver.memory', start.memory)}", *_OPTIONS]
    line += [f"--add-opens={one}=ALL-UNNAMED" for one in _OPENED]
    line += [f"-Dlog4j2.configurationFile={LOG_SETTINGS}", f"-Djava.io.tmpdir={tempfile.gettempdir()}"]
    if dump is not None:
        line.append(f"-XX:ArchiveClassesAtExit={dump}")
    elif start.classes is not None and start.classes.is_file():
        line.append(f"-XX:SharedArchiveFile={start.classes}")
    for name in ("spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions"):
        line += shlex.split(conf.get(name, ""))
    return line


def _properties(conf: Mapping[str, str]) -> str:
    """The settings as a Java properties file."""
    return "".join(f"{_escaped(name)}={_escaped(value)}\n" for name, value in conf.items())


def _escaped(text: str) -> str:
    white = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    plain = re.sub(r"[\\=:#!\s]", lambda found: white.get(found[0], "\\" + found[0]), text)
    return "".join(one if one.isascii() else "".join(f"\\u{unit:04x}" for unit in _units(one)) for one in plain)


def _units(letter: str) -> tuple[int, ...]:
    return struct.unpack(f"<{len(letter.encode('utf-16-le')) // 2}H", letter.encode("utf-16-le"))
