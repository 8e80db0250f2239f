"""What every filter pattern can do."""

from collections.abc import Mapping
from typing import Protocol

Needs = tuple[tuple[bytes, ...], ...]
"""A coarse sieve on the message in UTF-8: of every group at least one occurs in whatever matches."""


class Pattern(Protocol):
    @property
    def needs(self) -> Needs: ...

    @property
    def regexes(self) -> int:
        """How many regular expressions stand in it."""
        ...

    @property
    def selectors(self) -> frozenset[str]:
        """What can be taken out of its matches, as metric filters write it: "$.field", "$name"."""
        ...

    def __call__(self, message: str) -> bool: ...

    def match(self, message: str) -> Mapping[str, str] | None:
        """What the pattern takes out of a message that matches, by selector; None: it does not match."""
        ...


def rarest_first(groups: list[tuple[bytes, ...]]) -> Needs:
    """The sieve with its longest terms ahead: they are likely the rarest, and the store searches by the first group."""
    return tuple(sorted(groups, key=lambda group: min(map(len, group)), reverse=True))
