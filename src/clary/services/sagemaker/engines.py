"""What the reconcilers of SageMaker work with: the ports that the composition root hands them."""

from dataclasses import dataclass, field
from pathlib import Path

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import KeyRing
from clary.engines.runners.base import Runner
from clary.engines.runners.images import ContainerImages, NoContainers
from clary.engines.search.base import Search
from clary.engines.serving.base import Serving
from clary.engines.serving.demand import Demand, Nobody
from clary.engines.serving.graphs.base import Graphs
from clary.jobs.ground import Inside
from clary.jobs.turns import Everybody, Turns
from clary.kernel.clock import Clock
from clary.kernel.metrics import MetricSink
from clary.kernel.objects import ObjectStore
from clary.kernel.store import Store
from clary.kernel.telemetry import LogStore
from clary.services.sagemaker.curves import Curves


@dataclass(frozen=True, slots=True)
class Engines:
    runner: Runner
    serving: Serving
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
    """A directory on this machine where inputs are gathered that have no file here."""
    curves: Curves | None = None
    """Reads the metrics in the lines that jobs print; None: nobody does."""
    turns: Turns = field(default_factory=Everybody)
    """Whose turn it is to run on this machine."""
    instance_scale: float = 0.25
    """How much of a CPU (and of a GiB) of this machine one of an instance type counts for, when jobs queue for it."""
    search: Search | None = None
    """Decides what tuning tries next; None: nobody does."""
    graphs: Graphs | None = None
    """Where compiled models are held; None: nothing is compiled."""
    containers: ContainerImages = field(default_factory=lambda: NoContainers("containers are switched off here"))
    """The images of the container engine, for whatever is no built-in image."""
    metrics: MetricSink | None = None
    """Where is told what reconcilers measure; None: nowhere."""
    demand: Demand = field(default_factory=Nobody)
    """How much serverless variants are asked for."""
    serverless_idle_seconds: float = 300.0
    """After so long without a request a serverless variant has no instance any more."""
    environments_dir: Path | None = None
    """Where environments with the packages of users' programs stand; None: beside `scratch`."""
    sdk_environments: str = ""
    """Virtual environments with the SageMaker SDK, for jobs that run its functions; separated by colons."""
    multi_model_count: int = 100
    """Models that one instance of a multi-model endpoint has loaded at the same time."""
    multi_model_memory_bytes: int = 2 << 30
    """Beyond so much memory such an instance loads a model only in the place of another."""
    max_cpus: float | None = None
    max_memory_bytes: int | None = None
    """The most one run may use; None: all of this machine."""

    @property
    def environments(self) -> Path:
        return self.environments_dir or self.scratch.parent / "environments"
