"""awsglue against a real server: the catalog, S3 and Iceberg from a Spark of this process; then jobs of Glue."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.algorithms.etl.conftest import pointed
from tests.glue_house import TRUST
from tests.real import RealClary, until
from tests.spark_needed import spark_needed

pytestmark = [spark_needed, pytest.mark.server, pytest.mark.slow]

OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
COLUMNS = [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string"}, {"Name": "price", "Type": "double"}]
SALES = {"2023": "id,name,price\n1,a,2.5\n2,b,x\n", "2024": 'id,name,price\n3,"c,d",\n'}

SCRIPT = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "step"])
glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init(args["JOB_NAME"], args)
sales = glue.create_dynamic_frame.from_catalog(database="shop", table_name="sales", transformation_ctx="sales")
print("read", sorted(row["id"] for row in sales.toDF().collect()), sales.errorsCount())
if args["step"] == "fail":
    glue.create_dynamic_frame.from_catalog(database="shop", table_name="gone")
rows = sales.toDF().select("id", "name")
rows.write.format("iceberg").mode("append").save("shop.ice")
print("stand", glue.spark_session.sql("select count(*) from glue_catalog.shop.ice").first()[0])
job.commit()
"""


@dataclass
class Lake:
    """A server with a bucket, a database, a partitioned CSV table and an Iceberg table."""

    server: RealClary
    s3: Any
    glue: Any

    def part(self, year: str, name: str, body: str) -> None:
        self.s3.put_object(Bucket="lake", Key=f"sales/year={year}/{name}", Body=body.encode())


@pytest.fixture(scope="module")
def lake(server: RealClary, packages: None) -> Iterator[Lake]:
    from awsglue import objects
    from awsglue.iceberg.tables import catalog

    found = Lake(server, server.client("s3"), server.client("glue"))
    found.s3.create_bucket(Bucket="lake")
    found.glue.create_database(DatabaseInput={"Name": "shop", "LocationUri": "s3://lake/warehouse/"})
    for year, body in SALES.items():
        found.part(year, "a b+c.csv", body)
    storage = {
        "Columns": COLUMNS,
        "Location": "s3://lake/sales/",
        "SerdeInfo": {"SerializationLibrary": OPEN_CSV, "Parameters": {"separatorChar": ","}},
    }
    given = {"Name": "sales", "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "year", "Type": "int"}]}
    given |= {"Parameters": {"classification": "csv", "skip.header.line.count": "1"}, "StorageDescriptor": storage}
    found.glue.create_table(DatabaseName="shop", TableInput=given)
    parts = [
        {"Values": [year], "StorageDescriptor": {**storage, "Location": f"s3://lake/sales/year={year}/"}}
        for year in SALES
    ]
    found.glue.batch_create_partition(DatabaseName="shop", TableName="sales", PartitionInputList=parts)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in server.environment().items():
            if name.startswith("AWS_"):
                patched.setenv(name, value)
        objects.client.cache_clear()
        import pyarrow as pa

        columns = pa.schema([("id", pa.int64()), ("name", pa.string())])
        catalog().create_table(("shop", "ice"), schema=columns)
        yield found
        objects.client.cache_clear()


@pytest.fixture(scope="module")
def context(lake: Lake, spark: Any) -> Any:
    import os

    from awsglue.context import GlueContext

    pointed(spark, dict(os.environ))
    return GlueContext(spark.sparkContext)


def test_a_table_is_read_by_partition_with_choices_where_values_do_not_fit(context: Any, lake: Lake) -> None:
    from awsglue.catalog import MissingTableError

    def sales(**options: Any) -> Any:
        return context.create_dynamic_frame.from_catalog(database="shop", table_name="sales", **options)

    rows = {row["id"]: row.asDict(True) for row in sales().toDF().collect()}
    assert rows[1] == {"id": 1, "name": "a", "price": {"double": 2.5, "string": None}, "year": 2023}
    assert rows[2]["price"] == {"double": None, "string": "x"}
    assert rows[3] == {"id": 3, "name": "c,d", "price": None, "year": 2024}
    assert [row["id"] for row in sales(push_down_predicate="year > 2023").toDF().collect()] == [3]
    chosen = {"catalogPartitionPredicate": "year='2023'"}
    assert sales(additional_options=chosen).count() == 2
    with pytest.raises(MissingTableError, match="EntityNotFoundException: there is no table 'gone'"):
        context.create_dynamic_frame.from_catalog(database="shop", table_name="gone")
    asked = "select year, sum(id) from shop.sales group by year order by year"
    assert [tuple(row) for row in context.spark_session.sql(asked).collect()] == [(2023, 3), (2024, 3)]


def test_a_sink_makes_its_table_and_adds_partitions_and_columns(context: Any, lake: Lake) -> None:
    from awsglue.dynamicframe import DynamicFrame

    def write(text: str) -> None:
        sink = context.getSink(
            connection_type="s3", path="s3://lake/made/", enableUpdateCatalog=True, partitionKeys=["p"]
        )
        sink.setFormat("glueparquet")
        sink.setCatalogInfo(catalogDatabase="shop", catalogTableName="made")
        sink.writeFrame(DynamicFrame.fromDF(context.spark_session.sql(text), context, "made"))

    write("select 1 as a, 'x:y' as p")
    write("select 2 as a, 'z' as p, 3.5D as b")
    table = lake.glue.get_table(DatabaseName="shop", Name="made")["Table"]
    assert [(one["Name"], one["Type"]) for one in table["StorageDescriptor"]["Columns"]] == [
        ("a", "int"),
        ("b", "double"),
    ]
    parts = lake.glue.get_partitions(DatabaseName="shop", TableName="made")["Partitions"]
    places = {one["Values"][0]: one["StorageDescriptor"]["Location"] for one in parts}
    assert places == {"x:y": "s3://lake/made/p=x%3Ay/", "z": "s3://lake/made/p=z/"}
    back = context.create_dynamic_frame.from_catalog(database="shop", table_name="made").toDF().orderBy("a").collect()
    assert [row.asDict() for row in back] == [{"a": 1, "b": None, "p": "x:y"}, {"a": 2, "b": 3.5, "p": "z"}]


def test_iceberg_tables_are_read_written_and_asked_in_sql(context: Any, lake: Lake) -> None:
    import pyarrow as pa
    from awsglue.iceberg.tables import catalog, table

    spark = context.spark_session
    columns = pa.schema([("id", pa.int64()), ("name", pa.string()), ("at", pa.timestamp("us", tz="UTC"))])
    catalog().create_table(("shop", "cold"), schema=columns)

    def save(text: str, mode: str) -> None:
        spark.sql(text).write.format("iceberg").mode(mode).save("shop.cold")

    def stands() -> list[Any]:
        return sorted(row["id"] for row in spark.read.format("iceberg").load("shop.cold").collect())

    save("select 1 as id, 'a' as name", "append")
    spark.sql("insert into glue_catalog.shop.cold values (2, 'b', timestamp'2024-01-01 00:00:00')")
    assert stands() == [1, 2]
    found = spark.sql("select name from glue_catalog.shop.cold where id = 2 and at is not null").collect()
    assert [row[0] for row in found] == ["b"]
    with pytest.raises(Exception, match="schema conflict: the table has no column 'zz'"):
        save("select 1 as id, 2 as zz", "append")
    save("select 9L as id", "overwrite")
    assert stands() == [9]
    first = table("shop.cold").history()[0].snapshot_id
    assert spark.read.format("iceberg").option("snapshot-id", first).load("shop.cold").count() == 1
    through = context.create_dynamic_frame.from_catalog(database="shop", table_name="cold")
    assert [row["id"] for row in through.toDF().collect()] == [9]
    assert table("shop.cold").scan().to_arrow().num_rows == 1


def test_a_job_reads_what_is_new_and_a_failed_run_changes_nothing(lake: Lake) -> None:
    iam, logs = lake.server.client("iam"), lake.server.client("logs")
    iam.create_role(RoleName="etl", AssumeRolePolicyDocument=TRUST)
    for policy in ("AmazonS3FullAccess", "service-role/AWSGlueServiceRole"):
        iam.attach_role_policy(RoleName="etl", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    lake.s3.put_object(Bucket="lake", Key="scripts/shop.py", Body=SCRIPT.encode())
    command = {"Name": "glueetl", "ScriptLocation": "s3://lake/scripts/shop.py"}
    arguments = {"--job-bookmark-option": "job-bookmark-enable"}
    lake.glue.create_job(Name="shop", Role="etl", Command=command, DefaultArguments=arguments)

    def ran(step: str) -> tuple[Any, list[str]]:
        run = lake.glue.start_job_run(JobName="shop", Arguments={"--step": step})["JobRunId"]

        def over() -> Any:
            said = lake.glue.get_job_run(JobName="shop", RunId=run)["JobRun"]
            return said if said["JobRunState"] in ("SUCCEEDED", "FAILED", "STOPPED", "ERROR", "TIMEOUT") else None

        ended = until(over, 120.0, f"the run {run} to end")
        events = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run)["events"]
        return ended, [one["message"] for one in events]

    said, lines = ran("go")
    assert (said["JobRunState"], lines) == ("SUCCEEDED", ["read [1, 2, 3] 0", "stand 3"]), said.get("ErrorMessage")
    lake.part("2024", "new.csv", "id,name,price\n4,e,1\n")
    said, lines = ran("fail")
    assert (said["JobRunState"], lines) == ("FAILED", ["read [4] 0"]), said
    assert "EntityNotFoundException: there is no table 'gone' in the database 'shop'" in said["ErrorMessage"]
    said, lines = ran("go")
    assert (said["JobRunState"], lines) == ("SUCCEEDED", ["read [4] 0", "stand 4"]), said.get("ErrorMessage")
