"""What a load shall be: where it goes, how it is made, when it ends. Travels to the worker processes as JSON."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

SIGNATURES = 20_000
"""The least number of differently signed requests that a load cycles through (fewer only if it sends fewer)."""


@dataclass(frozen=True, slots=True)
class Keys:
    """With what requests are signed."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The load of one process, or of all of them before it is split."""

    url: str
    endpoint: str
    region: str
    keys: Keys
    rows: tuple[str, ...]
    """Bodies, one a request, taken in turn: their bytes as latin-1 text."""
    labels: tuple[str, ...] = ()
    """What the model should answer to each row; empty: answers are not compared."""
    content_type: str = "text/csv"
    accept: str | None = None
    target_variant: str | None = None
    connections: int = 10
    """Closed loop: each sends one request at a time. Open loop: the most that are opened."""
    rate: float | None = None
    """Requests a second, sent when they are due whatever the answers take; None: closed loop."""
    requests: int | None = None
    """How many are sent, at most; None: until the time is over."""
    seconds: float | None = None
    timeout: float = 60.0
    """How long an answer may take, in seconds."""
    sign_each: bool = False
    """Sign every request right before it is sent, instead of taking it from the pool."""
    signatures: int = SIGNATURES
    """How many signed requests all processes together make before the clock starts; `split` settles it."""
    part: int = 0
    parts: int = 1
    """Which of the processes this is; process `part` sends every `parts`-th request."""

    @property
    def path(self) -> str:
        return f"/endpoints/{quote(self.endpoint, safe='-_.~')}/invocations"

    @property
    def host(self) -> str:
        """The Host header."""
        return urlsplit(self.url).netloc

    def _pool(self) -> int:
        """As many signatures as asked for: no more than are sent, and none of the rows left out that can be sent."""
        sent = self.requests
        if self.rate is not None and self.seconds is not None:
            due = int(self.rate * self.seconds) + 1
            sent = due if sent is None else min(sent, due)
        # Every process has one at least, and there are no more processes than connections.
        wanted = max(len(self.rows), self.connections, 0 if self.sign_each else self.signatures)
        return wanted if sent is None else min(wanted, sent)

    def split(self, parts: int) -> "list[Plan]":
        """One plan a process; together they make the load. Never more processes than connections or requests."""
        parts = max(1, min(parts, self.connections, self._pool()))
        return [
            replace(
                self,
                part=part,
                parts=parts,
                signatures=self._pool(),
                connections=_share(self.connections, part, parts),
                requests=None if self.requests is None else _share(self.requests, part, parts),
            )
            for part in range(parts)
        ]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Plan":
        given = {**said, "keys": Keys(**said["keys"]), "rows": tuple(said["rows"]), "labels": tuple(said["labels"])}
        return cls(**given)


def _share(whole: int, part: int, parts: int) -> int:
    return whole // parts + (part < whole % parts)
