"""`clary sql`: a query of Athena from the command line. A client of the public wire: athena, s3, sts."""

import csv
import io
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import typer

from clary.cli.registry.commands import HomeOption, JsonOption

Doc = dict[str, Any]
Row = list[str | None]
QUIET_SECONDS: Final = 2.0
"""A query that takes longer is told of, where somebody looks."""
_POLL: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
_ENDED: Final = ("SUCCEEDED", "FAILED", "CANCELLED")
_NUMBERS: Final = ("tinyint", "smallint", "integer", "bigint", "float", "double", "decimal")


def register(app: typer.Typer) -> None:
    """The command is part of `app`."""
    app.command()(sql)


def sql(
    statement: Annotated[
        str | None, typer.Argument(help="The statement; -, or nothing: read it from standard input.", metavar="SQL")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Read the statement from a file.", exists=True, dir_okay=False)
    ] = None,
    database: Annotated[
        str, typer.Option("--database", "-d", help="Where tables without a database are looked for.", metavar="NAME")
    ] = "default",
    work_group: Annotated[str, typer.Option(help="Whose settings the query has.", metavar="NAME")] = "primary",
    output: Annotated[Literal["table", "csv", "json"] | None, typer.Option(help="[default: table]")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="Where the results are kept. [default: the work group's place]", metavar="s3://BUCKET/PREFIX/"
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the tables of the catalog: clary sql "select count(*) from lake.cars"

    Athena's language and rights; results go to S3 and to standard output. Ctrl-C stops the query.
    """
    from clary.cli.registry.wire import connect, refusals

    text = _statement(statement, file)
    wire = connect(home)
    athena = wire.client("athena")
    with refusals():
        asked: Doc = {"QueryExecutionContext": {"Database": database}, "WorkGroup": work_group}
        location = to or _place(wire, athena, work_group)
        if location is not None:
            asked["ResultConfiguration"] = {"OutputLocation": location}
        name = athena.start_query_execution(QueryString=text, **asked)["QueryExecutionId"]
        said = _ended(athena, name)
        status = said["Status"]
        if status["State"] != "SUCCEEDED":
            _refused(status)
        columns, rows = _results(wire, athena, said)
    _print(columns, rows, "json" if json else output or "table")
    if output is None and not json:
        spent = said["Statistics"]
        _tell(f"{spent['TotalExecutionTimeInMillis'] / 1000:.2f} s, {_size(spent['DataScannedInBytes'])} read")


def _statement(statement: str | None, file: Path | None) -> str:
    from clary.cli.say import fail

    if statement is not None and file is not None:
        fail("a statement and --file are two statements", "give one of them")
    if file is not None:
        return file.read_text()
    if statement is None and sys.stdin.isatty():
        fail("no statement", 'for example: clary sql "show databases"')
    found = sys.stdin.read() if statement in (None, "-") else statement
    if not (found or "").strip():
        fail("the statement is empty", 'for example: clary sql "show databases"')
    return str(found)


def _place(wire: Any, athena: Any, work_group: str) -> str | None:
    """Where the results go when neither the command nor the work group says so: the bucket of that name on AWS."""
    configuration = athena.get_work_group(WorkGroup=work_group)["WorkGroup"]["Configuration"]
    if configuration.get("ResultConfiguration", {}).get("OutputLocation"):
        return None
    account = wire.client("sts").get_caller_identity()["Account"]
    region = wire.variables["AWS_REGION"]
    bucket = f"aws-athena-query-results-{account}-{region}"
    s3 = wire.client("s3")
    more = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=bucket, **more)
    return f"s3://{bucket}/"


def _ended(athena: Any, name: str) -> Doc:
    """The execution at its end. Ctrl-C stops it."""
    from clary.cli.say import err

    began, looks = time.monotonic(), 0
    status = err.status("") if sys.stderr.isatty() else None
    try:
        while True:
            said: Doc = athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
            if said["Status"]["State"] in _ENDED:
                return said
            seconds = time.monotonic() - began
            if status is not None and seconds > QUIET_SECONDS:
                status.start()
                status.update(f"{said['Status']['State'].lower()} for {seconds:.0f} s; Ctrl-C stops it")
            time.sleep(_POLL[min(looks, len(_POLL) - 1)])
            looks += 1
    except KeyboardInterrupt:
        athena.stop_query_execution(QueryExecutionId=name)
        raise
    finally:
        if status is not None:
            status.stop()


def _refused(status: Doc) -> NoReturn:
    from clary.cli.say import fail

    reason: str = status.get("StateChangeReason") or status["State"]
    steps = {
        "TABLE_NOT_FOUND": 'what there is: clary sql "show tables in DATABASE"',
        "SCHEMA_NOT_FOUND": 'what there is: clary sql "show databases"; --database NAME chooses one',
        "COLUMN_NOT_FOUND": 'what there is: clary sql "describe DATABASE.TABLE"',
        "Insufficient permissions": "the policies of whoever asks decide on the catalog, the data and the results",
    }
    step = next((text for word, text in steps.items() if reason.startswith(word)), "")
    fail(reason.replace("[", r"\["), step)


def _results(wire: Any, athena: Any, said: Doc) -> tuple[list[tuple[str, str]], Iterator[Row]]:
    """(name, type) of the columns, and the rows as they come."""
    name, place = said["QueryExecutionId"], said["ResultConfiguration"]["OutputLocation"]
    first = athena.get_query_results(QueryExecutionId=name, MaxResults=1)
    told = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    columns = [(one["Name"], one["Type"]) for one in told]
    if not columns:
        return [], iter(())
    bucket, _, key = place.removeprefix("s3://").partition("/")
    body = wire.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    lines = (line.decode() for line in body.iter_lines(chunk_size=1 << 20, keepends=True))
    return columns, _rows(lines) if place.endswith(".csv") else ([line.rstrip("\n")] for line in lines)


def _rows(lines: Iterator[str]) -> Iterator[Row]:
    """What is in quotes is a value, nothing at all is NULL."""
    held = ""
    next(lines, None)
    for line in lines:
        held += line
        if held.count('"') % 2:
            continue  # a value with a line break in it
        cells = next(csv.reader(io.StringIO(held, newline="")))
        # An empty value in quotes is no NULL: which it is, only the text tells.
        yield _nulls(held, cells) if "" in cells else list(cells)
        held = ""


def _nulls(text: str, cells: list[str]) -> Row:
    found: Row = []
    at = 0
    for cell in cells:
        quoted = text[at : at + 1] == '"'
        found.append(cell if quoted else None)
        at += len(cell.replace('"', '""')) + (2 if quoted else 0) + 1
    return found


def _print(columns: list[tuple[str, str]], rows: Iterator[Row], output: str) -> None:
    if output == "csv":
        if columns:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow([name for name, _ in columns])
            writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
        return
    if output == "json":
        _print_json(columns, rows)
        return
    from rich.table import Table

    from clary.cli.say import out

    if not columns:
        return
    every = list(rows)
    if every and len(every[0]) != len(columns):  # lines of DDL
        for row in every:
            out.print(row[0] or "", markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, type_ in columns:
        table.add_column(name, justify="right" if type_ in _NUMBERS else "left", overflow="fold")
    for row in every:
        table.add_row(*("[dim]NULL[/dim]" if cell is None else cell.replace("[", r"\[") for cell in row))
    out.print(table)
    _tell(f"{len(every)} row{'' if len(every) == 1 else 's'}")


def _print_json(columns: list[tuple[str, str]], rows: Iterator[Row]) -> None:
    import orjson

    told = [{name: _value(cell, type_) for (name, type_), cell in zip(columns, row, strict=False)} for row in rows]
    typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())


def _value(cell: str | None, type_: str) -> Any:
    if cell is None:
        return None
    if type_ in ("tinyint", "smallint", "integer", "bigint"):
        return int(cell)
    if type_ in ("float", "double"):
        number = float(cell)
        return number if number - number == 0 else cell  # JSON knows neither NaN nor infinity
    return cell == "true" if type_ == "boolean" else cell


def _tell(text: str) -> None:
    from clary.cli.say import err

    err.print(f"[dim]{text}[/dim]")


def _size(count: int) -> str:
    number = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
