"""What Athena asks of the policies: the work group that something belongs to. The data is asked for by the query."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws import kept_tags
from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.athena.api import CATALOG, EXECUTION, NAMED, PRIMARY, WORK_GROUP, group_arn, service

_OF_GROUP: Final = (
    *("CreateNamedQuery", "CreatePreparedStatement", "DeletePreparedStatement", "DeleteWorkGroup", "GetWorkGroup"),
    *("GetPreparedStatement", "BatchGetPreparedStatement", "ListNamedQueries", "ListPreparedStatements"),
    *("ListQueryExecutions", "StartQueryExecution", "UpdatePreparedStatement", "UpdateWorkGroup", "CreateWorkGroup"),
)
_OF_EXECUTION: Final = ("GetQueryExecution", "GetQueryResults", "GetQueryRuntimeStatistics", "StopQueryExecution")
_OF_NAMED: Final = ("GetNamedQuery", "UpdateNamedQuery", "DeleteNamedQuery")
_OF_CATALOG: Final = ("GetDataCatalog", "GetDatabase", "ListDatabases", "GetTableMetadata", "ListTableMetadata")
_TAGGING: Final = ("TagResource", "UntagResource", "ListTagsForResource")


def tags_of(ctx: Context, group: str) -> Mapping[str, str]:
    """{} where no group is called so."""
    try:
        return kept_tags.of(ctx.store.get(ctx.account, ctx.region, WORK_GROUP, group))
    except Missing:
        return {}


def _ask(ctx: Context, operation: str, group: str, tags: Mapping[str, str] | None = None) -> Ask:
    return Ask(f"athena:{operation}", group_arn(ctx, group), {}, tags, lambda: tags_of(ctx, group))


def _of_group(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        made = operation == "CreateWorkGroup"
        group = req["Name"] if made else req.get("WorkGroup", PRIMARY)
        tags = {one.get("Key", ""): one.get("Value", "") for one in req.get("Tags", ())} or None
        found = [_ask(ctx, operation, group, tags)]
        return [*found, _ask(ctx, "TagResource", group, tags)] if tags else found

    return asks


def _of_row(operation: str, kind: str, member: str) -> Asks:
    """Asked of the group that holds the row; a row that is not there is in the group "primary"."""

    def group_of(ctx: Context, name: str) -> str:
        try:
            return ctx.store.get(ctx.account, ctx.region, kind, name).parent
        except Missing:
            return PRIMARY

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        given = req[member]
        names = [given] if isinstance(given, str) else given
        return [_ask(ctx, operation, group) for group in sorted({group_of(ctx, name) for name in names})]

    return asks


def _of_catalog(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        name = req.get("CatalogName") or req.get("Name") or CATALOG
        return [Ask(f"athena:{operation}", ctx.arn("athena", f"datacatalog/{name}"))]

    return asks


def _of_arn(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = req["ResourceARN"]
        tags = {one.get("Key", ""): one.get("Value", "") for one in req.get("Tags", ())}
        tags = tags or dict.fromkeys(req.get("TagKeys", ()), "")
        group = arn.rpartition("/")[2]
        return [Ask(f"athena:{operation}", arn, {}, tags or None, lambda: tags_of(ctx, group))]

    return asks


_ROWS: Final = {
    **dict.fromkeys(_OF_EXECUTION, (EXECUTION, "QueryExecutionId")),
    "BatchGetQueryExecution": (EXECUTION, "QueryExecutionIds"),
    **dict.fromkeys(_OF_NAMED, (NAMED, "NamedQueryId")),
    "BatchGetNamedQuery": (NAMED, "NamedQueryIds"),
}


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation in _OF_GROUP:
            service.access(operation, _of_group(operation))
        elif operation in _ROWS:
            service.access(operation, _of_row(operation, *_ROWS[operation]))
        elif operation in _OF_CATALOG:
            service.access(operation, _of_catalog(operation))
        elif operation in _TAGGING:
            service.access(operation, _of_arn(operation))
        else:
            service.access(operation)
