"""From an accepted run to the work that a runner starts."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from clary.aws.service import Context
from clary.engines.runners.base import Tree, Work
from clary.jobs import environments, files, pip, pythons
from clary.jobs.environments import Wanted
from clary.jobs.refusals import InputError
from clary.kernel.resource import Doc, Resource
from clary.services.glue import roles
from clary.services.glue.engines import Engines
from clary.services.glue.jobs import bookmarks, special
from clary.services.glue.jobs.rows import SPARK, arguments
from clary.services.glue.jobs.special import Special

CODE: Final = "/opt/ml/code"
CONFIG: Final = "/opt/ml/input/config"
STDERR: Final = "/opt/ml/output/stderr"
"""The program's standard error, which has a log of its own."""
COMMITTED: Final = "/opt/ml/output/bookmark.json"
FAILURE: Final = "/opt/ml/output/failure"
_EXTRA: Final = "/opt/ml/input/extra"
_PYTHON: Final = "/opt/ml/input/python"
_PROGRAM: Final = (sys.executable, "-m", "clary.algorithms.etl")
_MOST_SCRIPT_BYTES: Final = 32 << 20
_SYSTEM: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def acting(engines: Engines, run: Resource) -> tuple[Resource, str]:
    """(the run as the source of what its role does, the role's ARN)."""
    arn = f"arn:aws:glue:{run.region}:{run.account}:job/{run.spec['JobName']}"
    return replace(run, arn=arn), roles.arn_of(run.account, run.spec["_job"]["Role"])


async def work_of(engines: Engines, run: Resource) -> Work:
    """Raises NotAssumable, InputError, InvalidInputException and environments.Making while packages are installed."""
    spec, job = run.spec, run.spec["_job"]
    given = arguments(run)
    asked = special.read(given)
    source, role = acting(engines, run)
    ctx = roles.ACTOR.context(engines, source, role)
    spark = job["Command"]["Name"] == SPARK
    name = _script_name(job["Command"]["ScriptLocation"])
    script = await _script(ctx, engines, run, job["Command"]["ScriptLocation"])
    trees, paths = await _python_files(ctx, engines, run, asked.extra_py_files)
    extra, places = await _extra_files(ctx, engines, run, asked.extra_files)
    python = await _python(ctx, engines, run, asked, spark=spark)
    job_id = f"j_{spec['_job_uid']}"
    security = spec.get("SecurityConfiguration", "")
    config: Doc = {
        "kind": job["Command"]["Name"],
        "script": f"{CODE}/{name}",
        "argv": special.argv(given, spec["JobName"], job_id, run.name, security, spark=spark),
        "job": {
            "JobName": spec["JobName"],
            "RunId": run.name,
            "Attempt": spec["Attempt"],
            "Account": run.account,
            "Region": run.region,
        },
        "sys_path": paths,
        "extra_files": places,
        "spark": {"master": engines.spark_master, "conf": dict(asked.conf or {})},
        "files": {},
        "bookmark": asked.bookmark,
        "temp_dir": asked.temp_dir,
    }
    state = _state(engines, run) if asked.bookmark != "job-bookmark-disable" else None
    return replace(
        python,
        env={
            **python.env,
            **dict(asked.environment or {}),
            **roles.ACTOR.environment(engines, source, role, 60.0 * spec["Timeout"]),
        },
        files={
            f"{CODE}/{name}": script,
            f"{CONFIG}/etl.json": json.dumps(config).encode(),
            **({f"{CONFIG}/bookmark.json": state.encode()} if state is not None else {}),
        },
        directories=(CODE, CONFIG, "/opt/ml/output"),
        trees=(*trees, *extra),
        cpus=engines.max_cpus,
        memory_bytes=engines.max_memory_bytes,
    )


async def _script(ctx: Context, engines: Engines, run: Resource, location: str) -> bytes:
    path = await files.local_file(ctx, engines.objects, engines.scratch / run.uid, _plain(location))
    if path.stat().st_size > _MOST_SCRIPT_BYTES:
        raise InputError(f"the script {location} has more than {_MOST_SCRIPT_BYTES >> 20} MiB")
    return await asyncio.to_thread(path.read_bytes)


async def _python_files(
    ctx: Context, engines: Engines, run: Resource, uris: Sequence[str]
) -> tuple[list[Tree], list[str]]:
    """Each file in a directory of its own; what stands on sys.path: the directory of a module, or the archive."""
    trees, paths = [], []
    for number, uri in enumerate(uris):
        name, place = PurePosixPath(uri).name, f"{_PYTHON}/{number}"
        path = await files.local_file(ctx, engines.objects, engines.scratch / run.uid, uri)
        trees.append(Tree(place, ((name, path),)))
        paths.append(place if name.endswith(".py") else f"{place}/{name}")
    return trees, paths


async def _extra_files(
    ctx: Context, engines: Engines, run: Resource, uris: Sequence[str]
) -> tuple[list[Tree], list[str]]:
    """The files that shall stand in the script's working directory."""
    found = {}
    for uri in uris:
        path = await files.local_file(ctx, engines.objects, engines.scratch / run.uid, uri)
        found[PurePosixPath(uri).name] = path
    trees = [Tree(_EXTRA, tuple(found.items()))] if found else []
    return trees, [f"{_EXTRA}/{name}" for name in found]


async def _python(ctx: Context, engines: Engines, run: Resource, asked: Special, *, spark: bool) -> Work:
    """The command and its Python. A Spark job without packages of its own keeps the Python that a spare has."""
    if spark and not asked.modules:
        return Work(command=_PROGRAM)
    wanted = await _wanted(ctx, engines, run, asked)
    place = await environments.base(engines) if wanted is None else await environments.ready(engines, wanted, run.uid)
    python = pythons.executable(place)
    settings = await asyncio.to_thread(pip.settings)
    path = f"{pythons.PACKAGES}/bin:{Path(sys.executable).parent}:{_SYSTEM}"
    return Work(
        command=environments.own_python(_PROGRAM, python),
        env={**settings.variables(secrets=False), **pythons.environment(), "PATH": path},
        python=python,
        shown=(place, *settings.directories()),
    )


async def _wanted(ctx: Context, engines: Engines, run: Resource, asked: Special) -> Wanted | None:
    if not asked.modules:
        return None
    lines, wheels = list(asked.options), []
    for module in asked.modules:
        if module.startswith("s3://"):
            name = PurePosixPath(module).name
            path = await files.local_file(ctx, engines.objects, engines.scratch / run.uid, module)
            wheels.append((name, path))
            lines.append(f"./{name}")
        else:
            lines.append(module)
    text = "\n".join(lines) + "\n"
    return Wanted(text.encode(), "additional-python-modules.txt", None, tuple(wheels))


def _state(engines: Engines, run: Resource) -> str | None:
    job = replace(run, uid=run.spec["_job_uid"])
    return bookmarks.state(engines.store, job)


def _script_name(location: str) -> str:
    name = PurePosixPath(_plain(location)).name
    return name if name.endswith(".py") else f"{name}.py"


def _plain(uri: str) -> str:
    return uri.replace("s3a://", "s3://", 1).replace("s3n://", "s3://", 1)
