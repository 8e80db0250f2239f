"""Settings of buckets that change nothing here and harm nobody: remembered, and answered again."""

from clary.aws.errors import NotImplementedHere
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchConfiguration
from clary.services.s3.settings import bucket_of, change

METRICS, TIERING = "MetricsConfiguration", "IntelligentTieringConfiguration"


@service.operation(
    "PutBucketAccelerateConfiguration", stored=True, ignores=("ChecksumAlgorithm", "AccelerateConfiguration")
)
async def put_bucket_accelerate_configuration(ctx: Context, req: Doc) -> Doc:
    """The status is remembered; both kinds of hosts are served alike. Errors: InvalidRequest."""
    if "." in req["Bucket"]:
        raise errors.InvalidRequest(
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
        )
    _remember(ctx, req, "AccelerateConfiguration", req["AccelerateConfiguration"])
    return {}


@service.operation("GetBucketAccelerateConfiguration", ignores=("RequestPayer",))
async def get_bucket_accelerate_configuration(ctx: Context, req: Doc) -> Doc:
    """The status; nothing when none was ever set."""
    found: Doc = _kept(ctx, req).get("AccelerateConfiguration", {})
    return found


@service.operation("PutBucketRequestPayment", ignores=("ChecksumAlgorithm",))
async def put_bucket_request_payment(ctx: Context, req: Doc) -> Doc:
    """The owner pays, as ever: there is nobody else to send a bill to."""
    if req["RequestPaymentConfiguration"]["Payer"] != "BucketOwner":
        raise NotImplementedHere("Payer Requester is not implemented: nobody is billed here, so nobody could pay.")
    bucket_of(ctx, req)
    return {}


@service.operation("GetBucketRequestPayment")
async def get_bucket_request_payment(ctx: Context, req: Doc) -> Doc:
    bucket_of(ctx, req)
    return {"Payer": "BucketOwner"}


@service.operation("PutBucketMetricsConfiguration", stored=True, ignores=("MetricsConfiguration.Filter",))
async def put_bucket_metrics_configuration(ctx: Context, req: Doc) -> Doc:
    """The configuration is remembered under its id; no metrics are published yet."""
    _put_one(ctx, req, METRICS)
    return {}


@service.operation("GetBucketMetricsConfiguration")
async def get_bucket_metrics_configuration(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchConfiguration."""
    return {METRICS: _get_one(ctx, req, METRICS)}


@service.operation("ListBucketMetricsConfigurations", ignores=("ContinuationToken",))
async def list_bucket_metrics_configurations(ctx: Context, req: Doc) -> Doc:
    """All of them at once."""
    return _list(ctx, req, METRICS)


@service.operation("DeleteBucketMetricsConfiguration")
async def delete_bucket_metrics_configuration(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchConfiguration."""
    return _delete_one(ctx, req, METRICS)


@service.operation(
    "PutBucketIntelligentTieringConfiguration",
    stored=True,
    ignores=(
        "IntelligentTieringConfiguration.Filter",
        "IntelligentTieringConfiguration.Status",
        "IntelligentTieringConfiguration.Tierings",
    ),
)
async def put_bucket_intelligent_tiering_configuration(ctx: Context, req: Doc) -> Doc:
    """The configuration is remembered under its id; all objects stay where they can be read at once."""
    _put_one(ctx, req, TIERING)
    return {}


@service.operation("GetBucketIntelligentTieringConfiguration")
async def get_bucket_intelligent_tiering_configuration(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchConfiguration."""
    return {TIERING: _get_one(ctx, req, TIERING)}


@service.operation("ListBucketIntelligentTieringConfigurations", ignores=("ContinuationToken",))
async def list_bucket_intelligent_tiering_configurations(ctx: Context, req: Doc) -> Doc:
    """All of them at once."""
    return _list(ctx, req, TIERING)


@service.operation("DeleteBucketIntelligentTieringConfiguration")
async def delete_bucket_intelligent_tiering_configuration(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchConfiguration."""
    return _delete_one(ctx, req, TIERING)


def _kept(ctx: Context, req: Doc) -> Doc:
    found: Doc = bucket_of(ctx, req).status.get("_kept", {})
    return found


def _remember(ctx: Context, req: Doc, name: str, document: Doc) -> None:
    # Nothing is awaited between the look and the write, and one process has the objects open: nobody comes between.
    change(ctx, req, _kept={**_kept(ctx, req), name: document})


def _put_one(ctx: Context, req: Doc, kind: str) -> None:
    if req["Id"] != req[kind]["Id"]:
        raise errors.InvalidArgument("The id in the query string and in the document differ", "id", req["Id"])
    every = _kept(ctx, req).get(kind, {})
    if len(every) >= 1000 and req["Id"] not in every:
        raise errors.InvalidRequest("You have attempted to create more configurations than a bucket can have (1000)")
    _remember(ctx, req, kind, {**every, req["Id"]: req[kind]})


def _get_one(ctx: Context, req: Doc, kind: str) -> Doc:
    every: Doc = _kept(ctx, req).get(kind, {})
    if req["Id"] not in every:
        raise NoSuchConfiguration(req["Bucket"])
    found: Doc = every[req["Id"]]
    return found


def _list(ctx: Context, req: Doc, kind: str) -> Doc:
    every: Doc = _kept(ctx, req).get(kind, {})
    return {"IsTruncated": False} | ({f"{kind}List": [every[name] for name in sorted(every)]} if every else {})


def _delete_one(ctx: Context, req: Doc, kind: str) -> Doc:
    every: Doc = _kept(ctx, req).get(kind, {})
    _get_one(ctx, req, kind)
    _remember(ctx, req, kind, {name: one for name, one in every.items() if name != req["Id"]})
    return {}
