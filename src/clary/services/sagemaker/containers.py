"""Which image a job or a model server runs: a built-in one, one that was pushed to our registry, or one that the
container engine of this machine has. And how an image is started: its entry point and what follows it."""

import base64
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from clary import __version__
from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.runners.base import StartError
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import images, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image

_REGISTRY: Final = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_REFERENCE: Final = re.compile(
    r"(?P<repository>[^@:\s]+(?:/[^@:\s]+)*)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})

Verb = Literal["train", "serve", ""]
"""What SageMaker calls an image with that has its own entry point; "": nothing (processing)."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a run of an image begins: the members of `Work` of the same names."""

    command: tuple[str, ...]
    image: str | None = None
    entrypoint: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image of our own registry, by the words of its URI."""

    account: str
    region: str
    repository: str
    image: Doc
    """As ECR's ImageIdentifier."""


def start(image: Image, verb: Verb, entrypoint: list[str] | None = None, arguments: list[str] | None = None) -> Start:
    """What the request's ContainerEntrypoint and ContainerArguments make of the image. Raises StartError where a
    built-in image has no program of its own for the verb."""
    entry, rest = tuple(entrypoint or ()), tuple(arguments or ())
    if image.container is not None:
        if entry:
            return Start(rest, image.container, entry)
        return Start(rest or ((verb,) if verb else ()), image.container)
    if entry:
        return Start((*entry, *rest))
    own = {"train": image.train, "serve": image.serve, "": image.process}[verb]
    if own is None:
        raise StartError(_nothing(image, verb))
    return Start((*own, *rest))


async def resolve(engines: Engines, one: Resource, uri: str, role_arn: str) -> Image:
    """The image of that URI, ready to run: an image that was pushed to our registry is in the container engine after
    this (that may take minutes), pulled with the role's authority. Raises StartError, in words for the owner of the
    job, and roles.NotAssumable."""
    built_in = images.lookup(uri)
    pushed = _pushed(engines, one, uri)
    if pushed is not None and role_arn:
        found = await _registered(engines, one, pushed, role_arn, uri, other=built_in is not None)
        if found is not None:
            return found
    if built_in is not None:
        return built_in
    why_not = await engines.containers.refusal()
    if why_not is not None:
        raise StartError(f"{_neither(uri)} {why_not}")
    local = await engines.containers.local(uri)
    if local is None:
        raise StartError(f"{_neither(uri)} {_what_to_push(engines, pushed, uri)}")
    return _container(uri, local)


async def identity(engines: Engines, one: Resource, uri: str, role_arn: str) -> str | None:
    """What `resolve` would run now, without fetching anything: the same text for the same bytes. None: nothing here is
    called so. A built-in image is what this version of Clary brings. Raises StartError, and roles.NotAssumable."""
    pushed = _pushed(engines, one, uri)
    if pushed is not None and role_arn:
        ctx = engines.inside(roles.context(engines, one, role_arn).principal, pushed.region)
        if (digest := await _digest(ctx, pushed)) is not None:
            return digest
    if (built_in := images.lookup(uri)) is not None:
        return f"{built_in.name} {__version__}"
    return await engines.containers.local(uri) if await engines.containers.refusal() is None else None


def _container(uri: str, reference: str) -> Image:
    return Image(uri, ("train",), ("serve",), container=reference)


def _pushed(engines: Engines, one: Resource, uri: str) -> Pushed | None:
    """What the URI names in our registry; None: it is of another."""
    host, _, rest = uri.partition("/")
    ours = urlsplit(engines.endpoint_url)
    name, _, port = host.partition(":")
    if name in {*_LOOPBACK, ours.hostname} and port == str(ours.port):
        mirrored, _, below = rest.partition("/")
        host, rest = (mirrored, below) if _REGISTRY.fullmatch(mirrored) else ("", rest)
        account, region = one.account, one.region
    else:
        account = region = ""
    if registry := _REGISTRY.fullmatch(host):
        account, region = registry["account"], registry["region"]
    match = _REFERENCE.fullmatch(rest)
    if account != one.account or match is None:
        return None
    image = {"imageDigest": match["digest"]} if match["digest"] else {"imageTag": match["tag"] or "latest"}
    return Pushed(account, region, match["repository"], image)


async def _registered(
    engines: Engines, one: Resource, pushed: Pushed, role_arn: str, uri: str, *, other: bool
) -> Image | None:
    """The pushed image, pulled; None where there is no such repository, or no such image and the URI names something
    else as well. Raises StartError."""
    ctx = engines.inside(roles.context(engines, one, role_arn).principal, pushed.region)
    digest = await _digest(ctx, pushed)
    if digest is None:
        return None
    why_not = await engines.containers.refusal()
    if why_not is not None:
        raise StartError(f"the image {uri} is in the registry, but no container can run: {why_not}")
    netloc = urlsplit(engines.endpoint_url).netloc
    registry = f"{pushed.account}.dkr.ecr.{pushed.region}.amazonaws.com"
    user, password = await _credentials(ctx, uri)
    reference = f"{netloc}/{registry}/{pushed.repository}@{digest}"
    return _container(uri, await engines.containers.pull(reference, user, password))


async def _digest(ctx: Context, pushed: Pushed) -> str | None:
    try:
        found = await ctx.call(
            "ecr",
            "BatchGetImage",
            {"registryId": pushed.account, "repositoryName": pushed.repository, "imageIds": [pushed.image]},
        )
    except ServiceError as error:
        if error.error_code in ("RepositoryNotFoundException", "NotImplemented", "InvalidParameterException"):
            return None
        raise StartError(f"the image could not be looked up in the registry: {error.message}") from None
    digest: str | None = found["images"][0]["imageId"]["imageDigest"] if found["images"] else None
    return digest


async def _credentials(ctx: Context, uri: str) -> tuple[str, str]:
    try:
        given = await ctx.call("ecr", "GetAuthorizationToken", {})
    except ServiceError as error:
        raise StartError(f"the image {uri} could not be pulled: {error.message}") from None
    user, _, password = base64.b64decode(given["authorizationData"][0]["authorizationToken"]).decode().partition(":")
    return user, password


def _nothing(image: Image, verb: Verb) -> str:
    if verb == "serve":
        return f"the image {image.name} has no model server of its own"
    if verb == "train":
        return f"the image {image.name} brings no training algorithm: set AlgorithmSpecification.ContainerEntrypoint"
    return (
        f"the image {image.name} brings no program: set AppSpecification.ContainerEntrypoint, for example "
        '["python3", "/opt/ml/processing/input/code/script.py"]'
    )


def _neither(uri: str) -> str:
    known = ", ".join(images.names())
    return f"the image {uri} is not one of the built-in images ({known}) and not in the registry of this account."


def _what_to_push(engines: Engines, pushed: Pushed | None, uri: str) -> str:
    netloc = urlsplit(engines.endpoint_url).netloc
    to = f"{netloc}/{pushed.repository}:{pushed.image.get('imageTag', 'latest')}" if pushed else f"{netloc}/NAME:TAG"
    made = "" if pushed is None else f"aws ecr create-repository --repository-name {pushed.repository}; "
    return (
        "This machine's container engine does not have it either, and Clary pulls nothing from elsewhere by itself: "
        f"docker pull {uri}, or push it: {made}docker tag IMAGE {to}; docker push {to}"
    )
