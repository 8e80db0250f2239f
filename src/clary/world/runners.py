"""How this home runs work: processes of the machine, and containers where something asks for one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from clary.config import Config
from clary.engines.runners.chosen import ChosenRunner
from clary.engines.runners.process import ProcessRunner
from clary.engines.runners.sidecar import Sidecar
from clary.engines.spark.settings import SparkSettings, heap
from clary.engines.spark.warm import WarmSpark
from clary.kernel.clock import Clock
from clary.world.machine import capacity

if TYPE_CHECKING:
    from clary.engines.runners.container.runner import ContainerRunner


def chosen(config: Config, sidecar: Callable[[], Sidecar] | None, clock: Clock) -> ChosenRunner:
    """The runner of a home. Nothing of containers is loaded before the first of them."""
    processes = ProcessRunner(config.runs_dir, sandbox=config.sandbox, hide=[config.home], sidecar=sidecar, clock=clock)

    def containers() -> "ContainerRunner":
        from clary.engines.runners.container.runner import ContainerRunner

        return ContainerRunner(
            config.runs_dir,
            engine=config.container_engine,
            overlays=lambda: processes.probe().placing == "overlay",
            sidecar=sidecar,
            clock=clock,
        )

    return ChosenRunner(processes, containers)


def with_spark(below: ChosenRunner, config: Config) -> WarmSpark:
    """The runner of a home, which hands jobs of Spark's to one that was started ahead."""
    auto = config.spark_memory == "auto"
    settings = SparkSettings(
        classes_dir=config.spark_classes_dir,
        master=config.spark_master,
        memory=heap(capacity(config).memory_bytes) if auto else config.spark_memory,
        spares=config.spark_spares,
        idle_seconds=config.spark_idle_seconds,
        archives=config.spark_class_archive == "auto",
    )
    return WarmSpark(below, settings)
