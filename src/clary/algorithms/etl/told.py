"""What a run is told: /opt/ml/input/config/etl.json, and the variables by which the Spark engine says how to start."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clary.algorithms.contract import AlgorithmError

DEFAULT_MASTER = "local[*]"
PACKAGES = Path(__file__).parent / "packages"
"""`awsglue` and `mleap`, which only jobs find."""


@dataclass(frozen=True, slots=True)
class Told:
    """One job."""

    script: Path
    argv: tuple[str, ...]
    spark: bool
    """glueetl; False: pythonshell, which has no Spark."""
    name: str
    sys_path: tuple[str, ...] = ()
    extra_files: tuple[str, ...] = ()
    """What shall stand in the script's working directory."""
    master: str = DEFAULT_MASTER
    conf: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """What modules of the job are found in, before everything else."""
        return (str(self.script.parent), *self.sys_path, str(PACKAGES))


@dataclass(frozen=True, slots=True)
class Start:
    """How a Java process of Spark shall be started; the engine says it in the environment."""

    java: str = "java"
    memory: str = "1g"
    """Of Java's heap, as Spark writes it."""
    classes: Path | None = None
    """An archive of classes that makes the start shorter; one that does not fit is passed over by Java."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Start":
        classes = environ.get("CLARY_SPARK_CLASSES")
        return cls(
            environ.get("CLARY_SPARK_JAVA", "java"),
            environ.get("CLARY_SPARK_MEMORY", "1g"),
            Path(classes) if classes else None,
        )


def told(root: Path, environ: Mapping[str, str]) -> Told:
    """The job below `root` (/opt/ml). Raises AlgorithmError when etl.json does not say what it must."""
    path = root / "input" / "config" / "etl.json"
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
        spark = said.get("spark") or {}
        return Told(
            script=_here(root, said["script"]),
            argv=tuple(map(str, said.get("argv") or ())),
            spark=said["kind"] == "glueetl",
            name=str((said.get("job") or {}).get("JobName") or "job"),
            extra_files=tuple(str(_here(root, one)) for one in said.get("extra_files") or ()),
            sys_path=tuple(str(_here(root, one)) for one in said.get("sys_path") or ()),
            master=_master(spark.get("master"), environ),
            conf={str(name): str(value) for name, value in (spark.get("conf") or {}).items()},
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise AlgorithmError(f"{path} does not tell which job to run: {type(error).__name__}: {error}") from None


def _master(said: object, environ: Mapping[str, str]) -> str:
    """The job's own, where it names another than the usual one; else the home's."""
    home = environ.get("CLARY_SPARK_MASTER") or DEFAULT_MASTER
    return home if said in (None, "", DEFAULT_MASTER) else str(said)


def _here(root: Path, path: str) -> Path:
    """The path, where the run's directory is not at /opt/ml."""
    return root / path.removeprefix("/opt/ml/") if path.startswith("/opt/ml/") else Path(path)


def workplace() -> Path:
    """The directory that scripts and Spark work in: writable, and private to the run."""
    place = Path(tempfile.gettempdir()) / "work"
    place.mkdir(exist_ok=True)
    return place
