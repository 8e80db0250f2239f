"""How Spark is started in a home."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clary.engines.spark import found
from clary.engines.spark.classes import Classes
from clary.engines.spark.shape import LOCAL

_SYSTEM = Path("/usr")
"""Runs see it anyhow."""
_SMALLEST, _LARGEST = 512 << 20, 4 << 30


@dataclass(frozen=True)
class SparkSettings:
    classes_dir: Path
    master: str = LOCAL
    memory: str = "1g"
    """Of Java's heap, as Spark writes it."""
    spares: int = 1
    idle_seconds: float = 900.0
    archives: bool = True
    """An archive of classes may be made."""

    @cached_property
    def classes(self) -> Classes | None:
        """None: no Java, or archives are not wanted."""
        java = found.java()
        return None if java is None or not self.archives else Classes(self.classes_dir, java)

    def given(self) -> tuple[dict[str, str], tuple[Path, ...]]:
        """(variables for a run that starts Spark, directories that it must see)."""
        settings, shown = {"CLARY_SPARK_MEMORY": self.memory, "CLARY_SPARK_MASTER": self.master}, []
        java = found.java()
        if java is not None:
            settings["CLARY_SPARK_JAVA"] = str(java)
            if _SYSTEM not in java.parents:
                shown.append(java.parent.parent)
        if self.classes is not None and (file := self.classes.file()).is_file():
            settings["CLARY_SPARK_CLASSES"] = str(file)
            shown.append(file.parent)
        return settings, tuple(shown)


def heap(machine_bytes: int) -> str:
    """The default heap on a machine of so much memory: a quarter of it, half a GiB at least and 4 GiB at most."""
    return f"{min(max(machine_bytes // 4, _SMALLEST), _LARGEST) >> 20}m"
