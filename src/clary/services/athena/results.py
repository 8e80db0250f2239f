"""Results of queries, read from where they were put with the rights of whoever asks."""

import re
from collections.abc import Callable
from typing import Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.services.athena.api import invalid, service
from clary.services.athena.executions import find
from clary.services.athena.files import place_of

MOST_ROWS: Final = 1000
_CHUNK: Final = 1 << 20
Cut = Callable[[bytes, int], tuple[list[Doc], int]]
"""So many rows of what was read, and how many bytes they are."""
_CELL: Final = re.compile(rb'(?:"((?:[^"]|"")*)")?([,\n])')


@service.operation("GetQueryResults")
async def get_query_results(ctx: Context, req: Doc) -> Doc:
    """Up to 1000 rows, the names of the columns first; of a DATA_MANIFEST, the objects that were written. Errors:
    InvalidRequestException: it has not ended well, wrote no manifest, or the results may not be read."""
    row = find(ctx, req["QueryExecutionId"])
    if row.phase != "SUCCEEDED":
        ended = f"Query did not finish successfully. Final query state: {row.phase}"
        raise invalid(
            ended
            if row.phase in ("FAILED", "CANCELLED")
            else f"Query has not yet finished. Current state: {row.phase}",
            "INVALID_QUERY_EXECUTION_STATE",
        )
    columns = row.status.get("_columns", [])
    count = {"UpdateCount": row.status.get("_updated", 0)}
    if req.get("QueryResultType", "DATA_ROWS") == "DATA_MANIFEST":
        if "_manifest" not in row.status:
            raise invalid("This query has no manifest: only CREATE TABLE AS, UNLOAD and INSERT write one.")
        columns, uri, size = [], row.status["_manifest"], row.status["_manifest_bytes"]
    elif not columns:
        return {**count, "ResultSet": {"Rows": [], "ResultSetMetadata": {"ColumnInfo": columns}}}
    else:
        uri, size = row.status["_output"], row.status["_output_bytes"]
    start, limit = _place(row, size, req.get("NextToken")), req.get("MaxResults") or MOST_ROWS
    cut = _csv if columns and row.status["_header"] else _lines
    rows, after = await _rows(ctx, place_of(uri), size, cut, start, limit)
    told: Doc = {**count, "ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": columns}}}
    if after < size:
        told["NextToken"] = f"{row.name}:{after}"
    return told


def _place(row: Resource, size: int, token: str | None) -> int:
    if token is None:
        return 0
    name, _, at = token.rpartition(":")
    if name != row.name or not at.isdecimal() or int(at) > size:
        raise invalid("Invalid NextToken: it belongs to another query.")
    return int(at)


async def _rows(
    ctx: Context, bucket_key: tuple[str, str], size: int, cut: Cut, start: int, limit: int
) -> tuple[list[Doc], int]:
    """Rows from that byte on, and the byte of the next one."""
    read, end = b"", start
    while True:
        more = await _bytes(ctx, bucket_key, end, min(end + _CHUNK, size))
        read, end = read + more, end + len(more)
        rows, used = cut(read, limit)
        if len(rows) >= limit or end >= size or not more:
            return rows, start + used


async def _bytes(ctx: Context, at: tuple[str, str], start: int, end: int) -> bytes:
    if start >= end:
        return b""
    asked = {"Bucket": at[0], "Key": at[1], "Range": f"bytes={start}-{end - 1}"}
    try:
        answer = await ctx.call("s3", "GetObject", asked)
    except ServiceError as error:
        told = f"Could not find results at s3://{at[0]}/{at[1]}: {error.message}"
        raise invalid(told, "RESULT_NOT_READABLE") from None
    return b"".join([data async for data in answer["Body"]])


def _csv(read: bytes, limit: int) -> tuple[list[Doc], int]:
    """Whole rows only. Every value is in quotes, and NULL is nothing at all."""
    rows: list[Doc] = []
    cells: list[Doc] = []
    used = 0
    for found in _CELL.finditer(read):
        value = found[1]
        cells.append({} if value is None else {"VarCharValue": value.replace(b'""', b'"').decode()})
        if found[2] == b"\n":
            rows.append({"Data": cells})
            cells, used = [], found.end()
            if len(rows) >= limit:
                break
    return rows, used


def _lines(read: bytes, limit: int) -> tuple[list[Doc], int]:
    rows: list[Doc] = []
    used = 0
    while len(rows) < limit and (end := read.find(b"\n", used)) >= 0:
        rows.append({"Data": [{"VarCharValue": read[used:end].decode()}]})
        used = end + 1
    return rows, used
