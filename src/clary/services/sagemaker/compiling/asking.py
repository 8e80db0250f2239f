"""Which models compile, and under which name what they compile to is kept."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import clary
from clary.aws.service import Context
from clary.jobs import locations
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import images, roles
from clary.services.sagemaker.compiling.machine import COMPILATION, KIND

COMPILER: Final = 1
"""Raised whenever the compiler makes other graphs of the same models."""
MOST_OBJECTS: Final = 50
"""Of a model that is not one archive: more are served as they are."""
_PROGRAMS: Final = ("SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY")
OFF: Final = "CLARY_COMPILE"
"""The variable of a container's environment that says off for its model alone."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The setting CLARY_COMPILE, as a port."""

    on: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a variant's document says of it: either a name or why there is none."""

    name: str | None
    why: str = ""


def reference(name: str) -> str:
    """What a model or an endpoint that uses the compilation lists under `_refers`."""
    return f"{KIND}/{name}"


async def ask(ctx: Context, containers: Sequence[Doc], role_arn: str, model_arn: str, *, direct: bool) -> Asked:
    """The model's compilation is under way or done, where a model compiles at all. Its data has been seen in S3. Raises
    S3's ServiceError when it is gone meanwhile."""
    why = refusal(ctx, containers, direct=direct)
    if why:
        return Asked(None, why)
    name = await _digest(ctx, containers, role_arn, model_arn)
    if name is None:
        return Asked(None, f"the model is made of more than {MOST_OBJECTS} objects")
    now = ctx.clock.now()
    spec: Doc = {"containers": list(containers), "role": role_arn, "model": model_arn}
    arn = ctx.arn("sagemaker", f"{KIND}/{name}")
    while True:
        try:
            known = ctx.store.get(ctx.account, ctx.region, KIND, name)
        except Missing:
            status: Doc = {"_asked": now}
            phase = COMPILATION.initial
            made = Resource(
                KIND, name, ctx.account, ctx.region, ids.new(), arn, phase, spec=spec, status=status, due=now
            )
            with suppress(Exists):
                ctx.store.create(made)
                return Asked(name)
        else:
            # Written, so that whoever was about to forget it looks again.
            with suppress(Stale):
                ctx.store.update(known, _asked=now)
                return Asked(name)


def refusal(ctx: Context, containers: Sequence[Doc], *, direct: bool) -> str:
    """Why the model is not even tried, in the words of the log; "": it is."""
    switch: Switch | None = ctx.ports.get(Switch)
    if switch is None or not switch.on:
        return "CLARY_COMPILE is off"
    if direct:
        return "its containers are called one by one (Mode Direct)"
    return next((why for why in map(_of_container, containers) if why), "")


def _of_container(container: Doc) -> str:
    environ: Doc = container.get("Environment") or {}
    image = images.lookup(container["Image"])
    if image is None or not image.compiles:
        return f"models of {container['Image'].rpartition('/')[2] or 'that image'} are not compiled"
    if environ.get(OFF) == "off":
        return f"{OFF} is off in its environment"
    if container.get("Mode") == "MultiModel":
        return "its container holds many models"
    named = next((one for one in _PROGRAMS if environ.get(one)), None)
    if named is not None:
        return f"it brings a program of its own ({named})"
    return "" if _source(container)[0] else f"the container {image.name} has no model data"


def _source(container: Doc) -> tuple[str, bool]:
    """(where its model data is, it is a prefix of plain objects)"""
    source: Doc = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    if source:
        return source["S3Uri"], source["CompressionType"] == "None"
    return container.get("ModelDataUrl") or "", False


async def _digest(ctx: Context, containers: Sequence[Doc], role_arn: str, model_arn: str) -> str | None:
    """Equal for models that compile to the same graph, and for no others."""
    as_role = roles.acting(ctx, role_arn, model_arn)
    parts = []
    for container in containers:
        uri, plain = _source(container)
        content = await _objects(as_role, uri) if plain else [await _object(as_role, uri)]
        if content is None:
            return None
        # The tag decides how XGBoost's answers look; account and region of the image decide nothing.
        image = container["Image"].rpartition("/")[2]
        parts.append([image, content, sorted((container.get("Environment") or {}).items())])
    said = json.dumps([COMPILER, clary.__version__, parts], sort_keys=True)
    return sha256(said.encode()).hexdigest()


async def _object(ctx: Context, uri: str) -> list[str]:
    at = locations.parse(uri)
    found = await ctx.call("s3", "HeadObject", {"Bucket": at.bucket, "Key": at.key})
    return [str(found.get(one, "")) for one in ("ETag", "ContentLength", "VersionId")]


async def _objects(ctx: Context, uri: str) -> list[list[str]] | None:
    at = locations.parse(uri)
    found: list[list[str]] = []
    async for keys in locations.keys(ctx, at):
        if len(found) + len(keys) > MOST_OBJECTS:
            return None
        found += [[key.removeprefix(at.key), *await _object(ctx, f"s3://{at.bucket}/{key}")] for key in keys]
    return found
