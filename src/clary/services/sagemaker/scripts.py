"""Script mode: the user's source and its packages, on their way into a run of a framework's image.

The archive is fetched here, with the role's authority, and unpacked by the runner, rather than by the program inside:
an object that is a file of this machine is not copied, what it unpacks to is bounded as that of every archive, a job
without a network gets its source all the same, and a source that cannot be read fails the job in plain words before
anything was started."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from clary.aws.service import Context
from clary.engines.runners import unpack
from clary.engines.runners.base import Archive
from clary.jobs import environments, pip, pythons
from clary.jobs.environments import CODE, Wanted
from clary.kernel.resource import Doc
from clary.services.sagemaker import functions, inputs
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image

PREPARED: Final = "CLARY_PACKAGES"
"""The variable that tells a program that its packages are there; without it the image installs them itself."""
_MOST_REQUIREMENTS: Final = 1 << 20
_LARGE: Final = 256 << 20
"""Bytes of a model's archive that is not searched for requirements: that would take as long as to unpack it."""
_SYSTEM: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run needs beyond what every run of the image does: members of `Work`."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    archives: tuple[Archive, ...] = ()
    python: Path | None = None
    shown: tuple[Path, ...] = ()
    cwd: str = "/"
    directories: tuple[str, ...] = ()


async def training(
    ctx: Context, engines: Engines, image: Image, command: tuple[str, ...], spec: Doc, uid: str
) -> Prepared:
    """For a training job whose run has that uid: its program, or the command that it brings. Raises inputs.InputError,
    StartError, and environments.Making while its packages are being installed."""
    given, environ = spec.get("HyperParameters") or {}, spec.get("Environment") or {}
    own = bool(spec["AlgorithmSpecification"].get("ContainerEntrypoint"))
    program = bool(given.get("sagemaker_program") or environ.get("SAGEMAKER_PROGRAM"))
    if image.container is not None or not image.scripts or not (own or program):
        return Prepared(command)
    wanted = None
    if (function := functions.function_of(spec)) is not None:
        over = functions.environment(engines.sdk_environments, function.version)
        if over is None:
            wanted = await functions.wanted(ctx, engines, function, spec, engines.scratch / uid)
        prepared = await _with_python(engines, command, (), wanted, uid, over)
        # The SDK unpacks what it needs where it stands.
        env = {**functions.AS_IN_A_CONTAINER, **prepared.env}
        return replace(prepared, env=env, cwd=CODE, directories=(CODE,))
    archives = await _source(ctx, engines, given, environ, engines.scratch / uid)
    if archives:
        name = decoded(given.get("sagemaker_requirements", "")) or "requirements.txt"
        wanted = await _wanted(archives[0].path, name)
    return await _with_python(engines, command, archives, wanted, uid)


async def processing(engines: Engines, image: Image, command: tuple[str, ...]) -> Prepared:
    """For a processing job: its command finds a Python into which it can install packages."""
    if image.container is not None or not image.scripts:
        return Prepared(command)
    return await _with_python(engines, command, (), None, "")


async def serving(
    ctx: Context | None,
    engines: Engines,
    image: Image,
    command: tuple[str, ...],
    environ: Mapping[str, str],
    models: tuple[Archive, ...],
    uid: str,
) -> Prepared:
    """For a model server whose run has that uid: the program that its model names, or brings in code/. `ctx` acts as
    the model's role. Raises as `training`."""
    named = bool(environ.get("SAGEMAKER_PROGRAM"))
    if image.container is not None or not image.scripts or (image.own_server and not named):
        return Prepared(command)
    archives = await _source(ctx, engines, {}, environ, engines.scratch / uid) if ctx is not None else ()
    wanted = None
    if archives:
        wanted = await _wanted(archives[0].path, "requirements.txt")
    elif models and models[0].path.stat().st_size <= _LARGE:
        wanted = await _wanted(models[0].path, "code/requirements.txt")
    return await _with_python(engines, command, archives, wanted, uid)


def decoded(text: str) -> str:
    """SDK v2 encodes each hyperparameter as JSON; who writes requests by hand does not."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text


async def _source(
    ctx: Context, engines: Engines, given: Mapping[str, str], environ: Mapping[str, str], scratch: Path
) -> tuple[Archive, ...]:
    """The archive in S3 that the hyperparameters or the environment name; nothing where the source stands inside."""
    uri = decoded(given.get("sagemaker_submit_directory", "")) or environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if not uri.startswith("s3://"):
        return ()
    return (Archive(CODE, await inputs.local_file(ctx, engines.objects, scratch, uri)),)


async def _wanted(archive: Path, name: str) -> Wanted | None:
    found = await asyncio.to_thread(unpack.member, archive, name, _MOST_REQUIREMENTS)
    return Wanted(found, name, archive) if found is not None and found.strip() else None


async def _with_python(
    engines: Engines,
    command: tuple[str, ...],
    archives: tuple[Archive, ...],
    wanted: Wanted | None,
    uid: str,
    over: Path | None = None,
) -> Prepared:
    base = await environments.base(engines, over)
    place = base if wanted is None else await environments.ready(engines, wanted, uid)
    python = pythons.executable(place)
    settings = await asyncio.to_thread(pip.settings)
    path = f"{pythons.PACKAGES}/bin:{Path(sys.executable).parent}:{_SYSTEM}"
    env = {**settings.variables(secrets=False), **pythons.environment(), "PATH": path}
    if wanted is not None:
        env[PREPARED] = wanted.name
    # The Python of an installed environment stands on its own: the base is only what it was copied from.
    shown = (place, *([over] if over is not None else []), *settings.directories())
    return Prepared(environments.own_python(command, python), env, archives, python, shown)
