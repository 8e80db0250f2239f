"""Export jobs: a version of a model card as a PDF in S3."""

import asyncio
from collections.abc import Mapping
from typing import Final

import orjson

from clary.aws.errors import ServiceError, ValidationException
from clary.aws.service import Context
from clary.jobs import locations
from clary.kernel import ids
from clary.kernel.errors import BadToken, Exists, Missing
from clary.kernel.page import paginate
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Order, Where
from clary.services.sagemaker import listing
from clary.services.sagemaker.api import service
from clary.services.sagemaker.cards import cards
from clary.services.sagemaker.cards.cards import EXPORT, ConflictException
from clary.services.sagemaker.cards.document import pdf
from clary.services.sagemaker.errors import ResourceNotFound

_MOST_REASON: Final = 1024
_ORDERS: Final[Mapping[str, Order]] = {"Name": "name", "CreationTime": "created", "Status": "phase"}


@service.operation("CreateModelCardExportJob")
async def create_model_card_export_job(ctx: Context, req: Doc) -> Doc:
    """The job has run when this is answered: the PDF stands at S3OutputPath, written with the caller's authority, or
    the job is Failed and says why. Errors: ResourceNotFound, ConflictException for a second job of one name."""
    card = cards.find(ctx, req["ModelCardName"])
    said = cards.version(ctx, card, req.get("ModelCardVersion"))
    name = req["ModelCardExportJobName"]
    row = f"{card.uid}/{name}"
    arn = f"{card.arn}/export-job/{name}"
    try:
        ctx.store.get(ctx.account, ctx.region, EXPORT, row)
    except Missing:
        pass
    else:
        raise ConflictException(f"An export job with the name {name} already exists: {arn}")
    at = locations.parse(req["OutputConfig"]["S3OutputPath"]).child(f"{name}.pdf")
    status: Doc = {"ModelCardName": card.name, "ModelCardVersion": said["ModelCardVersion"]}
    phase = "Completed"
    try:
        body = await asyncio.to_thread(pdf, said, orjson.loads(said["Content"]))
        place = {"Bucket": at.bucket, "Key": at.key}
        await ctx.call("s3", "PutObject", {**place, "Body": body, "ContentType": "application/pdf"})
        status["ExportArtifacts"] = {"S3ExportArtifacts": str(at)}
    except ServiceError as error:
        phase = "Failed"
        status["FailureReason"] = f"{at} could not be written: {error.message}"[:_MOST_REASON]
    job = Resource(EXPORT, row, ctx.account, ctx.region, ids.new(), arn, phase, card.uid, spec=req, status=status)
    try:
        return {"ModelCardExportJobArn": ctx.store.create(job).arn}
    except Exists:
        raise ConflictException(f"An export job with the name {name} already exists: {arn}") from None


@service.operation("DescribeModelCardExportJob")
async def describe_model_card_export_job(ctx: Context, req: Doc) -> Doc:
    """How the job ended, and where its PDF is. Errors: ResourceNotFound."""
    arn = req["ModelCardExportJobArn"]
    try:
        job = ctx.store.by_arn(arn)
    except Missing:
        raise ResourceNotFound(f"Model card export job {arn} does not exist.") from None
    told = listing.pick(job.status, "FailureReason", "ExportArtifacts")
    return {**_described(job), **told, "OutputConfig": job.spec["OutputConfig"]}


@service.operation("ListModelCardExportJobs")
async def list_model_card_export_jobs(ctx: Context, req: Doc) -> Doc:
    """A page of the card's export jobs that pass the filters, newest first unless asked otherwise. Errors:
    ResourceNotFound, ValidationException for a token of another list."""
    card = cards.find(ctx, req["ModelCardName"])
    wanted = req.get("ModelCardVersion")
    where = Where(
        account=ctx.account,
        region=ctx.region,
        parent=card.uid,
        phase=req.get("StatusEquals"),
        created_after=req.get("CreationTimeAfter"),
        created_before=req.get("CreationTimeBefore"),
    )
    part = (req.get("ModelCardExportJobNameContains") or "").lower()
    limit, token = req.get("MaxResults", listing.DEFAULT_PAGE), req.get("NextToken")
    descending = req.get("SortOrder", "Descending") == "Descending"
    found: list[Doc] = []
    while True:
        try:
            rows, token = paginate(
                ctx.store,
                EXPORT,
                where,
                order=_ORDERS[req.get("SortBy", "CreationTime")],
                descending=descending,
                limit=limit - len(found),
                token=token,
            )
        except BadToken as error:
            raise ValidationException(f"Invalid NextToken: {error}") from None
        # Names are compared here: a row's own begins with the uid of its card.
        said = [one for one in map(_described, rows) if part in one["ModelCardExportJobName"].lower()]
        found += [one for one in said if wanted in (None, one["ModelCardVersion"])]
        if token is None or len(found) == limit:
            return {"ModelCardExportJobSummaries": found, **({"NextToken": token} if token else {})}


def _described(job: Resource) -> Doc:
    return {
        "ModelCardExportJobName": job.spec["ModelCardExportJobName"],
        "ModelCardExportJobArn": job.arn,
        "Status": job.phase,
        "ModelCardName": job.status["ModelCardName"],
        "ModelCardVersion": job.status["ModelCardVersion"],
        "CreatedAt": job.created,
        "LastModifiedAt": job.modified,
    }
