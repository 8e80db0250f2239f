"""Conditions joined by && and ||, with parentheses: && binds tighter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from clary.services.logs.patterns.base import Needs, rarity
from clary.services.logs.patterns.scan import Scanner, wrong

T = TypeVar("T")
DEEPEST = 20
"""Parentheses in parentheses."""


@dataclass(frozen=True, slots=True)
class Condition(Generic[T]):
    """A test of what a message was taken apart to."""

    holds: Callable[[T], bool]
    groups: Needs = ()
    """What the message must contain where the test holds."""


def parse_logic(scanner: Scanner, leaf: Callable[[Scanner], Condition[T]], depth: int = 0) -> Condition[T]:
    """The expression that stands here. Raises InvalidParameterException."""
    found = _conjunction(scanner, leaf, depth)
    while scanner.take("||"):
        found = _either(found, _conjunction(scanner, leaf, depth))
    return found


def _conjunction(scanner: Scanner, leaf: Callable[[Scanner], Condition[T]], depth: int) -> Condition[T]:
    found = _unit(scanner, leaf, depth)
    while scanner.take("&&"):
        found = _both(found, _unit(scanner, leaf, depth))
    return found


def _unit(scanner: Scanner, leaf: Callable[[Scanner], Condition[T]], depth: int) -> Condition[T]:
    if not scanner.take("("):
        return leaf(scanner)
    if depth == DEEPEST:
        raise wrong(f"parentheses can stand {DEEPEST} deep, and here is one more", scanner.at - 1)
    opened = scanner.at - 1
    found = parse_logic(scanner, leaf, depth + 1)
    if not scanner.take(")"):
        raise wrong(f"an operator or a closing parenthesis (for the one opened at {opened}) is missing", scanner.at)
    return found


def _both(one: Condition[T], other: Condition[T]) -> Condition[T]:
    left, right = one.holds, other.holds
    return Condition(lambda taken: left(taken) and right(taken), (*one.groups, *other.groups))


def _either(one: Condition[T], other: Condition[T]) -> Condition[T]:
    left, right = one.holds, other.holds
    groups: Needs = ()
    if one.groups and other.groups:
        # Any group of the one with any of the other is right; the longest terms let the least through.
        groups = ((*_best(one.groups), *_best(other.groups)),)
    return Condition(lambda taken: left(taken) or right(taken), groups)


def _best(groups: Needs) -> tuple[bytes, ...]:
    return max(groups, key=rarity)
