"""ECR: the service, the kinds of rows that it keeps, and how a request names a repository.

    ecr-repository  name: the repository's
    ecr-image       parent: the repository's uid, name: "<uid>:<digest>"; its manifest is a blob
    ecr-tag         parent: the repository's uid, name: "<uid>:<tag>"; names the digest
    ecr-layer       parent: the repository's uid, name: "<uid>:<digest>"; the repository may read that blob
    ecr-upload      parent: the repository's uid, name: "<uid>:<upload id>"; the parts received so far

All hang on the repository's uid: once its row is gone, nothing reaches them, and `tidying` deletes what is left.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clary.aws.service import Context, Service
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store, Where
from clary.services.ecr.errors import InvalidParameterException, RepositoryNotFoundException

service = Service("ecr")
# As AWS's audit does, which counts them as management events; what flows over /v2/ are none.

REPOSITORY: Final = "ecr-repository"
IMAGE: Final = "ecr-image"
TAG: Final = "ecr-tag"
LAYER: Final = "ecr-layer"
UPLOAD: Final = "ecr-upload"
KINDS: Final = (IMAGE, TAG, LAYER, UPLOAD)
"""What hangs on a repository."""
PAGE: Final = 1000
NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
TAG_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Registry:
    """The port: the registry that is meant where a client names none."""

    account: str
    region: str


def host_of(account: str, region: str) -> str:
    """What AWS calls the registry of an account in a region."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


def arn_of(account: str, region: str, name: str) -> str:
    return f"arn:aws:ecr:{region}:{account}:repository/{name}"


def repository_of(ctx: Context, req: Doc) -> Resource:
    """The repository that the request names. Raises RepositoryNotFoundException."""
    return repository_named(ctx, req["repositoryName"], req.get("registryId"))


def repository_named(ctx: Context, name: str, registry: str | None = None) -> Resource:
    if registry not in (None, ctx.account):
        raise RepositoryNotFoundException(name, str(registry))
    try:
        return ctx.store.get(ctx.account, ctx.region, REPOSITORY, name)
    except Missing:
        raise RepositoryNotFoundException(name, ctx.account) from None


def repository_at(ctx: Context, arn: str) -> Resource:
    """Raises InvalidParameterException, RepositoryNotFoundException."""
    head, _, name = arn.partition(":repository/")
    if head != f"arn:aws:ecr:{ctx.region}:{ctx.account}" or not name:
        raise InvalidParameterException(
            f"Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN {arn}'"
        )
    return repository_named(ctx, name)


def below(repository: Resource, name: str) -> str:
    """The name of a row that hangs on the repository."""
    return f"{repository.uid}:{name}"


def own_name(one: Resource) -> str:
    """The digest, tag or id in the name of a row that hangs on a repository."""
    return one.name.partition(":")[2]


def rows(store: Store, kind: str, repository: Resource) -> Iterator[Resource]:
    """All rows of that kind of the repository, by name."""
    where = Where(account=repository.account, region=repository.region, parent=repository.uid)
    after: list[object] | None = None
    while found := store.page(kind, where, after=after, limit=PAGE):
        yield from found
        after = [found[-1].name, found[-1].name]


def find(store: Store, kind: str, repository: Resource, name: str) -> Resource | None:
    try:
        return store.get(repository.account, repository.region, kind, below(repository, name))
    except Missing:
        return None
