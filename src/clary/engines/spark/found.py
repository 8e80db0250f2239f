"""Whether this machine can run Spark, and what to do when it cannot. Looks only: starts no Java."""

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

OLDEST = 17
"""What Spark 4 needs of Java."""
JAVA_MEND = "apt-get install openjdk-17-jre-headless (Debian, Ubuntu), or set JAVA_HOME to one that is installed"
PYSPARK_MEND = "pip install 'clary[spark]'"


def java(environ: Mapping[str, str] | None = None) -> Path | None:
    """The `java` that Spark is started with: JAVA_HOME's, else the first on PATH, links resolved (a link below
    /etc/alternatives is not seen inside of a run)."""
    env = os.environ if environ is None else environ
    home = env.get("JAVA_HOME")
    for found in (None if not home else f"{home}/bin/java", shutil.which("java", path=env.get("PATH"))):
        if found is not None and os.access(found, os.X_OK):
            return Path(found).resolve()
    return None


def release(program: Path) -> int | None:
    """The major version of that Java, as the file `release` of its directory says it; None: it does not say."""
    try:
        lines = (program.parent.parent / "release").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition("=")
        if name == "JAVA_VERSION":
            first, *rest = value.strip('"').split(".")
            digits = rest[0] if first == "1" and rest else first  # 1.8.0 is 8
            return int(digits) if digits.isdecimal() else None
    return None


def missing(environ: Mapping[str, str] | None = None) -> str | None:
    """None: Spark can be started. Else what lacks, and how to get it."""
    if find_spec("pyspark") is None:
        return f"Spark is not installed: {PYSPARK_MEND}"
    found = java(environ)
    if found is None:
        return f"Spark needs Java {OLDEST} or newer, and there is none on this machine: {JAVA_MEND}"
    version = release(found)
    if version is not None and version < OLDEST:
        return f"Spark needs Java {OLDEST} or newer, and {found} is Java {version}: {JAVA_MEND}"
    return None
