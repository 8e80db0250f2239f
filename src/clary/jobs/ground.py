"""What runs of any service stand on: the ports that the composition root hands to whoever starts them."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import KeyRing, Principal
from clary.aws.service import Context
from clary.engines.runners.base import Runner
from clary.kernel.clock import Clock
from clary.kernel.objects import ObjectStore
from clary.kernel.store import Store
from clary.kernel.telemetry import LogStore

Inside = Callable[[Principal, str], Context]
"""A context for calls from inside, for example Gateway.inside: (principal, region)."""


class Ground(Protocol):
    """The engines of a service that has jobs, as far as the jobs floor needs them."""

    @property
    def runner(self) -> Runner: ...

    @property
    def objects(self) -> ObjectStore: ...

    @property
    def logs(self) -> LogStore: ...

    @property
    def keys(self) -> KeyRing: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def store(self) -> Store: ...

    @property
    def inside(self) -> Inside: ...

    @property
    def identities(self) -> IdentityPolicies: ...

    @property
    def endpoint_url(self) -> str:
        """Where the wire is, as seen from inside a run: AWS_ENDPOINT_URL."""
        ...

    @property
    def scratch(self) -> Path:
        """A directory on this machine where inputs are gathered that have no file here."""
        ...

    @property
    def environments(self) -> Path:
        """Where environments with the packages of users' programs stand."""
        ...

    @property
    def max_cpus(self) -> float | None: ...

    @property
    def max_memory_bytes(self) -> int | None:
        """The most one run may use; None: all of this machine."""
        ...
