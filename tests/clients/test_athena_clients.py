"""Athena as its clients use it, on a real server: boto3 as PyAthena and awswrangler go about it, the AWS CLI, PyIceberg
beside it, `clary sql`, and a user with rights of their own."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real import RealClary, until

pytest.importorskip("duckdb", reason="pip install clary[catalog]")
pytestmark = pytest.mark.server
OUT = {"OutputLocation": "s3://lake/out/"}
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Asking:
    def __init__(self, server: RealClary) -> None:
        self.server = server
        self.athena, self.s3 = server.client("athena"), server.client("s3")

    def start(self, sql: str, athena: Any = None, **more: Any) -> str:
        asked = {"QueryExecutionContext": {"Database": "cars"}, "ResultConfiguration": OUT, **more}
        name: str = (athena or self.athena).start_query_execution(QueryString=sql, **asked)["QueryExecutionId"]
        return name

    def ended(self, name: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            said: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
            return said if said["Status"]["State"] in ENDED else None

        found: dict[str, Any] = until(look, 60.0, f"the query {name} ends")
        return found

    def run(self, sql: str, **more: Any) -> dict[str, Any]:
        said = self.ended(self.start(sql, **more))
        assert said["Status"]["State"] == "SUCCEEDED", said
        return said

    def rows(self, sql: str) -> list[dict[str, str]]:
        """As awswrangler reads them: the CSV of the results from S3."""
        place = self.run(sql)["ResultConfiguration"]["OutputLocation"]
        body = self.s3.get_object(Bucket="lake", Key=place.removeprefix("s3://lake/"))["Body"].read().decode()
        return list(csv.DictReader(io.StringIO(body)))


@pytest.fixture(scope="module")
def asking(server: RealClary) -> Iterator[Asking]:
    made = Asking(server)
    made.s3.create_bucket(Bucket="lake")
    made.s3.put_object(Bucket="lake", Key="cars/a.csv", Body=b"low,4,unacc\nhigh,2,acc\nlow,2,vgood\n")
    made.run("CREATE DATABASE cars")
    made.run(
        "CREATE EXTERNAL TABLE evaluation (buying string, doors int, class string) ROW FORMAT DELIMITED"
        " FIELDS TERMINATED BY ',' LOCATION 's3://lake/cars/'"
    )
    yield made


def test_as_awswrangler_does(asking: Asking) -> None:
    assert asking.athena.get_work_group(WorkGroup="primary")["WorkGroup"]["State"] == "ENABLED"
    database = asking.athena.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="cars")
    assert [one["Name"] for one in database["TableMetadataList"]] == ["evaluation"]
    found = asking.rows("SELECT buying, sum(doors) AS doors FROM evaluation GROUP BY buying ORDER BY buying")
    assert found == [{"buying": "high", "doors": "2"}, {"buying": "low", "doors": "6"}]
    statistics = asking.athena.get_query_runtime_statistics(QueryExecutionId=asking.run("SELECT 1")["QueryExecutionId"])
    assert statistics["QueryRuntimeStatistics"]["Rows"]["OutputRows"] == 1


def test_the_aws_cli(asking: Asking) -> None:
    name = asking.run("SELECT count(*) AS n FROM evaluation")["QueryExecutionId"]
    line = [sys.executable, "-m", "awscli", "athena", "get-query-results", "--query-execution-id", name]
    said = subprocess.run(line, capture_output=True, text=True, env=asking.server.environment(), check=True).stdout
    assert [row["Data"][0]["VarCharValue"] for row in json.loads(said)["ResultSet"]["Rows"]] == ["n", "3"]


def test_clary_sql(asking: Asking) -> None:
    clary = asking.server.clary
    assert (
        clary("sql", "--output", "csv", "select class from cars.evaluation order by 1").stdout
        == "class\nacc\nunacc\nvgood\n"
    )
    said = clary("sql", "--json", "-d", "cars", "select doors, cast(null as varchar) x from evaluation where doors = 4")
    assert json.loads(said.stdout) == [{"doors": 4, "x": None}]
    assert "evaluation" in clary("sql", "show tables in cars").stdout
    refused = clary("sql", "select * from cars.nope", check=False)
    assert refused.returncode == 1
    assert "TABLE_NOT_FOUND" in refused.stderr
    assert "show tables" in refused.stderr


def test_with_the_rights_of_who_asks(asking: Asking) -> None:
    iam = asking.server.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    athena = asking.server.client("athena", **keys)

    def allow(*statements: tuple[str, str]) -> None:
        told = [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": told})
        iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)

    sql = "SELECT count(*) FROM evaluation"
    allow(("athena:*", "*"))
    said = asking.ended(asking.start(sql, athena))
    assert "glue:GetTable" in said["Status"]["StateChangeReason"]
    allow(("athena:*", "*"), ("glue:Get*", "*"), ("s3:ListBucket", "*"), ("s3:*", "arn:aws:s3:::lake/out/*"))
    said = asking.ended(asking.start(sql, athena))
    assert said["Status"]["State"] == "FAILED"
    allow(("athena:*", "*"), ("glue:Get*", "*"), ("s3:ListBucket", "*"), ("s3:*", "arn:aws:s3:::lake/*"))
    assert asking.ended(asking.start(sql, athena))["Status"]["State"] == "SUCCEEDED"


def test_iceberg_tables(asking: Asking) -> None:
    pytest.importorskip("pyiceberg", reason="pip install clary[catalog]")
    import pyarrow as pa
    from pyiceberg.catalog.glue import GlueCatalog
    from pyiceberg.types import IntegerType

    server = asking.server
    keys = json.loads((server.home / "credentials.json").read_text())
    catalog = GlueCatalog(
        "glue",
        **{
            "glue.endpoint": server.url,
            "s3.endpoint": server.url,
            "client.region": "us-east-1",
            "client.access-key-id": keys["AccessKeyId"],
            "client.secret-access-key": keys["SecretAccessKey"],
        },
    )
    rows = pa.table({"id": pa.array([1, 2], pa.int64()), "name": ["a", "b"]})
    table = catalog.create_table("cars.ice", schema=rows.schema, location="s3://lake/ice")
    table.append(rows)
    first = table.current_snapshot()
    table.append(pa.table({"id": pa.array([3], pa.int64()), "name": ["c"]}))
    assert asking.rows("SELECT count(*) AS n FROM ice") == [{"n": "3"}]
    assert first is not None
    assert asking.rows(f"SELECT max(id) AS n FROM ice FOR VERSION AS OF {first.snapshot_id}") == [{"n": "2"}]
    with table.update_schema() as change:
        change.rename_column("name", "title")
        change.add_column("more", IntegerType())
    assert asking.rows("SELECT title, more FROM ice WHERE id = 3") == [{"title": "c", "more": ""}]


def test_a_server_that_is_killed_goes_on(asking: Asking) -> None:
    slow = (
        "SELECT count(*) AS n FROM unnest(sequence(1, 20000)) a(x) CROSS JOIN unnest(sequence(1, 20000)) b(y)"
        " WHERE (x * 31 + y) % 7 = 3"
    )
    name = asking.start(slow)
    until(
        lambda: (
            asking.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"]["State"] != "QUEUED"
        )
    )
    asking.server.kill()
    asking.server.up()
    said = asking.ended(name)
    assert said["Status"]["State"] == "SUCCEEDED", said
    assert asking.rows("SELECT count(*) AS n FROM evaluation") == [{"n": "3"}]
