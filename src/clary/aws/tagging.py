"""How the tagging API sees resources of all services: each service says where its tags are, and how they are changed.

Tags live with their resource and nowhere else. A service declares one `Taggable` a kind of resource in its
`taggable.py`; the composition root hands all of them to the tagging API as the port `Taggables`. Changes go through the
service's own public operations, so they are checked and authorised as if the client had called those.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from clary.aws.service import Context


@dataclass(frozen=True, slots=True)
class Tagged:
    """A resource, and the tags that it has now."""

    place: str
    """Where it stands in the list of its kind: the name that the list is sorted by."""
    arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taggable:
    """One kind of resource that has tags."""

    kind: str
    """As ResourceTypeFilters names it, for example "sagemaker:model"."""
    page: Callable[[Context, str, int], Sequence[Tagged]]
    """(place, limit): up to `limit` resources of the request's account and region behind `place` ("": from the first),
    in order of their places; those without tags too."""
    find: Callable[[Context, str], Tagged | None]
    """The resource of an ARN; None: it is of another kind or place, or not there."""
    tag: Callable[[Context, str, Mapping[str, str]], Awaitable[None]]
    """The resource of that ARN has these tags beside its others. Raises ServiceError."""
    untag: Callable[[Context, str, Sequence[str]], Awaitable[None]]
    """The resource of that ARN has no tags of these keys. Raises ServiceError."""


class Taggables:
    """The port: every kind that has tags, by name."""

    def __init__(self, kinds: Sequence[Taggable]) -> None:
        self.kinds = tuple(sorted(kinds, key=lambda one: one.kind))
        if len({one.kind for one in self.kinds}) != len(self.kinds):
            raise ValueError("a kind of resource has its tags in two places")

    def find(self, ctx: Context, arn: str) -> tuple[Taggable, Tagged] | None:
        """The resource of that ARN, and its kind; None: nothing here that has tags is called so."""
        service = arn.split(":", 3)[2:3]
        for kind in self.kinds:
            if service == [kind.kind.partition(":")[0]] and (found := kind.find(ctx, arn)) is not None:
                return kind, found
        return None


def wire(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most operations take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
