"""DataCaptureConfig: which objects went in and which came out, as two manifests that later jobs can read."""

import json
import time
from pathlib import Path

from clary.aws.service import Context
from clary.jobs import outputs
from clary.jobs.locations import Location, parse
from clary.kernel import ids
from clary.kernel.resource import Resource
from clary.services.sagemaker.inputs import sources

SUFFIX = ".out"


async def store(ctx: Context, job: Resource, scratch: Path, stored: list[str]) -> None:
    """The manifests of the inputs that have an output, and of the outputs (`stored`, below S3OutputPath), are in S3:
    the same objects, however often this is done. Raises outputs.OutputError, inputs.InputError."""
    done = {name.removesuffix(SUFFIX) for name in stored}
    named = await sources.objects(ctx, job.spec["TransformInput"]["DataSource"]["S3DataSource"])
    taken = [one.at for one in named if one.name in done]
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime(job.status["TransformStartTime"]))
    below = parse(job.spec["DataCaptureConfig"]["DestinationS3Uri"])
    bucket = taken[0].bucket if taken else below.bucket
    output = str(parse(job.spec["TransformOutput"]["S3OutputPath"])).rstrip("/")
    for part, document in (
        ("input", [{"prefix": f"s3://{bucket}/"}, *sorted(at.key for at in taken)]),
        ("output", [{"prefix": f"{output}/"}, *sorted(stored)]),
    ):
        await _put(ctx, scratch, below.child(part, hour, f"{job.uid}.json"), json.dumps(document).encode())


async def _put(ctx: Context, scratch: Path, at: Location, body: bytes) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / ids.new()
    file.write_bytes(body)
    await outputs.upload(ctx, file, at)
    file.unlink()
