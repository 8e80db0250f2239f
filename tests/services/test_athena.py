"""Athena over the catalog: what a query answers, where its results are, and what its execution tells."""

from collections.abc import Iterator

import pytest

from tests.athena_house import Lake, athena_house
from tests.s3_house import refused

PEOPLE = "id,name,paid\n1,ann,1.5\n2,bob,\n3,\\N,30000000\n"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with athena_house(tmp_path_factory.mktemp("athena")) as made:
        made.put("people/a.csv", PEOPLE)
        made.run(
            "CREATE EXTERNAL TABLE people (id int, name string, paid double) ROW FORMAT DELIMITED"
            " FIELDS TERMINATED BY ',' LOCATION 's3://lake/people/' TBLPROPERTIES ('skip.header.line.count'='1')"
        )
        yield made


def test_a_query_goes_its_way(lake: Lake) -> None:
    name = lake.start("SELECT id, name, paid FROM people ORDER BY id")
    said = lake.ended(name)
    assert said["Status"]["State"] == "SUCCEEDED", said
    assert (said["StatementType"], said["SubstatementType"]) == ("DML", "SELECT")
    assert said["ResultConfiguration"]["OutputLocation"] == f"s3://lake/out/{name}.csv"
    assert said["WorkGroup"] == "primary"
    text = lake.get(said["ResultConfiguration"]["OutputLocation"]).decode()
    assert text == '"id","name","paid"\n"1","ann","1.5"\n"2","bob",\n"3",,"3.0E7"\n'
    assert f"out/{name}.csv.metadata" in lake.keys("out/")
    answer = lake.athena.get_query_results(QueryExecutionId=name)
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]
    assert rows == [["id", "name", "paid"], ["1", "ann", "1.5"], ["2", "bob", None], ["3", None, "3.0E7"]]
    info = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(one["Name"], one["Type"]) for one in info] == [("id", "integer"), ("name", "varchar"), ("paid", "double")]
    spent = said["Statistics"]
    assert spent["DataScannedInBytes"] >= len(PEOPLE)
    assert spent["TotalExecutionTimeInMillis"] >= spent["EngineExecutionTimeInMillis"] > 0
    assert spent["ResultReuseInformation"] == {"ReusedPreviousResult": False}


def test_pages_of_results(lake: Lake) -> None:
    name = lake.run("SELECT id FROM people ORDER BY id")["QueryExecutionId"]
    pages = lake.athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=name, PaginationConfig={"PageSize": 3}
    )
    found = [[row["Data"][0]["VarCharValue"] for row in page["ResultSet"]["Rows"]] for page in pages]
    assert found == [["id", "1", "2"], ["3"]]


def test_without_a_place_for_results(lake: Lake) -> None:
    with refused("InvalidRequestException") as said:
        lake.athena.start_query_execution(QueryString="SELECT 1")
    assert "No output location provided" in said["Error"]["Message"]
    assert said["AthenaErrorCode"] == "INVALID_INPUT"


def test_a_statement_that_is_none(lake: Lake) -> None:
    with refused("InvalidRequestException") as said:
        lake.start("SELEC 1")
    assert "line 1:7" in said["Error"]["Message"]
    assert said["AthenaErrorCode"] == "MALFORMED_QUERY"


def test_the_same_token_is_the_same_query(lake: Lake) -> None:
    token = "t" * 32
    first = lake.start("SELECT 1", ClientRequestToken=token)
    assert lake.start("SELECT 1", ClientRequestToken=token) == first
    with refused("InvalidRequestException"):
        lake.start("SELECT 2", ClientRequestToken=token)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT * FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nope' does not exist"),
        ("SELECT * FROM no.pe", "SCHEMA_NOT_FOUND: line 1:15: Schema 'no' does not exist"),
        ("SELECT nope FROM people", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("SELECT name,\n  nope\nFROM people", "COLUMN_NOT_FOUND: line 2:3: Column 'nope' cannot be resolved"),
        ("SELECT 1/0", "DIVISION_BY_ZERO"),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT"),
        ("SELECT nofun(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'nofun' not registered"),
    ],
)
def test_queries_that_fail(lake: Lake, sql: str, reason: str) -> None:
    assert reason in lake.fails(sql)


def test_a_query_that_is_stopped(lake: Lake) -> None:
    name = lake.start(
        "SELECT count(*) FROM unnest(sequence(1, 100000)) a(x), unnest(sequence(1, 100000)) b(y) WHERE x*y % 7 = 3"
    )
    lake.house.run(lake.house.controller.tick())
    assert lake.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]["Status"]["State"] == "RUNNING"
    lake.athena.stop_query_execution(QueryExecutionId=name)
    said = lake.ended(name)
    assert said["Status"]["State"] == "CANCELLED"
    lake.house.settle()
    assert lake.rows("SELECT 1") == [["1"]]
    with refused("InvalidRequestException"):
        lake.athena.get_query_results(QueryExecutionId=name)


def test_parameters(lake: Lake) -> None:
    assert lake.rows("SELECT name FROM people WHERE id = ? AND name = ?", ExecutionParameters=["1", "'ann'"]) == [
        ["ann"]
    ]
    with refused("InvalidRequestException") as said:
        lake.start("SELECT ?", ExecutionParameters=["ann"])
    assert "single quotes" in said["Error"]["Message"]
    lake.athena.create_prepared_statement(
        StatementName="by_id", WorkGroup="primary", QueryStatement="SELECT name FROM people WHERE id = ?"
    )
    assert lake.rows("EXECUTE by_id USING 2") == [["bob"]]


def test_results_are_used_again(lake: Lake) -> None:
    reuse = {"ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 5}}}
    sql = "SELECT count(*) AS reused FROM people"
    first = lake.run(sql, **reuse)
    second = lake.run(sql, **reuse)
    assert second["Statistics"]["ResultReuseInformation"] == {"ReusedPreviousResult": True}
    assert second["ResultConfiguration"]["OutputLocation"] == first["ResultConfiguration"]["OutputLocation"]
    assert lake.rows(sql, **reuse) == [["3"]]


def test_output_of_the_work_group(lake: Lake) -> None:
    lake.athena.create_work_group(
        Name="strict",
        Configuration={
            "ResultConfiguration": {"OutputLocation": "s3://lake/strict"},
            "EnforceWorkGroupConfiguration": True,
        },
    )
    said = lake.run("SELECT 1", WorkGroup="strict")
    assert said["ResultConfiguration"]["OutputLocation"].startswith("s3://lake/strict/")
    assert lake.athena.list_query_executions(WorkGroup="strict")["QueryExecutionIds"] == [said["QueryExecutionId"]]


def test_a_query_that_reads_too_much_is_cut(lake: Lake) -> None:
    lake.athena.create_work_group(Name="small", Configuration={"BytesScannedCutoffPerQuery": 10_000_000})
    lake.put("large/a.csv", b"0123456789abcdef\n" * 700_000)
    lake.run("CREATE EXTERNAL TABLE large (a string) LOCATION 's3://lake/large/'")
    said = lake.ended(lake.start("SELECT max(a) FROM large", WorkGroup="small"))
    assert said["Status"]["State"] == "CANCELLED"
    assert said["Status"]["StateChangeReason"] == "Query cancelled! : Bytes scanned limit was exceeded"
    assert lake.rows("SELECT format('%d-%s', 1, 'a')") == [["1-a"]]
