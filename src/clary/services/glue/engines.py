"""What the reconcilers of Glue's jobs and triggers work with: the ports that the composition root hands them."""

from dataclasses import dataclass, field
from pathlib import Path

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import KeyRing
from clary.engines.runners.base import Runner
from clary.jobs.ground import Inside
from clary.jobs.turns import Everybody, Turns
from clary.kernel.clock import Clock
from clary.kernel.objects import ObjectStore
from clary.kernel.store import Store
from clary.kernel.telemetry import LogStore


@dataclass(frozen=True, slots=True)
class Engines:
    """A `jobs.ground.Ground`, and what Glue needs beyond it."""

    runner: Runner
    """Runs Python shell jobs, and installs packages."""
    spark: Runner
    """Runs Spark jobs: a job may get a process that was started ahead."""
    objects: ObjectStore
    logs: LogStore
    keys: KeyRing
    clock: Clock
    store: Store
    inside: Inside
    identities: IdentityPolicies
    endpoint_url: str
    """Where the wire is, as seen from inside a run: AWS_ENDPOINT_URL."""
    scratch: Path
    """A directory on this machine where files are gathered that have no file here."""
    environments_dir: Path | None = None
    """Where environments with the packages of users' programs stand; None: beside `scratch`."""
    turns: Turns = field(default_factory=Everybody)
    """Whose turn it is to run on this machine."""
    instance_scale: float = 0.25
    """How much of a CPU (and of a GiB) of this machine one of a worker counts for, when jobs queue for it."""
    spark_master: str = "local[*]"
    """Where Spark jobs compute."""
    max_cpus: float | None = None
    max_memory_bytes: int | None = None
    """The most one run may use; None: all of this machine."""

    @property
    def environments(self) -> Path:
        return self.environments_dir or self.scratch.parent / "environments"
