"""Checkpoints of a training job: what is in S3 is there when a run starts, and what a run writes is in S3 soon after.

Every host starts with all of them, and stores what it has changed under the same prefix. Nothing is deleted in S3.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from clary.aws.errors import NotImplementedHere, ServiceError
from clary.engines.runners.base import Run, Tree, Work
from clary.jobs import locations
from clary.jobs.locations import Location
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import inputs, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.syncing import Syncing

DEFAULT: Final = "/opt/ml/checkpoints"
_ROOT: Final = "/opt/ml"
_TAKEN: Final = ("/opt/ml", "/opt/ml/input", "/opt/ml/model", "/opt/ml/output", "/opt/ml/code")


def check(config: Doc) -> None:
    """Raises ValidationException, or NotImplementedHere for a directory that cannot be kept."""
    locations.parse(config["S3Uri"])
    path = local_path(config)
    if not path.startswith(f"{_ROOT}/"):
        raise NotImplementedHere(
            f"CheckpointConfig.LocalPath {path} is not served: only what stands below {_ROOT} outlives a run here. "
            f"Use {DEFAULT}, or another directory of your own below {_ROOT}."
        )
    taken = any(path == one or (one != _ROOT and path.startswith(f"{one}/")) for one in _TAKEN)
    require(not taken, f"CheckpointConfig.LocalPath {path} is used by SageMaker itself: choose another directory")


def local_path(config: Doc) -> str:
    return posixpath.normpath(config.get("LocalPath") or DEFAULT)


async def restored(engines: Engines, job: Resource, works: Sequence[Work], scratch: Path) -> tuple[Work, ...]:
    """The works, each with the checkpoints that are in S3 as files of its own. Raises inputs.InputError."""
    config = job.spec.get("CheckpointConfig")
    if not config:
        return tuple(works)
    path, at = local_path(config), _below(config)
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    try:
        there = await locations.has_prefix(ctx, at)
    except ServiceError as error:
        raise inputs.InputError(f"the checkpoints of {at} could not be listed: {error.message}") from error
    trees: tuple[Tree, ...] = ()
    if there:
        tree = await inputs.tree(ctx, engines.objects, scratch, path, {"S3DataType": "S3Prefix", "S3Uri": str(at)})
        trees = (replace(tree, own=True),)
    return tuple(replace(one, trees=(*one.trees, *trees), directories=(*one.directories, path)) for one in works)


async def stored(
    engines: Engines, job: Resource, syncing: Syncing, uids: Sequence[str], runs: Sequence[Run], *, final: bool
) -> None:
    """What the hosts have changed below the local path is in S3, or on its way there. With `final`, all of it. Raises
    outputs.OutputError."""
    config = job.spec.get("CheckpointConfig")
    if not config:
        return
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    # algo-1 last: where two hosts write one name, the end has what algo-1 wrote.
    for uid, run in reversed(list(zip(uids, runs, strict=True))):
        if run.root is not None:
            await syncing.sync(ctx, uid, run.root, local_path(config), _below(config), final=final)


def _below(config: Doc) -> Location:
    """As a folder: checkpoints of `s3://b/job1` are not those of `s3://b/job10`."""
    at = locations.parse(config["S3Uri"])
    return Location(at.bucket, f"{at.key.rstrip('/')}/" if at.key.strip("/") else "")
