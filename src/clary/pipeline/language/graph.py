"""What waits for what: by what a step reads, what it names in DependsOn, and the condition whose branch it is in."""

from collections.abc import Iterator, Mapping

from clary.pipeline.language.definition import Branch, Definition, Step
from clary.pipeline.language.expressions import references

Needs = Mapping[str, frozenset[str]]


def needs(definition: Definition) -> Needs:
    """For each step the names of the steps that it waits for. A condition waits for what its comparisons read, and not
    for the steps in its branches."""
    return {name: of(step) for name, step in definition.steps.items()}


def of(step: Step) -> frozenset[str]:
    """What one step waits for."""
    found = references(step.arguments) | references(step.extra) | frozenset(step.depends_on)
    return found | {step.parent} if step.parent else found


def order(needed: Needs) -> list[str]:
    """The names so that each stands behind what it waits for, otherwise as given; those in a cycle, and behind one, are
    left out."""
    left = {name: len(wanted) for name, wanted in needed.items()}
    followers: dict[str, list[str]] = {name: [] for name in needed}
    for name, wanted in needed.items():
        for one in wanted:
            followers.setdefault(one, []).append(name)
    ready = [name for name, count in left.items() if count == 0]
    for name in ready:  # grows while it is walked
        for follower in followers[name]:
            left[follower] -= 1
            if left[follower] == 0:
                ready.append(follower)
    return ready


def cycles(needed: Needs) -> Iterator[tuple[str, ...]]:
    """One cycle of each group of steps that wait for each other: (a, b, a) where a waits for b and b for a."""
    done = set(order(needed))
    left = {name: [one for one in sorted(needed[name]) if one not in done] for name in needed if name not in done}
    for group in _groups(left):
        if len(group) > 1:
            way: list[str] = []
            here = next(name for name in left if name in group)
            while here not in way:
                way.append(here)
                # In a group each waits for another of it, so the walk comes back to where it was.
                here = next(one for one in left[here] if one in group)
            yield (*way[way.index(here) :], here)


def _groups(waits: Mapping[str, list[str]]) -> Iterator[set[str]]:
    """The strongly connected components, by Tarjan's algorithm without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: dict[str, None] = {}
    for root in waits:
        stack = [] if root in number else [(root, iter(waits[root]))]
        while stack:
            name, rest = stack[-1]
            if name not in number:
                number[name] = low[name] = len(number)
                open_[name] = None
            for one in rest:
                if one not in number:
                    stack.append((one, iter(waits[one])))
                    break
                if one in open_:
                    low[name] = min(low[name], low[one])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[name])
                if low[name] == number[name]:
                    group: set[str] = set()
                    while name not in group:
                        group.add(open_.popitem()[0])
                    yield group


def branches(definition: Definition, needed: Needs) -> dict[str, dict[str, frozenset[Branch]]]:
    """For each step that is in no cycle: which branches of which conditions must be taken for it to run. A condition
    with both of its branches keeps the step from ever running."""
    found: dict[str, dict[str, frozenset[Branch]]] = {}
    for name in order(needed):
        step = definition.steps[name]
        taken: dict[str, frozenset[Branch]] = {}
        for one in needed[name]:
            for condition, sides in found[one].items():
                taken[condition] = taken.get(condition, frozenset()) | sides
        if step.parent and step.branch:
            taken[step.parent] = taken.get(step.parent, frozenset()) | {step.branch}
        found[name] = taken
    return found
