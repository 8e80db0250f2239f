"""A query of Athena over 25 million synthetic ratings in Parquet, from StartQueryExecution to the results, beside the
same query in bare DuckDB. CPU time of the whole server with its worker, and wall time."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench import report
from tests.real import RealClary

ROWS = 25_000_000
FILES = 8
WANTED = 1.3
ROUNDS = 7
QUERY = (
    "SELECT movie_id, count(*) AS n, avg(rating) AS mean, min(rated_at) AS first FROM {source}"
    " WHERE rating >= 1 GROUP BY movie_id ORDER BY n DESC, movie_id LIMIT 100"
)
NOTES = [
    f"{ROWS:,} synthetic ratings in {FILES} Parquet files; one worker that has answered before; medians of {ROUNDS}",
    "clary: StartQueryExecution, GetQueryExecution every 20 ms, results read from S3; CPU of all its processes",
    "duckdb: the same SQL by read_parquet in a warm process, with the same threads; results written as CSV",
    f"budget: wall and CPU within {WANTED} times DuckDB's",
]
_BARE = """
import duckdb, resource, sys, time
con = duckdb.connect()
con.execute("SET enable_progress_bar = false")
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
for _ in range(int(sys.argv[3]) + 1):
    before, began = cpu(), time.perf_counter()
    con.execute(f"COPY ({sys.argv[1]}) TO '{sys.argv[2]}' (FORMAT csv, FORCE_QUOTE *)")
    print(time.perf_counter() - began, cpu() - before)
"""


def main(smoke: bool) -> None:
    rows = 200_000 if smoke else ROWS
    rounds = 2 if smoke else ROUNDS
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as scratch:
        place = Path(scratch)
        _make(place / "data", rows)
        server = RealClary(place / "home").up()
        try:
            ours, bare = _measured(server, place, rounds)
        finally:
            server.sweep()
    ratios = {f"{name}_vs_duckdb": round(ours[name] / bare[name], 3) for name in ("wall_s", "cpu_s")}
    report.keep("etl.query", {"clary": ours, "duckdb": bare}, ratios, smoke=smoke, notes=NOTES)


def _make(data: Path, rows: int) -> None:
    import duckdb

    data.mkdir()
    con = duckdb.connect()
    con.execute("SET threads = 2")
    con.execute("SET enable_progress_bar = false")
    for file in range(FILES):
        each = rows // FILES
        con.execute(
            f"COPY (SELECT (hash(i) % 160000)::INTEGER AS user_id, (hash(i * 7) % 60000)::INTEGER AS movie_id,"
            f" ((hash(i * 13) % 10) + 1) / 2.0::DOUBLE AS rating,"
            f" TIMESTAMP '2000-01-01' + to_seconds(i * 20) AS rated_at"
            f" FROM range({file * each}, {(file + 1) * each}) AS t(i))"
            f" TO '{data}/{file}.parquet' (FORMAT parquet, COMPRESSION snappy)"
        )


def _measured(server: RealClary, place: Path, rounds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    s3, athena, glue = server.client("s3"), server.client("athena"), server.client("glue")
    s3.create_bucket(Bucket="lake")
    for file in sorted((place / "data").iterdir()):
        s3.upload_file(str(file), "lake", f"ratings/{file.name}")
    glue.create_database(DatabaseInput={"Name": "db"})
    columns = "user_id int, movie_id int, rating double, rated_at timestamp"
    _asked(athena, s3, f"CREATE EXTERNAL TABLE ratings ({columns}) STORED AS PARQUET LOCATION 's3://lake/ratings/'")
    ours = []
    for _ in range(rounds + 1):
        before, began = _cpu(server), time.perf_counter()
        _asked(athena, s3, QUERY.format(source="ratings"))
        wall = time.perf_counter() - began
        ours.append((wall, _cpu(server) - before))
    sql = QUERY.format(source=f"read_parquet('{place}/data/*.parquet')")
    line = [sys.executable, "-c", _BARE, sql, str(place / "bare.csv"), str(rounds)]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    bare = [tuple(float(word) for word in one.split()) for one in said.splitlines()]
    return _medians(ours[1:]), _medians(bare[1:])


def _medians(found: list[Any]) -> dict[str, Any]:
    return {
        "wall_s": round(statistics.median(one[0] for one in found), 3),
        "cpu_s": round(statistics.median(one[1] for one in found), 3),
    }


def _asked(athena: Any, s3: Any, sql: str) -> None:
    name = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "db"},
        ResultConfiguration={"OutputLocation": "s3://lake/out/"},
    )["QueryExecutionId"]
    while True:
        said = athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
        if said["Status"]["State"] == "SUCCEEDED":
            break
        if said["Status"]["State"] in ("FAILED", "CANCELLED"):
            raise RuntimeError(said["Status"]["StateChangeReason"])
        time.sleep(0.02)
    bucket, _, key = said["ResultConfiguration"]["OutputLocation"].removeprefix("s3://").partition("/")
    s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def _cpu(server: RealClary) -> float:
    """Seconds that the server's processes have used."""
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    used = 0.0
    for one in (top, *top.children(recursive=True)):
        times = one.cpu_times()
        used += times.user + times.system
    return used
