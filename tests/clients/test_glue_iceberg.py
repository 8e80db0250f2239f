"""PyIceberg's own Glue catalog client on a real server: it makes, fills, changes and drops tables through our API."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real import RealClary

pyiceberg = pytest.importorskip("pyiceberg", reason="pip install clary[catalog]")
import pyarrow as pa  # noqa: E402
from pyiceberg.catalog.glue import GlueCatalog  # noqa: E402
from pyiceberg.exceptions import (  # noqa: E402
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NamespaceNotEmptyError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.transforms import IdentityTransform  # noqa: E402
from pyiceberg.types import LongType, NestedField, StringType  # noqa: E402

pytestmark = pytest.mark.server

BUCKET = "ice"
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "region", StringType(), required=False),
)
APPENDING = """
import json, sys
import pyarrow as pa
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException
said = json.loads(sys.argv[1])
catalog = GlueCatalog("glue", **said["properties"])
refused = 0
print("ready", flush=True)
sys.stdin.readline()
for number in said["numbers"]:
    while True:
        try:
            table = catalog.load_table(said["table"])
            table.append(pa.table({"id": pa.array([number], pa.int64()), "region": [said["region"]]}))
            break
        except CommitFailedException:
            refused += 1
print(refused)
"""


def properties(server: RealClary) -> dict[str, str]:
    keys = json.loads((server.home / "credentials.json").read_text())
    return {
        "glue.endpoint": server.url,
        "s3.endpoint": server.url,
        "client.region": "us-east-1",
        "client.access-key-id": keys["AccessKeyId"],
        "client.secret-access-key": keys["SecretAccessKey"],
    }


@pytest.fixture(scope="module")
def catalog(server: RealClary) -> GlueCatalog:
    server.client("s3").create_bucket(Bucket=BUCKET)
    return GlueCatalog("glue", **properties(server))


@pytest.fixture
def space(catalog: GlueCatalog, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test alone."""
    name = request.node.name.removeprefix("test_")[:40]
    catalog.create_namespace(name, {"location": f"s3://{BUCKET}/{name}"})
    yield name
    for table in catalog.list_tables(name):
        catalog.drop_table(table)
    catalog.drop_namespace(name)


def rows(*ids: int, region: str = "eu") -> Any:
    return pa.table({"id": pa.array(ids, pa.int64()), "region": [region] * len(ids)})


def ids(table: Any, **scan: Any) -> list[int]:
    return sorted(table.scan(**scan).to_arrow()["id"].to_pylist())


def test_a_table_is_made_filled_changed_and_read_back_in_time(catalog: GlueCatalog, space: str) -> None:
    table = catalog.create_table(f"{space}.t", SCHEMA)
    table.append(rows(1, 2))
    first = table.current_snapshot().snapshot_id
    table.append(rows(3, region="us"))
    with table.update_schema() as change:
        change.add_column("price", LongType())
    table.delete("region = 'us'")

    read = catalog.load_table(f"{space}.t")
    assert ids(read) == [1, 2]
    assert ids(read, snapshot_id=first) == [1, 2]
    assert ids(read, row_filter="id > 1") == [2]
    assert [one.name for one in read.schema().fields] == ["id", "region", "price"]
    shown = catalog.glue.get_table(DatabaseName=space, Name="t")["Table"]
    assert shown["Parameters"]["table_type"] == "ICEBERG"
    assert shown["Parameters"]["metadata_location"] == read.metadata_location
    assert shown["VersionId"] == "4"  # one a commit
    assert [one["Name"] for one in shown["StorageDescriptor"]["Columns"]] == ["id", "region", "price"]


def test_a_partitioned_table_prunes_and_duckdb_reads_it(catalog: GlueCatalog, space: str) -> None:
    duckdb = pytest.importorskip("duckdb", reason="pip install clary[catalog]")
    table = catalog.create_table(f"{space}.t", SCHEMA)
    with table.update_spec() as change:
        change.add_field("region", IdentityTransform())
    table.append(pa.concat_tables([rows(1, 2, region="eu"), rows(3, region="us")]))
    files = list(table.scan(row_filter="region = 'us'").plan_files())
    assert len(files) == 1
    assert "region=us" in files[0].file.file_path
    connection = table.scan().to_duckdb("t", duckdb.connect())
    assert connection.execute("SELECT region, count(*) FROM t GROUP BY 1 ORDER BY 1").fetchall() == [
        ("eu", 2),
        ("us", 1),
    ]


def test_a_commit_on_what_somebody_else_changed_is_refused(catalog: GlueCatalog, space: str) -> None:
    once = {"commit.retry.num-retries": "0"}  # newer clients try again by themselves
    catalog.create_table(f"{space}.t", SCHEMA, properties=once).append(rows(1))
    mine, theirs = catalog.load_table(f"{space}.t"), catalog.load_table(f"{space}.t")
    theirs.append(rows(2))
    with pytest.raises(CommitFailedException):
        mine.delete("id = 1")
    assert ids(catalog.load_table(f"{space}.t")) == [1, 2]


def test_two_processes_that_commit_at_once_lose_nothing(server: RealClary, catalog: GlueCatalog, space: str) -> None:
    catalog.create_table(f"{space}.t", SCHEMA)
    writers = []
    for at in range(2):
        said = {
            "properties": properties(server),
            "table": f"{space}.t",
            "numbers": list(range(at * 100, at * 100 + 5)),
            "region": f"r{at}",
        }
        writers.append(
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", APPENDING, json.dumps(said)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said_of = [writer.communicate(timeout=200)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], said_of
    table = catalog.load_table(f"{space}.t")
    assert ids(table) == [*range(5), *range(100, 105)]
    assert len(table.snapshots()) == 10


def test_tables_are_renamed_registered_and_dropped(server: RealClary, catalog: GlueCatalog, space: str) -> None:
    table = catalog.create_table(f"{space}.old", SCHEMA)
    table.append(rows(1))
    with pytest.raises(TableAlreadyExistsError):
        catalog.create_table(f"{space}.old", SCHEMA)
    renamed = catalog.rename_table(f"{space}.old", f"{space}.new")
    assert ids(renamed) == [1]
    assert catalog.list_tables(space) == [(space, "new")]
    with pytest.raises(NamespaceNotEmptyError):
        catalog.drop_namespace(space)
    with pytest.raises(NoSuchTableError):
        catalog.load_table(f"{space}.old")
    catalog.drop_table(f"{space}.new")
    again = catalog.register_table(f"{space}.again", renamed.metadata_location)
    assert ids(again) == [1]
    catalog.purge_table(f"{space}.again")
    left = server.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{space}/old/data/").get("Contents", [])
    assert not [one["Key"] for one in left if one["Size"]]  # Arrow leaves a mark where a folder was


def test_namespaces_have_properties(catalog: GlueCatalog, space: str) -> None:
    with pytest.raises(NamespaceAlreadyExistsError):
        catalog.create_namespace(space)
    catalog.update_namespace_properties(space, removals=set(), updates={"owner": "ada"})
    kept = {"location": f"s3://{BUCKET}/{space}", "owner": "ada"}
    assert catalog.load_namespace_properties(space) == kept
    assert (space,) in catalog.list_namespaces()


def test_a_table_that_the_catalog_began_is_gone_on_with(catalog: GlueCatalog, space: str) -> None:
    """CreateTable with OpenTableFormatInput writes the first metadata file itself."""
    columns = [
        {"Name": "id", "Type": "bigint", "Comment": "who"},
        {"Name": "region", "Type": "string"},
        {"Name": "deep", "Type": "array<struct<a:int,b:map<string,decimal(9,2)>>>"},
    ]
    catalog.glue.create_table(
        DatabaseName=space,
        TableInput={
            "Name": "plain",
            "StorageDescriptor": {"Columns": columns, "Location": f"s3://{BUCKET}/{space}/plain"},
        },
        OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE", "Version": "2"}},
    )
    table = catalog.load_table(f"{space}.plain")
    assert str(table.schema().find_type("deep.element.b.value")) == "decimal(9, 2)"
    assert table.schema().find_field("id").doc == "who"
    table.append(pa.table({"id": pa.array([7], pa.int64()), "region": ["eu"]}))
    assert ids(catalog.load_table(f"{space}.plain")) == [7]

    catalog.glue.create_table(
        DatabaseName=space,
        Name="told",
        OpenTableFormatInput={
            "IcebergInput": {
                "MetadataOperation": "CREATE",
                "CreateIcebergTableInput": {
                    "Location": f"s3://{BUCKET}/{space}/told",
                    "Schema": {
                        "Fields": [
                            {"Id": 1, "Name": "id", "Type": "long", "Required": False},
                            {"Id": 2, "Name": "region", "Type": "string", "Required": False},
                        ]
                    },
                    "PartitionSpec": {"Fields": [{"SourceId": 2, "Transform": "identity", "Name": "region"}]},
                    "Properties": {"write.format.default": "parquet"},
                },
            }
        },
    )
    told = catalog.load_table(f"{space}.told")
    told.append(rows(1, 2))
    assert ids(told, row_filter="region = 'eu'") == [1, 2]
    assert told.properties == {"write.format.default": "parquet"}
    shown = catalog.glue.get_table(DatabaseName=space, Name="told")["Table"]
    assert [one["Type"] for one in shown["StorageDescriptor"]["Columns"]] == ["bigint", "string"]
