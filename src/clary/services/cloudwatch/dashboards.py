"""Dashboards: kept as they are given, by name, once an account."""

import re
from contextlib import suppress
from typing import Any, Final

import orjson

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel import ids, page
from clary.kernel.errors import BadToken, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.cloudwatch.api import InvalidParameterValueException, service

KIND: Final = "dashboard"
MOST_WIDGETS: Final = 500
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PAGE: Final = 1000


class DashboardNotFoundError(ServiceError):
    """The specified dashboard does not exist."""

    status = 404


class DashboardInvalidInputError(ServiceError):
    """Some part of the dashboard data is invalid."""


@service.operation("PutDashboard", stored=True)
async def put_dashboard(ctx: Context, req: Doc) -> Doc:
    """The dashboard is there with this body, in place of an earlier one, whose tags stay.

    Errors: InvalidParameterInput with what is wrong and where."""
    name, body = _name(req["DashboardName"]), req["DashboardBody"]
    wrong = _wrong(body)
    if wrong:
        raise DashboardInvalidInputError(
            f"The dashboard body is invalid, there are {len(wrong)} validation errors: {orjson.dumps(wrong).decode()}",
            dashboardValidationMessages=wrong,
        )
    tags = req.get("Tags", [])
    with suppress(DashboardNotFoundError):
        tags = _found(ctx, name).status["Tags"]
    made = Resource(
        kind=KIND,
        name=name,
        account=ctx.account,
        region="",
        uid=ids.new(),
        arn=arn_of(ctx, name),
        spec={"DashboardBody": body},
        status={"Tags": tags},
    )
    ctx.store.create(made, replace=True)
    return {"DashboardValidationMessages": []}


@service.operation("GetDashboard", stored=True)
async def get_dashboard(ctx: Context, req: Doc) -> Doc:
    """The body as it was put. Errors: ResourceNotFound."""
    found = _found(ctx, _name(req["DashboardName"]))
    return {"DashboardArn": found.arn, "DashboardBody": found.spec["DashboardBody"], "DashboardName": found.name}


@service.operation("ListDashboards", stored=True)
async def list_dashboards(ctx: Context, req: Doc) -> Doc:
    """By name. Errors: InvalidParameterValue."""
    where = Where(account=ctx.account, name_prefix=req.get("DashboardNamePrefix"))
    try:
        found, token = page.paginate(ctx.store, KIND, where, limit=_PAGE, token=req.get("NextToken"))
    except BadToken as error:
        raise InvalidParameterValueException(f"{error}.") from None
    entries = [
        {
            "DashboardName": one.name,
            "DashboardArn": one.arn,
            "LastModified": one.modified,
            "Size": len(one.spec["DashboardBody"].encode()),
        }
        for one in found
    ]
    return {"DashboardEntries": entries, **({"NextToken": token} if token else {})}


@service.operation("DeleteDashboards", stored=True)
async def delete_dashboards(ctx: Context, req: Doc) -> Doc:
    """All are gone; if one of them is not there, none goes. Errors: ResourceNotFound."""
    names = dict.fromkeys(_name(name) for name in req["DashboardNames"])
    for one in [_found(ctx, name) for name in names]:
        ctx.store.delete(one)
    return {}


def arn_of(ctx: Context, name: str) -> str:
    return f"arn:aws:cloudwatch::{ctx.account}:dashboard/{name}"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidParameterValueException(
            f"The value {name[:300]} for parameter DashboardName is invalid. "
            "Use up to 255 letters, digits, hyphens and underscores."
        )
    return name


def _found(ctx: Context, name: str) -> Resource:
    try:
        return ctx.store.get(ctx.account, "", KIND, name)
    except Missing:
        raise DashboardNotFoundError(f"Dashboard {name} does not exist") from None


def _wrong(body: str) -> list[Doc]:
    """What keeps the body from being a dashboard: the place and a sentence each."""
    try:
        doc = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return [_message("", f"The body must be JSON: {error}")]
    if not isinstance(doc, dict):
        return [_message("", "The body must be a JSON object")]
    widgets = doc.get("widgets")
    if not isinstance(widgets, list):
        return [_message("/widgets", "The body must have an array of widgets")]
    if len(widgets) > MOST_WIDGETS:
        return [_message("/widgets", f"A dashboard has at most {MOST_WIDGETS} widgets")]
    return [message for number, one in enumerate(widgets) for message in _wrong_widget(f"/widgets/{number}", one)]


def _wrong_widget(place: str, widget: Any) -> list[Doc]:
    if not isinstance(widget, dict):
        return [_message(place, "A widget must be a JSON object")]
    found = []
    if not isinstance(widget.get("type"), str):
        found.append(_message(f"{place}/type", "A widget must name its type"))
    if not isinstance(widget.get("properties"), dict):
        found.append(_message(f"{place}/properties", "A widget must have properties"))
    return found


def _message(place: str, sentence: str) -> Doc:
    return {"DataPath": place, "Message": sentence}
