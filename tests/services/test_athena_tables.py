"""Athena's tables: their formats and partitions, what makes and fills them, views."""

import gzip
import json
from collections.abc import Iterator

import pyarrow
import pyarrow.parquet
import pytest

from tests.athena_house import Lake, athena_house

pytestmark = pytest.mark.usefixtures("lake")
CSV = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with athena_house(tmp_path_factory.mktemp("athena")) as made:
        for year in (2023, 2024, 2025):
            made.put(f"sales/year={year}/a.csv", f"{year},x\n{year + 1},y\n")
        made.run(
            f"CREATE EXTERNAL TABLE sales (id int, kind string) PARTITIONED BY (year int) {CSV} LOCATION 's3://lake/sales/'"
        )
        made.run("MSCK REPAIR TABLE sales")
        yield made


def parquet(table: dict[str, list[object]]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.table(table), sink)
    return bytes(sink.getvalue())


def test_partitions(lake: Lake) -> None:
    assert lake.rows("SHOW PARTITIONS sales") == [["year=2023"], ["year=2024"], ["year=2025"]]
    assert lake.rows("SELECT year, count(*) FROM sales GROUP BY 1 ORDER BY 1") == [
        ["2023", "2"],
        ["2024", "2"],
        ["2025", "2"],
    ]
    one, every = (lake.run(f"SELECT sum(id) FROM sales {where}") for where in ("WHERE year >= 2025", ""))
    # What no partition of the question holds is not read.
    assert one["Statistics"]["DataScannedInBytes"] < every["Statistics"]["DataScannedInBytes"]
    assert lake.rows('SELECT DISTINCT "$path" FROM sales WHERE year = 2024') == [["s3://lake/sales/year=2024/a.csv"]]
    assert lake.rows('SELECT * FROM "sales$partitions" ORDER BY year DESC LIMIT 1') == [["2025"]]


def test_partitions_are_added_and_dropped(lake: Lake) -> None:
    lake.put("elsewhere/b.csv", "7,z\n")
    lake.run("ALTER TABLE sales ADD IF NOT EXISTS PARTITION (year=1999) LOCATION 's3://lake/elsewhere/'")
    assert lake.rows("SELECT id, year FROM sales WHERE year < 2000") == [["7", "1999"]]
    lake.run("ALTER TABLE sales DROP PARTITION (year=1999)")
    assert lake.rows("SELECT id, year FROM sales WHERE year < 2000") == []
    assert "HIVE_PARTITION_NOT_FOUND" in lake.fails("ALTER TABLE sales DROP PARTITION (year=1999)")


def test_parquet_by_name(lake: Lake) -> None:
    lake.put("pq/a.parquet", parquet({"Id": [1, 2], "extra": ["a", "b"]}))
    lake.put("pq/b.parquet", parquet({"extra": ["c"], "Id": [3], "later": [1.5]}))
    lake.run(
        "CREATE EXTERNAL TABLE pq (id bigint, later double, extra string) STORED AS PARQUET LOCATION 's3://lake/pq/'"
    )
    assert lake.rows("SELECT * FROM pq ORDER BY id") == [["1", None, "a"], ["2", None, "b"], ["3", "1.5", "c"]]


def test_a_file_that_cannot_be_read_is_named(lake: Lake) -> None:
    lake.put("broken/a.parquet", parquet({"id": [1]}))
    lake.put("broken/b.parquet", b"this is no parquet")
    lake.run("CREATE EXTERNAL TABLE broken (id bigint) STORED AS PARQUET LOCATION 's3://lake/broken/'")
    reason = lake.fails("SELECT sum(id) FROM broken")
    assert reason.startswith("HIVE_BAD_DATA")
    assert "s3://lake/broken/b.parquet" in reason
    assert str(lake.house.objects) not in reason


def test_json_and_gzip(lake: Lake) -> None:
    lines = [{"Id": 1, "tags": ["a", "b"], "at": {"x": 1}}, {"Id": 2, "tags": [], "at": None}]
    text = "".join(json.dumps(one) + "\n" for one in lines)
    lake.put("js/a.json.gz", gzip.compress(text.encode()))
    lake.put("js/_SUCCESS", "x")
    lake.run(
        "CREATE EXTERNAL TABLE js (id int, tags array<string>, at struct<x:int>)"
        " ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://lake/js/'"
    )
    assert lake.rows("SELECT id, tags, at, at.x, cardinality(tags) FROM js ORDER BY id") == [
        ["1", "[a, b]", "{x=1}", "1", "2"],
        ["2", "[]", None, None, "0"],
    ]
    assert lake.rows("SELECT id, t FROM js CROSS JOIN UNNEST(tags) AS u(t)") == [["1", "a"], ["1", "b"]]


def test_opencsv(lake: Lake) -> None:
    lake.put("oc/a.csv", 'id,name\n1,"a,b"\n2,"say ""hi"""\n')
    lake.run(
        "CREATE EXTERNAL TABLE oc (id int, name string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
        " WITH SERDEPROPERTIES ('separatorChar'=',', 'quoteChar'='\"', 'escapeChar'='\\\\')"
        " LOCATION 's3://lake/oc/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert lake.rows("SELECT id, name FROM oc ORDER BY id")[0] == ["1", "a,b"]
    lake.put("oc/b.csv", "id,name\nx,y\n")
    reason = lake.fails("SELECT sum(id) FROM oc")
    assert "INVALID_CAST" in reason or "HIVE_BAD_DATA" in reason


def test_create_table_as(lake: Lake) -> None:
    said = lake.run(
        "CREATE TABLE kinds WITH (format='PARQUET', external_location='s3://lake/kinds/', partitioned_by=ARRAY['kind'])"
        " AS SELECT id, year, kind FROM sales"
    )
    name = said["QueryExecutionId"]
    assert (said["StatementType"], said["SubstatementType"]) == ("DDL", "CREATE_TABLE_AS_SELECT")
    assert all(key.startswith(("kinds/kind=x/", "kinds/kind=y/")) and name in key for key in lake.keys("kinds/"))
    assert said["Statistics"]["DataManifestLocation"] == f"s3://lake/out/{name}-manifest.csv"
    table = lake.glue.get_table(DatabaseName="db", Name="kinds")["Table"]
    assert [one["Name"] for one in table["PartitionKeys"]] == ["kind"]
    assert lake.rows("SELECT kind, count(*) FROM kinds GROUP BY kind ORDER BY 1") == [["x", "3"], ["y", "3"]]
    assert "TABLE_ALREADY_EXISTS" in lake.fails("CREATE TABLE kinds AS SELECT 1 a")
    assert "HIVE_PATH_ALREADY_EXISTS" in lake.fails(
        "CREATE TABLE others WITH (external_location='s3://lake/kinds/') AS SELECT 1 a"
    )
    done = lake.run("INSERT INTO kinds SELECT 1, 2, 'new'")
    assert lake.athena.get_query_results(QueryExecutionId=done["QueryExecutionId"])["UpdateCount"] == 1
    assert lake.rows("SELECT * FROM kinds WHERE kind = 'new'") == [["1", "2", "new"]]
    assert ["kind=new"] in lake.rows("SHOW PARTITIONS kinds")


@pytest.mark.parametrize("format_", ["TEXTFILE", "JSON"])
def test_other_formats_are_written(lake: Lake, format_: str) -> None:
    name = f"made_{format_.lower()}"
    columns = "1 AS a, 'x,y' AS b, 1.5e0 AS c, CAST(NULL AS varchar) d"
    lake.run(f"CREATE TABLE {name} WITH (format='{format_}') AS SELECT {columns}")
    assert lake.rows(f"SELECT * FROM {name}") == [["1", "x,y", "1.5", None]]
    lake.run(f"INSERT INTO {name} VALUES (2, 'z', 2.5, 'd')")
    assert lake.rows(f"SELECT a, d FROM {name} ORDER BY a") == [["1", None], ["2", "d"]]
    assert "INSERT INTO" not in lake.rows(f"SHOW CREATE TABLE {name}")[0]


def test_unload(lake: Lake) -> None:
    lake.run("UNLOAD (SELECT id, year FROM sales) TO 's3://lake/unloaded/' WITH (format='JSON', compression='none')")
    text = b"".join(lake.get(f"s3://lake/{key}") for key in lake.keys("unloaded/"))
    assert len(text.splitlines()) == 6
    assert "HIVE_PATH_ALREADY_EXISTS" in lake.fails("UNLOAD (SELECT 1 a) TO 's3://lake/unloaded/' WITH (format='JSON')")
    assert "NOT_SUPPORTED" in lake.fails("UNLOAD (SELECT 1 a) TO 's3://lake/orc/' WITH (format='ORC')")


def test_views(lake: Lake) -> None:
    lake.run("CREATE VIEW latest AS SELECT id, year FROM sales WHERE year = 2025")
    assert lake.rows("SELECT count(*) FROM latest") == [["2"]]
    assert "TABLE_ALREADY_EXISTS" in lake.fails("CREATE VIEW latest AS SELECT 1 a")
    lake.run("CREATE OR REPLACE VIEW latest AS SELECT max(id) AS top FROM sales")
    assert lake.rows("SELECT top FROM latest") == [["2026"]]
    table = lake.glue.get_table(DatabaseName="db", Name="latest")["Table"]
    assert table["ViewOriginalText"].startswith("/* Presto View: ")
    assert table["StorageDescriptor"]["Columns"] == [{"Name": "top", "Type": "int"}]
    assert lake.rows("SHOW VIEWS") == [["latest"]]
    lake.run("DROP VIEW latest")
    assert "TABLE_NOT_FOUND" in lake.fails("SELECT * FROM latest")


def test_databases_and_columns(lake: Lake) -> None:
    lake.run("CREATE DATABASE IF NOT EXISTS other COMMENT 'one more'")
    assert "SCHEMA_ALREADY_EXISTS" in lake.fails("CREATE SCHEMA other")
    assert lake.rows("SHOW DATABASES LIKE 'oth*'") == [["other"]]
    lake.run(f"CREATE EXTERNAL TABLE other.t (a int) {CSV} LOCATION 's3://lake/nothing/'")
    lake.run("ALTER TABLE other.t ADD COLUMNS (b string COMMENT 'two')")
    lake.run("ALTER TABLE other.t SET TBLPROPERTIES ('k'='v')")
    assert [row[0].split() for row in lake.rows("DESCRIBE other.t")] == [["a", "int"], ["b", "string", "two"]]
    assert lake.rows("SELECT * FROM other.t") == []
    columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'other' ORDER BY 1"
    assert lake.rows(columns) == [["a", "integer"], ["b", "varchar"]]
    assert "SCHEMA_NOT_EMPTY" in lake.fails("DROP DATABASE other")
    lake.run("DROP DATABASE other CASCADE")
    assert "SCHEMA_NOT_FOUND" in lake.fails("SHOW TABLES IN other")


def test_projection(lake: Lake) -> None:
    lake.put("proj/2024/01/02/a.csv", "5\n")
    lake.run(
        f"CREATE EXTERNAL TABLE proj (v int) PARTITIONED BY (day string) {CSV} LOCATION 's3://lake/proj/'"
        " TBLPROPERTIES ("
        "'projection.enabled'='true', 'projection.day.type'='date', 'projection.day.format'='yyyy/MM/dd',"
        "'projection.day.range'='2024/01/01,2024/01/05', 'storage.location.template'='s3://lake/proj/${day}/')"
    )
    assert lake.rows("SELECT v, day FROM proj WHERE day = '2024/01/02'") == [["5", "2024/01/02"]]


def test_explain(lake: Lake) -> None:
    assert any(
        "sales" in str(row) or "READ_CSV" in str(row).upper() for row in lake.rows("EXPLAIN SELECT * FROM sales")
    )
