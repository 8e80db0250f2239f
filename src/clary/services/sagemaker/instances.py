"""Instance types: what AWS documents of each, and what that asks of this machine."""

import re
from dataclasses import dataclass
from typing import Final

from clary.jobs.turns import Demand

GIB: Final = 1 << 30
_TYPE: Final = re.compile(r"(?:ml\.)?(?P<family>[a-z]+)(?P<generation>[0-9]*)[a-z0-9-]*\.(?P<size>[a-z0-9-]+)")
_MEMORY_PER_CPU: Final = {"c": 2, "t": 4, "m": 4, "r": 8, "x": 16, "g": 4, "p": 8, "inf": 4, "trn": 16, "d": 8}
"""GiB for one vCPU in each family, as AWS documents its usual sizes; 4 for a family that is not here."""
_VCPUS: Final = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}
_DEFAULT_VCPUS: Final = 2
_BURSTABLE: Final = {"medium": 4, "small": 2, "micro": 1}
"""GiB of the small sizes of the family t, which have no ratio."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A port: how much of a CPU (and of a GiB) of this machine one of an instance type counts for."""

    value: float


def vcpus(instance_type: str) -> int:
    """How many vCPUs AWS gives an instance of that type."""
    match = _TYPE.fullmatch(instance_type)
    if match is None:
        return _DEFAULT_VCPUS
    size = match["size"]
    times = re.fullmatch(r"([0-9]+)xlarge", size)
    return 4 * int(times[1]) if times else _VCPUS.get(size, _DEFAULT_VCPUS)


def memory_bytes(instance_type: str) -> int:
    """How much memory AWS gives an instance of that type, from its family's usual ratio."""
    match = _TYPE.fullmatch(instance_type)
    if match and match["family"] == "t" and match["size"] in _BURSTABLE:
        return _BURSTABLE[match["size"]] * GIB
    ratio = _MEMORY_PER_CPU.get(match["family"], 4) if match else 4
    return ratio * vcpus(instance_type) * GIB


def demand(instance_type: str, count: int, scale: float) -> Demand:
    """What `count` instances ask of this machine when one CPU of theirs counts as `scale` of ours."""
    return Demand(scale * count * vcpus(instance_type), round(scale * count * memory_bytes(instance_type)))
