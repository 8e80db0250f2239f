"""What CloudWatch asks of the policies. Metrics have no ARN: their operations ask for "*"; who may write is bounded by
the condition key cloudwatch:namespace."""

from collections.abc import Mapping, Sequence

from clary.aws.access import Ask
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.cloudwatch.api import service
from clary.services.cloudwatch.dashboards import KIND, arn_of


def register() -> None:
    """Every operation that is served says what it asks; those that have not said it yet ask for their name on "*". To
    be called once all of them are registered."""
    service.access("PutMetricData", _put_metric_data)
    service.access("PutDashboard", _put_dashboard)
    service.access("GetDashboard", lambda ctx, req: [_dashboard(ctx, "GetDashboard", req["DashboardName"])])
    service.access("DeleteDashboards", _delete_dashboards)
    for operation in service.handlers:
        if operation not in service.accesses:
            service.access(operation)


def _put_metric_data(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [Ask("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": req["Namespace"]})]


def _put_dashboard(ctx: Context, req: Doc) -> Sequence[Ask]:
    tags = {one["Key"]: one["Value"] for one in req.get("Tags", ())} or None
    return [_dashboard(ctx, "PutDashboard", req["DashboardName"], tags)]


def _delete_dashboards(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [_dashboard(ctx, "DeleteDashboards", name) for name in req["DashboardNames"]]


def _dashboard(ctx: Context, operation: str, name: str, tags: Mapping[str, str] | None = None) -> Ask:
    return Ask(f"cloudwatch:{operation}", arn_of(ctx, name), {}, tags, lambda: _tags(ctx, name))


def _tags(ctx: Context, name: str) -> Mapping[str, str]:
    try:
        found = ctx.store.get(ctx.account, "", KIND, name)
    except Missing:
        return {}
    return {one["Key"]: one["Value"] for one in found.status["Tags"]}
