"""An archive of the classes that Spark loads, which makes Java's next start shorter by a half. It belongs to one Java
and one set of jars, and is made once in the background."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from clary.engines.runners.base import Work

MADE = "/opt/ml/classes.jsa"


class Classes:
    """The archives below `place`."""

    def __init__(self, place: Path, java: Path) -> None:
        self._java = java
        self.place = place

    def file(self) -> Path:
        """Where the archive for today's Java and jars is, or shall be."""
        return self.place / f"{self._key()}.jsa"

    def work(self, program: tuple[str, ...], settings: dict[str, str]) -> Work:
        """What makes the archive, when nobody else needs the machine."""
        env = {name: value for name, value in settings.items() if name != "CLARY_SPARK_CLASSES"}
        return Work(command=("nice", "-n", "19", "python", *program, "--archive", MADE), env=env)

    def keep(self, made: Path) -> None:
        """The archive that a run made is the one that later starts use; those of other Javas and jars are gone."""
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.file()
        made.rename(target)
        for other in self.place.iterdir():
            if other != target:
                other.unlink()

    def _key(self) -> str:
        mark = hashlib.sha256(str(self._java).encode())
        spec = find_spec("pyspark")
        jars = [] if spec is None or spec.origin is None else (Path(spec.origin).parent / "jars").glob("*.jar")
        for path in [self._java.parent.parent / "release", *sorted(jars)]:
            if path.exists():
                seen = path.stat()
                mark.update(f"{path}\0{seen.st_mtime_ns}\0{seen.st_size}\n".encode())
        return mark.hexdigest()[:16]
