"""Prepared statements and named queries of work groups."""

from contextlib import suppress
from uuid import uuid4

from clary.aws.service import Context
from clary.engines.queries.base import Statement
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.athena import workgroups
from clary.services.athena.api import NAMED, PREPARED, PRIMARY, ResourceNotFoundException, invalid, page, service


def filled(statement: Statement | None) -> Statement | None:
    """Raises InvalidRequestException for a prepared statement that only leads to another one."""
    if statement is not None and statement.kind == "execute":
        raise invalid("A prepared statement cannot execute another one.", "INVALID_QUERY")
    return statement


def find(ctx: Context, group: str, name: str) -> Resource:
    """Raises ResourceNotFoundException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, PREPARED, f"{group}/{name}")
    except Missing:
        told = f"PreparedStatement {name} was not found in workgroup {group}"
        raise ResourceNotFoundException(told, ResourceName=name) from None


def keep(ctx: Context, group: str, name: str, sql: str, description: str | None = None) -> None:
    """Raises InvalidRequestException: there is one of that name."""
    spec = {"StatementName": name, "WorkGroupName": group, "QueryStatement": sql}
    if description is not None:
        spec["Description"] = description
    row = Resource(
        PREPARED, f"{group}/{name}", ctx.account, ctx.region, uid=ids.new(), phase="READY", parent=group, spec=spec
    )
    try:
        ctx.store.create(row)
    except Exists:
        raise invalid(f"PreparedStatement {name} already exists in workgroup {group}") from None


def drop(ctx: Context, group: str, name: str) -> None:
    """Raises ResourceNotFoundException."""
    with suppress(Stale):
        ctx.store.delete(find(ctx, group, name))


@service.operation("CreatePreparedStatement")
async def create_prepared_statement(ctx: Context, req: Doc) -> Doc:
    """The statement is kept. Errors: InvalidRequestException."""
    workgroups.find(ctx, req["WorkGroup"])
    keep(ctx, req["WorkGroup"], req["StatementName"], req["QueryStatement"], req.get("Description"))
    return {}


@service.operation("GetPreparedStatement")
async def get_prepared_statement(ctx: Context, req: Doc) -> Doc:
    """The statement. Errors: ResourceNotFoundException."""
    return {"PreparedStatement": _shown(find(ctx, req["WorkGroup"], req["StatementName"]))}


@service.operation("BatchGetPreparedStatement")
async def batch_get_prepared_statement(ctx: Context, req: Doc) -> Doc:
    """Those that are there, and the names of those that are not."""
    found, lost = [], []
    for name in req["PreparedStatementNames"]:
        try:
            found.append(_shown(find(ctx, req["WorkGroup"], name)))
        except ResourceNotFoundException as error:
            lost.append({"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": str(error)})
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": lost}


@service.operation("ListPreparedStatements")
async def list_prepared_statements(ctx: Context, req: Doc) -> Doc:
    """The statements of a work group by name. Errors: InvalidRequestException."""
    workgroups.find(ctx, req["WorkGroup"])
    found, more = page(ctx, PREPARED, Where(ctx.account, ctx.region, parent=req["WorkGroup"]), req)
    told = [{"StatementName": one.spec["StatementName"], "LastModifiedTime": one.modified} for one in found]
    return {"PreparedStatements": told, **more}


@service.operation("UpdatePreparedStatement")
async def update_prepared_statement(ctx: Context, req: Doc) -> Doc:
    """The statement says something else. Errors: ResourceNotFoundException."""
    while True:
        row = find(ctx, req["WorkGroup"], req["StatementName"])
        changed: Doc = {key: req[key] for key in ("QueryStatement", "Description") if key in req}
        try:
            ctx.store.update(row, spec={**row.spec, **changed})
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("DeletePreparedStatement")
async def delete_prepared_statement(ctx: Context, req: Doc) -> Doc:
    """The statement is gone. Errors: ResourceNotFoundException."""
    drop(ctx, req["WorkGroup"], req["StatementName"])
    return {}


def _shown(row: Resource) -> Doc:
    return {**row.public(), "LastModifiedTime": row.modified}


@service.operation("CreateNamedQuery")
async def create_named_query(ctx: Context, req: Doc) -> Doc:
    """The query is kept; asked again with the same ClientRequestToken, the same answer. Errors:
    InvalidRequestException."""
    group = req.get("WorkGroup", PRIMARY)
    workgroups.find(ctx, group)
    token = req.get("ClientRequestToken")
    if token is not None:
        for one in ctx.store.referring(ctx.account, ctx.region, NAMED, f"token/{token}"):
            return {"NamedQueryId": one.name}
    name = str(uuid4())
    spec: Doc = {key: req[key] for key in ("Name", "Description", "Database", "QueryString") if key in req}
    ctx.store.create(
        Resource(
            NAMED,
            name,
            ctx.account,
            ctx.region,
            uid=ids.new(),
            phase="READY",
            parent=group,
            spec={**spec, "WorkGroup": group},
            status={"NamedQueryId": name, "_refers": [] if token is None else [f"token/{token}"]},
        )
    )
    return {"NamedQueryId": name}


def _named(ctx: Context, name: str) -> Resource:
    try:
        return ctx.store.get(ctx.account, ctx.region, NAMED, name)
    except Missing:
        raise invalid(f"NamedQuery {name} was not found") from None


@service.operation("GetNamedQuery")
async def get_named_query(ctx: Context, req: Doc) -> Doc:
    """The query. Errors: InvalidRequestException."""
    return {"NamedQuery": _named(ctx, req["NamedQueryId"]).public()}


@service.operation("BatchGetNamedQuery")
async def batch_get_named_query(ctx: Context, req: Doc) -> Doc:
    """Those that are there, and the ids of those that are not."""
    found, lost = [], []
    for name in req["NamedQueryIds"]:
        try:
            found.append(ctx.store.get(ctx.account, ctx.region, NAMED, name).public())
        except Missing:
            told = {"ErrorCode": "INVALID_INPUT", "ErrorMessage": f"NamedQuery {name} was not found"}
            lost.append({"NamedQueryId": name, **told})
    return {"NamedQueries": found, "UnprocessedNamedQueryIds": lost}


@service.operation("ListNamedQueries")
async def list_named_queries(ctx: Context, req: Doc) -> Doc:
    """The ids of a work group's queries. Errors: InvalidRequestException."""
    group = workgroups.find(ctx, req.get("WorkGroup", PRIMARY))
    found, more = page(ctx, NAMED, Where(ctx.account, ctx.region, parent=group.name), req)
    return {**({"NamedQueryIds": [one.name for one in found]} if found else {}), **more}


@service.operation("UpdateNamedQuery")
async def update_named_query(ctx: Context, req: Doc) -> Doc:
    """The query says something else. Errors: InvalidRequestException."""
    while True:
        row = _named(ctx, req["NamedQueryId"])
        changed: Doc = {key: req[key] for key in ("Name", "Description", "QueryString") if key in req}
        try:
            ctx.store.update(row, spec={**row.spec, **changed})
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("DeleteNamedQuery")
async def delete_named_query(ctx: Context, req: Doc) -> Doc:
    """The query is gone. Errors: InvalidRequestException."""
    with suppress(Stale):
        ctx.store.delete(_named(ctx, req["NamedQueryId"]))
    return {}
