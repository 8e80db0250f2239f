"""`python -m clary.algorithms.etl`: the job of etl.json, now.

`--wait SECONDS`  Spark is started ahead, and waits so long for a job; then it ends, with 0.
`--archive PATH`  Spark is started, warmed up and ended, and its classes are written into an archive.
"""

import importlib
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from clary.algorithms.contract import AlgorithmError, Contract, say
from clary.algorithms.etl import failures, places, script
from clary.algorithms.etl.door import Door, merged
from clary.algorithms.etl.java import Java
from clary.algorithms.etl.session import Session, defaults
from clary.algorithms.etl.told import DEFAULT_MASTER, PACKAGES, Start, Told, told
from clary.algorithms.etl.warmup import warm

_DYING_SECONDS = 3.0


def main(arguments: Sequence[str]) -> int:
    contract = Contract.read(os.environ)
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
    os.environ["TZ"] = "UTC"  # as Spark has it here, and as Glue has it
    time.tzset()
    match list(arguments):
        case []:
            return _job(contract, None)
        case ["--wait", seconds]:
            return _wait(contract, float(seconds))
        case ["--archive", path]:
            return _archive(Path(path))
    print(__doc__, file=sys.stderr)
    return 2


def _wait(contract: Contract, seconds: float) -> int:
    door = Door(contract.root)
    # Java writes its errors where those of the job will stand.
    places.part_errors(contract.root)
    door.watch()
    try:
        session = Session.ahead(Start.read(os.environ), os.environ.get("CLARY_SPARK_MASTER", DEFAULT_MASTER))
        spark = session.open()
        warm(spark, Path(tempfile.gettempdir()) / "warm", lambda: not door.taken())
        del spark
        session.park()
        door.ready()
    except AlgorithmError as error:
        if door.taken():
            contract.fail(str(error))
        say(str(error), level="ERROR")
        return 1
    if not door.wait(seconds):
        session.java.process.kill()
        return 0
    environment = merged(os.environ, door.environment())
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    return _job(contract, session)


def _job(contract: Contract, session: Session | None) -> int:
    """The exit code of the job: 0, 143 after SIGTERM, the script's own, or 1 with the reason in output/failure."""
    start = Start.read(os.environ)
    error: BaseException | None = None
    job: Told | None = None
    try:
        job = told(contract.root, os.environ)
        places.part_errors(contract.root)
        script.listen(lambda: None)
        if job.spark:
            session = _spark(session, start, job)
        error = script.run(job)
    except (AlgorithmError, script.Stopped) as caught:
        error = caught
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = _ended(contract, job, error, None if session is None else session.java, start)
    script.finish()
    if session is not None and job is not None:
        conf = {**defaults(job.master), **job.conf}
        listens = conf.get("spark.eventLog.enabled") == "true" or not job.master.startswith("local")
        session.stop(wait=listens and code != 143 and session.java.process.poll() is None)
        session.java.process.kill()
    return code


def _spark(session: Session | None, start: Start, job: Told) -> Session:
    hadoop = _hadoop(os.environ)
    if session is None:
        session = Session.cold(start, job, hadoop)
    else:
        session.give(job, hadoop)
    session.bring(os.environ, job.paths)
    if hadoop:  # else there is no server whose catalog it could be
        _know_the_catalog()
    return session


def _know_the_catalog() -> None:
    """Sessions that the script takes find the catalog's tables, Iceberg's too, also where it makes no GlueContext."""
    sys.path.insert(0, str(PACKAGES))
    importlib.import_module("awsglue.sessions").watch()


def _hadoop(environ: Mapping[str, str]) -> dict[str, str]:
    """What makes s3:// paths be this home's buckets, under the rights of the job's role."""
    from clary.algorithms.etl import files

    return files.hadoop_conf(environ)


def _ended(contract: Contract, job: Told | None, error: BaseException | None, java: Java | None, start: Start) -> int:
    """The exit code, after the reason has been written where it is looked for."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return 0
    if isinstance(error, script.Stopped):
        say("The job was asked to stop.", level="WARNING")
        return 143
    if isinstance(error, AlgorithmError) or job is None:
        say(str(error), level="ERROR")
        contract.fail(str(error))
        return 1
    if isinstance(error, SystemExit):
        if isinstance(error.code, int):
            contract.fail(f"the script ended with exit code {error.code}")
            return error.code & 255 or 1
        print(error.code, file=sys.stderr)
        contract.fail(str(error.code))
        return 1
    memory = job.conf.get("spark.driver.memory", start.memory)
    reason = failures.explained(error, job.paths, _java_code(java, error), memory)
    script.show(error, job)
    contract.fail(reason)
    return 1


def _java_code(java: Java | None, error: BaseException) -> int | None:
    """How Spark's Java process ended, None: it runs. Its end comes a moment after that of its connections."""
    if java is None:
        return None
    deadline = time.monotonic() + (_DYING_SECONDS if failures.lost_java(error) else 0.0)
    while (code := java.process.poll()) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return code


def _archive(path: Path) -> int:
    java = Java.start(Start.read(os.environ), DEFAULT_MASTER, defaults(DEFAULT_MASTER), dump=path)
    java.gateway()
    session = Session(java)
    session.tell(defaults(DEFAULT_MASTER))
    spark = session.open()
    warm(spark, Path(tempfile.gettempdir()) / "warm")
    spark.stop()
    return java.end(seconds=600.0)


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing that the script left running (threads, Spark's own) may keep the job from its end.
    os._exit(ended)
