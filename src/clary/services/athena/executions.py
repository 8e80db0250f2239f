"""Executions of queries: accepted, shown, stopped."""

import dataclasses
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.queries.base import Queries, QueryError, Statement
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource, StateMachine
from clary.kernel.store import Where
from clary.services.athena import prepared, workgroups
from clary.services.athena.api import CATALOG, ENGINE, EXECUTION, PRIMARY, group_arn, invalid, page, service

MACHINE: Final = StateMachine(
    "State",
    "QUEUED",
    {"QUEUED": {"RUNNING", "FAILED", "CANCELLED", "SUCCEEDED"}, "RUNNING": {"SUCCEEDED", "FAILED", "CANCELLED"}},
)

_ENCRYPTION: Final = ("SSE_S3", "SSE_KMS", "CSE_KMS")
"""From the least on."""


@service.operation("StartQueryExecution")
async def start_query_execution(ctx: Context, req: Doc) -> Doc:
    """The query is queued; asked again with the same ClientRequestToken, the same answer. Errors:
    InvalidRequestException: no place for the results, a statement that is none, a work group that is not there."""
    group = workgroups.find(ctx, req.get("WorkGroup", PRIMARY))
    if group.phase != "ENABLED":
        raise invalid(f"WorkGroup {group.name} is disabled.")
    context: Doc = dict(req.get("QueryExecutionContext", {}))
    catalog = context.get("Catalog", CATALOG)
    if catalog.lower() != CATALOG.lower():
        raise invalid(f"The data catalog {catalog} does not exist; {CATALOG} does.")
    if req.get("EngineConfiguration"):
        raise invalid("EngineConfiguration is for notebooks, which are not served here.")
    token = req.get("ClientRequestToken")
    name = _named_by(ctx, token) if token is not None else str(uuid4())
    spec: Doc = {
        "Query": req["QueryString"],
        "QueryExecutionContext": context,
        "WorkGroup": group.name,
        "ResultConfiguration": _results(group, req, name),
        **{key: req[key] for key in ("ExecutionParameters", "ResultReuseConfiguration") if key in req},
    }
    try:
        before = ctx.store.get(ctx.account, ctx.region, EXECUTION, name)
    except Missing:
        pass
    else:
        return _same(before, spec)
    statement = await _read(ctx, spec)
    said = prepared.filled(statement)
    now = ctx.clock.now()
    row = Resource(
        EXECUTION,
        name,
        ctx.account,
        ctx.region,
        uid=name.replace("-", ""),
        arn=f"{group_arn(ctx, group.name)}/{name}",
        phase="QUEUED",
        parent=group.name,
        spec=spec,
        status={
            "_who": dataclasses.asdict(ctx.principal),
            "_statement": None if said is None else dataclasses.asdict(said),
            "_cutoff": group.spec["Configuration"].get("BytesScannedCutoffPerQuery"),
            "_metrics": bool(group.spec["Configuration"].get("PublishCloudWatchMetricsEnabled")),
            "_at": now,
            "_refers": [reuse_key(spec)],
            **({"StatementType": said.type, "SubstatementType": said.substatement} if said else {}),
        },
        due=now,
    )
    try:
        ctx.store.create(row)
    except Exists:  # the same token at the same moment
        return _same(ctx.store.get(ctx.account, ctx.region, EXECUTION, name), spec)
    return {"QueryExecutionId": name}


def _same(before: Resource, spec: Doc) -> Doc:
    if before.spec != spec:
        raise invalid("Idempotent parameters do not match", "INVALID_INPUT")
    return {"QueryExecutionId": before.name}


def _named_by(ctx: Context, token: str) -> str:
    """An id that the same token always leads to."""
    told = sha256(f"{ctx.account}/{ctx.region}/{token}".encode()).hexdigest()
    return f"{told[:8]}-{told[8:12]}-4{told[13:16]}-8{told[17:20]}-{told[20:32]}"


def reuse_key(spec: Doc) -> str:
    """What executions have in common whose results are the same while the data is."""
    said = [spec["Query"], spec["WorkGroup"], spec["QueryExecutionContext"], spec.get("ExecutionParameters")]
    return f"query/{sha256(repr(said).encode()).hexdigest()}"


async def _read(ctx: Context, spec: Doc) -> Statement | None:
    """What the statement says; None: nobody here can tell, so it will fail with the words of what is missing. A name
    of a prepared statement is followed. Raises InvalidRequestException."""
    queries = ctx.port(Queries)
    if queries.lacks():
        return None
    database = spec["QueryExecutionContext"].get("Database", "default").lower()
    parameters = spec.get("ExecutionParameters")
    try:
        statement = await queries.read(spec["Query"], database, parameters if parameters is not None else None)
        if statement.kind != "execute":
            return statement
        doc = statement.doc or {}
        kept = prepared.find(ctx, spec["WorkGroup"], doc["name"])
        given = [*doc["parameters"], *(parameters or [])]
        return await queries.read(kept.spec["QueryStatement"], database, given)
    except QueryError as error:
        told = str(error).removeprefix("SYNTAX_ERROR: ")
        raise invalid(told, "MALFORMED_QUERY" if error.code == "SYNTAX_ERROR" else "INVALID_QUERY") from None


def _results(group: Resource, req: Doc, name: str) -> Doc:
    """Where the results go: as the group says, where it insists, else as the request does."""
    of_group: Doc = group.spec["Configuration"].get("ResultConfiguration", {})
    asked: Doc = req.get("ResultConfiguration", {})
    enforced = group.spec["Configuration"].get("EnforceWorkGroupConfiguration") and of_group.get("OutputLocation")
    found = {**asked, **of_group} if enforced else {**of_group, **asked}
    least = of_group.get("EncryptionConfiguration")
    if least and group.spec["Configuration"].get("EnableMinimumEncryptionConfiguration"):
        _check_encryption(least["EncryptionOption"], found["EncryptionConfiguration"]["EncryptionOption"])
    location = found.get("OutputLocation", "")
    if not location:
        raise invalid(
            "No output location provided. An output location is required either through the Workgroup result"
            " configuration setting or as an API input."
        )
    bucket = location.removeprefix("s3://").partition("/")[0]
    if not location.startswith("s3://") or not bucket:
        raise invalid("outputLocation is not a valid S3 path.")
    return {**found, "OutputLocation": location if location.endswith("/") else f"{location}/"}


def _check_encryption(least: str, option: str) -> None:
    """Raises InvalidRequestException. Where the group insists on its settings, `option` is its own."""
    if _ENCRYPTION.index(option) < _ENCRYPTION.index(least):
        raise invalid(f"{option} is less than {least}, the minimum encryption of the results of this WorkGroup.")


@service.operation("GetQueryExecution")
async def get_query_execution(ctx: Context, req: Doc) -> Doc:
    """The execution as it is. Errors: InvalidRequestException."""
    return {"QueryExecution": described(find(ctx, req["QueryExecutionId"]))}


@service.operation("BatchGetQueryExecution")
async def batch_get_query_execution(ctx: Context, req: Doc) -> Doc:
    """Those that are there, and the ids of those that are not."""
    found, lost = [], []
    for name in req["QueryExecutionIds"]:
        try:
            found.append(described(ctx.store.get(ctx.account, ctx.region, EXECUTION, name)))
        except Missing:
            told = {"ErrorCode": "INVALID_INPUT", "ErrorMessage": f"QueryExecution {name} was not found"}
            lost.append({"QueryExecutionId": name, **told})
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": lost}


@service.operation("ListQueryExecutions")
async def list_query_executions(ctx: Context, req: Doc) -> Doc:
    """The executions of a work group, the latest first. Errors: InvalidRequestException."""
    group = workgroups.find(ctx, req.get("WorkGroup", PRIMARY))
    where = Where(ctx.account, ctx.region, parent=group.name)
    found, more = page(ctx, EXECUTION, where, req, order="created", descending=True)
    return {**({"QueryExecutionIds": [one.name for one in found]} if found else {}), **more}


@service.operation("StopQueryExecution")
async def stop_query_execution(ctx: Context, req: Doc) -> Doc:
    """The execution is cancelled, unless it has ended by itself. Errors: InvalidRequestException."""
    while True:
        row = find(ctx, req["QueryExecutionId"])
        if MACHINE.settled(row.phase):
            return {}
        now = ctx.clock.now()
        try:
            ctx.store.update(row, phase="CANCELLED", due=now, _ended=now, _reason="Query cancelled by user")
        except Stale:  # written since it was read: look again
            continue
        return {}


@service.operation("GetQueryRuntimeStatistics")
async def get_query_runtime_statistics(ctx: Context, req: Doc) -> Doc:
    """What was measured. Errors: InvalidRequestException."""
    row = find(ctx, req["QueryExecutionId"])
    if row.phase not in ("SUCCEEDED", "FAILED", "CANCELLED"):
        raise invalid(f"Query has not yet finished. Current state: {row.phase}")
    spent = _statistics(row)
    line = {key: spent[key] for key in spent if key.endswith("InMillis")}
    rows = {"InputBytes": row.status.get("_input_bytes", 0), "OutputRows": row.status.get("_rows", 0)}
    rows["OutputBytes"] = row.status.get("_output_bytes", 0)
    return {"QueryRuntimeStatistics": {"Timeline": line, "Rows": rows}}


def find(ctx: Context, name: str) -> Resource:
    """Raises InvalidRequestException."""
    try:
        return ctx.store.get(ctx.account, ctx.region, EXECUTION, name)
    except Missing:
        raise invalid(f"QueryExecution {name} was not found") from None


def who(row: Resource) -> Principal:
    """Who asked for it: the query may do what they may."""
    kept: dict[str, Any] = {**row.status["_who"]}
    kept["tags"] = tuple((key, value) for key, value in kept["tags"])
    kept["policies"] = None if kept["policies"] is None else tuple(kept["policies"])
    kept["policy_arns"], kept["transitive"] = tuple(kept["policy_arns"]), tuple(kept["transitive"])
    return Principal(**kept)


def described(row: Resource) -> Doc:
    status = row.status
    state: Doc = {"State": row.phase, "SubmissionDateTime": status["_at"]}
    if "_reason" in status:
        state["StateChangeReason"] = status["_reason"]
    if "_ended" in status:
        state["CompletionDateTime"] = status["_ended"]
    if "_error" in status:
        state["AthenaError"] = status["_error"]
    told = {key: value for key, value in row.spec.items() if not key.startswith("_")}
    results = {**row.spec["ResultConfiguration"]}
    results["OutputLocation"] = status.get("_output", f"{results['OutputLocation']}{row.name}.csv")
    return {
        **told,
        "QueryExecutionId": row.name,
        "ResultConfiguration": results,
        **{key: status[key] for key in ("StatementType", "SubstatementType") if key in status},
        "Status": state,
        "Statistics": _statistics(row),
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
    }


def _statistics(row: Resource) -> Doc:
    status = row.status
    told: Doc = {}
    if "_ended" in status:
        whole = _millis(status["_ended"] - status["_at"])
        queued = _millis(status.get("_began", status["_ended"]) - status["_at"])
        run, plan = status.get("_run_ms", 0), status.get("_plan_ms", 0)
        told = {
            "EngineExecutionTimeInMillis": run + plan,
            "DataScannedInBytes": status.get("_bytes", 0),
            "TotalExecutionTimeInMillis": whole,
            "QueryQueueTimeInMillis": queued,
            "QueryPlanningTimeInMillis": plan,
            "ServiceProcessingTimeInMillis": max(0, whole - queued - run - plan),
        }
        if "_manifest" in status:
            told["DataManifestLocation"] = status["_manifest"]
    told["ResultReuseInformation"] = {"ReusedPreviousResult": bool(status.get("_reused"))}
    return told


def _millis(seconds: float) -> int:
    return max(0, round(seconds * 1000))
