"""Walks over the graph, level by level: one look at the index a level, and no row."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from clary.kernel.store import Store
from clary.services.sagemaker.lineage.associations import FROM, KIND, TO

Edge = tuple[str, ...]
"""(source, destination, letter): the tails of the ARNs of its ends, and its type (see associations.LETTERS)."""


@dataclass(slots=True)
class Walk:
    """What was reached in one direction."""

    down: bool
    """From sources to destinations."""
    depths: dict[str, int] = field(default_factory=dict)
    """How many edges each entity is away from the start, by the shortest way."""
    edges: list[Edge] = field(default_factory=list)
    """Each once, since each entity is passed once."""

    def leading_to(self, wanted: Set[str]) -> set[str]:
        """`wanted`, and whatever the walk passed on a way to one of them."""
        ahead, behind = (1, 0) if self.down else (0, 1)
        before: dict[str, list[str]] = {}
        for edge in self.edges:
            before.setdefault(edge[ahead], []).append(edge[behind])
        found = set(wanted)
        stack = list(wanted)
        while stack:
            for one in before.get(stack.pop(), ()):
                if one not in found:
                    found.add(one)
                    stack.append(one)
        return found


def walk(store: Store, account: str, region: str, starts: Iterable[str], depth: int, *, down: bool) -> Walk:
    """From the entities of these tails, `depth` edges far. Cycles do not matter: each entity is passed once."""
    found = Walk(down)
    depths, edges = found.depths, found.edges
    level = list(starts)
    depths |= dict.fromkeys(level, 0)
    prefix, ahead = (FROM, 1) if down else (TO, 0)
    for away in range(1, depth + 1):
        known = len(depths)
        for _, uid in store.linked(account, region, KIND, [f"{prefix}{one}" for one in level]):
            edge = tuple(uid.split(">"))
            edges.append(edge)
            depths.setdefault(edge[ahead], away)
        if len(depths) == known:
            break
        level = list(depths)[known:]  # a dict keeps the order in which it was filled
    return found
