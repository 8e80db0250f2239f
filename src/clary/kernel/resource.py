"""A durable resource: what was asked (`spec`), what is true (`status`), and the legal moves between phases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clary.kernel.errors import IllegalMove

Doc = dict[str, Any]
"""A JSON object in wire form: AWS member names, times as epoch seconds."""


@dataclass(frozen=True, slots=True)
class Key:
    """What names a resource. `region` is "" for kinds that AWS keeps once an account or once a partition."""

    account: str
    region: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Resource:
    kind: str
    """The family, for example "training-job"."""
    name: str
    """Unique within (account, region, kind)."""
    account: str
    region: str
    uid: str
    """Unique for ever: a resource made again under an old name has another uid. Side effects are idempotent on it."""
    arn: str = ""
    phase: str = ""
    """The state of its state machine, in AWS's words."""
    parent: str = ""
    """The name of what owns it (a bucket's uploads, a group's versions); "" when nothing does. Indexed."""
    spec: Doc = field(default_factory=dict)
    """The accepted request, untouched. Members that start with "_" are Clary's own and never reach the wire."""
    status: Doc = field(default_factory=dict)
    """What is true now. Members that start with "_" are Clary's own and never reach the wire. `_refers` lists names of
    what the resource refers to: the store finds and counts by them."""
    version: int = 0
    """Raised by every write; 0 before it is stored."""
    created: float = 0.0
    modified: float = 0.0
    """Epoch seconds, set by the store."""
    due: float | None = None
    """When a reconciler should next look (epoch seconds); None: not until something changes."""
    attempts: int = 0
    """Looks that raised since the last successful write; set by the store."""

    @property
    def key(self) -> Key:
        return Key(self.account, self.region, self.kind, self.name)

    def public(self) -> Doc:
        """Spec overlaid with status, without Clary's own members: most of a Describe answer."""
        merged = {**self.spec, **self.status}
        return {name: value for name, value in merged.items() if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class StateMachine:
    """The phases of a kind and the moves between them. A phase without moves is settled."""

    field: str
    """The wire member that shows the phase, for example "TrainingJobStatus"."""
    initial: str
    moves: Mapping[str, frozenset[str] | set[str]]

    def check(self, old: str, new: str) -> None:
        """Raises IllegalMove unless `old` may become `new`. Staying is always legal."""
        if old != new and new not in self.moves.get(old, ()):
            raise IllegalMove(f"{self.field} cannot go from {old!r} to {new!r}")

    def settled(self, phase: str) -> bool:
        return not self.moves.get(phase)
