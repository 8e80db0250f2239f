"""What could not be read or computed: counted, named, and the run goes on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .utils import told


@dataclass(frozen=True, slots=True)
class Fault:
    """`count` errors of one kind. `where` is an object, or the transformation."""

    where: str
    why: str
    count: int = 1


@dataclass(slots=True)
class Faults:
    """The errors of a frame: those of the stages before it and those of its own stage. Some are only known by a pass
    over the data: they are counted once, when they are asked for."""

    before: "list[Faults]" = field(default_factory=list)
    own: list[Fault] = field(default_factory=list)
    counted: Callable[[], list[Fault]] | None = None

    def add(self, fault: Fault) -> None:
        """The fault is counted, and stands in the run's log."""
        self.own.append(fault)
        told(f"{fault.where}: {fault.why} ({fault.count} {'error' if fault.count == 1 else 'errors'})")

    def stage(self) -> list[Fault]:
        if self.counted is not None:
            count, self.counted = self.counted, None
            for one in count():
                self.add(one)
        return self.own

    def all(self) -> list[Fault]:
        found: list[Fault] = []
        for one in self._reached():
            found += one.stage()
        return found

    def _reached(self) -> "list[Faults]":
        """Each stage once, even where a frame was joined with itself."""
        seen: dict[int, Faults] = {}
        open_: list[Faults] = [self]
        while open_:
            one = open_.pop()
            if id(one) not in seen:
                seen[id(one)] = one
                open_ += one.before
        return list(seen.values())
