"""What one host of a transform job is asked: input/config/transform.json, and what the model's server prefers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MEGABYTE: Final = 1 << 20
DEFAULT_PAYLOAD_MB: Final = 6


@dataclass(frozen=True, slots=True)
class Spec:
    """The members of CreateTransformJob that say how to send; None where the request does not say."""

    objects: tuple[str, ...]
    """Where each input stands below input/data, and its output below output/data with `.out` behind it."""
    upstreams: tuple[str, ...]
    """The variables that hold the addresses of the containers, in their order."""
    content_type: str | None
    accept: str | None
    split: str
    strategy: str | None
    assemble: str
    gzip: bool
    max_payload_mb: int | None
    max_concurrent: int | None
    timeout: float
    """Seconds for one request to one container."""
    retries: int
    pause: float
    """Seconds before the first retry; twice as long before each further one."""
    input_filter: str
    output_filter: str
    join: bool

    @classmethod
    def read(cls, path: Path) -> "Spec":
        told = json.loads(path.read_bytes())
        return cls(**{**told, "objects": tuple(told["objects"]), "upstreams": tuple(told["upstreams"])})

    @property
    def processes(self) -> bool:
        """Records are filtered or joined, so they must be understood."""
        return self.join or self.input_filter != "$" or self.output_filter != "$"


@dataclass(frozen=True, slots=True)
class Way:
    """How requests are made, with everything decided."""

    payload: int
    """Bytes of the largest request; 0: of any size, in chunks."""
    concurrent: int
    single: bool
    """One record a request."""

    @classmethod
    def of(cls, spec: Spec, preferred: Mapping[str, Any]) -> "Way":
        """What the request says, else what the server prefers (`GET /execution-parameters`), else AWS's defaults."""
        payload = spec.max_payload_mb
        if payload is None:
            payload = _whole(preferred.get("MaxPayloadInMB"), DEFAULT_PAYLOAD_MB)
        concurrent = spec.max_concurrent or _whole(preferred.get("MaxConcurrentTransforms"), 1)
        strategy = spec.strategy or ("SingleRecord" if preferred.get("BatchStrategy") == "SINGLE_RECORD" else None)
        return cls(payload * MEGABYTE, max(1, concurrent), strategy == "SingleRecord")

    def __str__(self) -> str:
        strategy = "SINGLE_RECORD" if self.single else "MULTI_RECORD"
        payload = self.payload // MEGABYTE
        return f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={payload}, BatchStrategy={strategy}"


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
