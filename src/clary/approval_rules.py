"""Approval rules: what must hold before a version of a group may be Approved.

    two-persons                        two different identities have approved it
    not-author                         who registered it does not approve it
    metric NAME at-least NUMBER        also at-most, above, below: a number in the version's metrics
    beat-in-service NAME higher        also lower: better than the version that the group's production endpoint serves

A home has rules for all of its groups (the setting approval_rules, with semicolons between them); tags of a group add
others: the key "approval:" and the rule's first word, the value the other words. No tag takes a rule away.
"""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

PREFIX: Final = "approval:"
ENDPOINT: Final = "approval:endpoint"
"""The tag that names the endpoint whose version must be beaten; without it, "<group>-production"."""
_OFF: Final = ("no", "false", "off")
_COMPARED: Final = {"at-least": operator.ge, "at-most": operator.le, "above": operator.gt, "below": operator.lt}
_BETTER: Final = {"higher": operator.gt, "lower": operator.lt}


class NotARule(ValueError):
    """The words are no rule; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Bound:
    """metric NAME at-least NUMBER."""

    metric: str
    how: str
    value: float

    def __str__(self) -> str:
        return f"metric {self.metric} {self.how} {self.value:g}"

    def holds(self, value: float) -> bool:
        return bool(_COMPARED[self.how](value, self.value))


@dataclass(frozen=True, slots=True)
class Beat:
    """beat-in-service NAME higher."""

    metric: str
    how: str

    def __str__(self) -> str:
        return f"beat-in-service {self.metric} {self.how}"

    def holds(self, candidate: float, served: float) -> bool:
        return bool(_BETTER[self.how](candidate, served))


@dataclass(frozen=True, slots=True)
class Rules:
    two_persons: bool = False
    not_author: bool = False
    bounds: tuple[Bound, ...] = ()
    beats: tuple[Beat, ...] = ()
    endpoint: str = ""
    """"": the group's name with "-production"."""

    def __bool__(self) -> bool:
        return self.two_persons or self.not_author or bool(self.bounds) or bool(self.beats)

    def __iter__(self) -> Iterator[str]:
        """Each rule in the words in which it is set."""
        yield from ["two-persons"] * self.two_persons
        yield from ["not-author"] * self.not_author
        yield from map(str, (*self.bounds, *self.beats))


def of_setting(text: str) -> Rules:
    """The rules of the setting; "" is none. Raises NotARule."""
    rules = Rules()
    for words in (one.split() for one in text.split(";") if one.strip()):
        rules = _added(rules, words[0], words[1:])
    return rules


def of_tags(tags: Mapping[str, str], beside: Rules | None = None) -> Rules:
    """The rules that a group's tags say, beside those of the home. Raises NotARule."""
    rules = beside or Rules()
    for key, value in sorted(tags.items()):
        if not key.startswith(PREFIX):
            continue
        if key == ENDPOINT:
            rules = replace(rules, endpoint=value.strip())
            continue
        # "approval:metric:recall": what follows a second colon only tells several rules of a kind apart.
        rules = _added(rules, key.removeprefix(PREFIX).partition(":")[0], value.split())
    return rules


def _added(rules: Rules, kind: str, words: list[str]) -> Rules:
    match kind, words:
        case (("two-persons" | "not-author"), ([] | [_])):
            if words and words[0].lower() in _OFF:
                return rules
            return replace(rules, two_persons=True) if kind == "two-persons" else replace(rules, not_author=True)
        case "metric", [metric, how, number] if how in _COMPARED:
            try:
                bound = Bound(metric, how, float(number))
            except ValueError:
                raise NotARule(f"{number!r} is no number in the rule: metric {' '.join(words)}") from None
            return replace(rules, bounds=(*rules.bounds, bound))
        case "beat-in-service", [metric, how] if how in _BETTER:
            return replace(rules, beats=(*rules.beats, Beat(metric, how)))
    raise NotARule(
        f"{' '.join([kind, *words])!r} is no approval rule. Rules are: two-persons; not-author; metric NAME "
        f"{'|'.join(_COMPARED)} NUMBER; beat-in-service NAME {'|'.join(_BETTER)}"
    )
