"""The text format of Prometheus (version 0.0.4): families of samples, each with HELP and TYPE."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


@dataclass(slots=True)
class Family:
    """Samples of one name. `add` and `histogram` fill it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    lines: list[str] = field(default_factory=list)

    def add(self, value: float, labels: Labels | None = None) -> None:
        self.lines.append(_sample(self.name, labels or {}, value))

    def histogram(self, bounds: Iterable[float], counts: Iterable[int], total: float, labels: Labels) -> None:
        """`counts` are those of each bucket alone, one more than there are bounds."""
        seen = 0
        for bound, count in zip([*bounds, math.inf], counts, strict=True):
            seen += count
            self.lines.append(_sample(f"{self.name}_bucket", {**labels, "le": _number(bound)}, seen))
        self.lines.append(_sample(f"{self.name}_sum", labels, total))
        self.lines.append(_sample(f"{self.name}_count", labels, seen))


def text(families: Iterable[Family]) -> bytes:
    """Families without samples are left out."""
    out: list[str] = []
    for one in families:
        if one.lines:
            out += [f"# HELP {one.name} {_help(one.help)}", f"# TYPE {one.name} {one.kind}", *one.lines]
    return ("\n".join(out) + "\n").encode()


def _sample(name: str, labels: Labels, value: float) -> str:
    if not labels:
        return f"{name} {_number(value)}"
    inner = ",".join(f'{key}="{_escaped(given)}"' for key, given in labels.items())
    return f"{name}{{{inner}}} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
