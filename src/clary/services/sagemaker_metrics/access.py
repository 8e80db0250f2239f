"""What the operations ask of the policies."""

from collections.abc import Sequence

from clary.aws.access import Ask
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker_metrics.api import service


def _put(ctx: Context, req: Doc) -> Sequence[Ask]:
    name = req["TrialComponentName"].lower()
    return [Ask("sagemaker:BatchPutMetrics", ctx.arn("sagemaker", f"experiment-trial-component/{name}"))]


def _get(ctx: Context, req: Doc) -> Sequence[Ask]:
    arns = dict.fromkeys(one["ResourceArn"] for one in req["MetricQueries"])
    return [Ask("sagemaker:BatchGetMetrics", arn) for arn in arns]


def register() -> None:
    """Both operations say what they ask."""
    service.access("BatchPutMetrics", _put)
    service.access("BatchGetMetrics", _get)


service.data_event("BatchPutMetrics", "BatchGetMetrics")
