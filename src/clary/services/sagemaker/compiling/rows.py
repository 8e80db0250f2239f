"""Rows of the data that a model was trained with: what the compiler holds a graph against the native server by."""

from typing import Final

from clary.aws.errors import ServiceError, ValidationException
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import inputs, roles, training
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.inputs.sources import objects

MOST_ROWS: Final = 400
MOST_BYTES: Final = 1 << 20
_CHANNELS: Final = ("train", "validation", "training", "test")


async def of(engines: Engines, row: Resource, container: Doc) -> bytes | None:
    """CSV without the label, from the training job that made the container's artifact. None: no such job, its data is
    no CSV, or it is gone. The native server is what counts, so no rows are no error."""
    job = _job(engines, row, container.get("ModelDataUrl") or "")
    if job is None:
        return None
    ctx = roles.context(engines, job, job.spec["RoleArn"])
    for channel in _channels(job):
        try:
            found = await objects(ctx, channel["DataSource"]["S3DataSource"])
            begin = b""
            async for chunk in inputs.body_of(ctx, found[0].at):
                begin += chunk
                if len(begin) >= MOST_BYTES:
                    break
        except (inputs.InputError, ServiceError, ValidationException):
            continue
        rows = _without_label(begin[:MOST_BYTES])
        if rows:
            return rows
    return None


def _job(engines: Engines, row: Resource, uri: str) -> Resource | None:
    """The job that stored the artifact: it is named in the artifact's key, and must say so itself."""
    parts = uri.split("/")
    if len(parts) < 5 or parts[-2] != "output":
        return None
    try:
        job = engines.store.get(row.account, row.region, training.KIND, parts[-3])
    except Missing:
        return None
    made: Doc = job.status.get("ModelArtifacts") or {}
    return job if made.get("S3ModelArtifacts") == uri else None


def _channels(job: Resource) -> list[Doc]:
    """Those of CSV, the training data first."""
    channels: list[Doc] = job.spec.get("InputDataConfig") or []
    named = {one["ChannelName"]: one for one in channels}
    wanted = [named[name] for name in _CHANNELS if name in named]
    return [
        one
        for one in wanted
        if (one.get("ContentType") or "text/csv").startswith(("text/csv", "csv"))
        and "S3DataSource" in one.get("DataSource", {})
        and one.get("CompressionType", "None") == "None"
    ]


def _without_label(begin: bytes) -> bytes | None:
    """The first rows, each without its first cell. The last line may be cut off, and is left out unless it is alone."""
    try:
        lines = begin.decode().splitlines()
    except UnicodeDecodeError:
        return None
    whole = [line for line in lines[: MOST_ROWS + 1] if "," in line]
    rows = whole[:MOST_ROWS] if len(lines) > MOST_ROWS else (whole[:-1] or whole)
    return "".join(line.partition(",")[2] + "\n" for line in rows).encode() if rows else None
