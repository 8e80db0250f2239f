"""Functions of the SageMaker SDK as jobs: what its decorators `@step` and `@remote` send is a training job whose
program is the SDK itself, so that its environment must hold the SDK, in the client's version, as AWS's image does.

It comes from an environment that the operator has made (the setting `sdk_environments`), or else from pip, once, like
the packages of every requirements file."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from clary.aws.service import Context
from clary.engines.runners.base import StartError
from clary.jobs import pythons
from clary.jobs.environments import Wanted
from clary.kernel.resource import Doc
from clary.services.sagemaker import inputs
from clary.services.sagemaker.engines import Engines

BOOTSTRAP: Final = "sagemaker_remote_function_bootstrap"
"""The channel of the SDK's own scripts; the entry point stands in it."""
DEPENDENCIES: Final = "pre_exec_script_and_dependencies"
"""The channel of a step's requirements file."""
AS_IN_A_CONTAINER: Final = {"LOGNAME": "root", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
"""The SDK asks sudo for permissions where it is not root; in the sandbox it has them, under whatever name. And it asks
pip in every job whether its packages are there: pip need not look for a newer pip as well."""
_SDK: Final = "sagemaker"
_MOST_REQUIREMENTS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Function:
    """A job that runs a function."""

    version: str
    """The client's SDK; "": it did not say."""
    requirements: str
    """The name of its requirements file; "": it has none."""


def function_of(spec: Doc) -> Function | None:
    """The function that a training job of that request runs; None: it runs something else."""
    algorithm = spec["AlgorithmSpecification"]
    if not any(f"/{BOOTSTRAP}/" in word for word in algorithm.get("ContainerEntrypoint") or ()):
        return None
    words: list[str] = algorithm.get("ContainerArguments") or []
    told = dict(pairwise(words))
    try:
        settings = json.loads(told.get("--dependency_settings") or "{}")
    except ValueError:
        settings = {}
    name = settings.get("dependency_file") if isinstance(settings, dict) else None
    return Function(told.get("--client_sagemaker_pysdk_version", ""), name if isinstance(name, str) else "")


async def wanted(ctx: Context, engines: Engines, function: Function, spec: Doc, scratch: Path) -> Wanted | None:
    """What pip is asked for: the function's own requirements, and the client's SDK where they do not name one. Raises
    inputs.InputError."""
    lines = ""
    for channel in spec.get("InputDataConfig") or ():
        if channel["ChannelName"] == DEPENDENCIES and function.requirements.endswith(".txt"):
            uri = f"{channel['DataSource']['S3DataSource']['S3Uri'].rstrip('/')}/{function.requirements}"
            file = await inputs.local_file(ctx, engines.objects, scratch, uri)
            if file.stat().st_size <= _MOST_REQUIREMENTS:
                lines = file.read_text(errors="replace")
    own = Wanted(lines.encode(), "requirements.txt", None)
    # Of a file that names others, only the program inside knows where they are: it installs them itself.
    kept = [line for line in lines.splitlines() if line.strip()] if own.plain else []
    if function.version and not any(line.strip().lower().startswith(_SDK) for line in kept):
        kept.append(f"{_SDK}=={function.version}")
    return Wanted("\n".join([*kept, ""]).encode(), "requirements.txt", None) if kept else None


def environment(given: str, version: str) -> Path | None:
    """The packages of that one of these virtual environments (separated by colons) whose SDK is of the same major
    version as the client's; None: none is. Raises StartError for an environment that cannot serve."""
    found = [(path, sdk_of(path)) for path in _packages(tuple(filter(None, given.split(os.pathsep))))]
    major = version.partition(".")[0]
    return next((path for path, sdk in found if sdk.partition(".")[0] == major), None)


@cache
def sdk_of(packages: Path) -> str:
    """The version of the SDK among these packages; "": it is not there."""
    for path in sorted(packages.glob(f"{_SDK}-[0-9]*.dist-info")):
        return path.name.removeprefix(f"{_SDK}-").removesuffix(".dist-info")
    return ""


def _packages(environments: Sequence[str]) -> list[Path]:
    found = []
    for one in environments:
        path = pythons.packages(Path(one).expanduser().absolute())
        if not path.is_dir():
            raise StartError(
                f"CLARY_SDK_ENVIRONMENTS names {one}, where no packages of this Python stand ({path} is not there)"
            )
        found.append(path)
    return found
