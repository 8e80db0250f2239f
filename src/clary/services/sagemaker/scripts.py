"""Script mode: the user's source, on its way into a run of a framework's image.

The archive is fetched here, with the role's authority, and unpacked by the runner, rather than by the program inside:
an object that is a file of this machine is not copied, what it unpacks to is bounded as that of every archive, a job
without a network gets its source all the same, and a source that cannot be read fails the job in plain words before
anything was started."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from clary.aws.service import Context
from clary.engines.runners.base import Archive
from clary.services.sagemaker import inputs
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.images import Image

CODE: Final = "/opt/ml/code"
"""Where the source stands inside."""


async def source(
    ctx: Context, engines: Engines, image: Image, given: Mapping[str, str], environ: Mapping[str, str], scratch: Path
) -> tuple[Archive, ...]:
    """What must be unpacked at CODE: the archive in S3 that the hyperparameters or the environment name. Nothing where
    the source stands inside already, or the image runs no programs. Raises inputs.InputError."""
    uri = directory(given, environ)
    if image.container is not None or not image.scripts or not uri.startswith("s3://"):
        return ()
    return (Archive(CODE, await inputs.local_file(ctx, engines.objects, scratch, uri)),)


def directory(given: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Where the source is, as the request says it: an S3 URI or a path inside; "" where it does not."""
    return _decoded(given.get("sagemaker_submit_directory", "")) or environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")


def _decoded(text: str) -> str:
    """SDK v2 encodes each hyperparameter as JSON; who writes requests by hand does not."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text
