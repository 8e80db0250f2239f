"""What every filter pattern can do."""

from collections.abc import Mapping
from typing import Final, Protocol

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


ESCAPE: Final = b"\\u"
"""So JSON may write any character: a group with a term of JSON holds this too."""


def rarity(group: tuple[bytes, ...]) -> int:
    """How rare a group likely is: as its shortest term is long. Escapes are rare, short as they are."""
    return min((len(term) for term in group if term != ESCAPE), default=0)


def rarest_first(groups: list[tuple[bytes, ...]]) -> Needs:
    """The sieve with its rarest group ahead: the store searches by that one."""
    return tuple(sorted(groups, key=rarity, reverse=True))
