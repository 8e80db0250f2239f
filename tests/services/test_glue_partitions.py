"""Partitions, their indexes, statistics of columns, and functions, with boto3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.heralds import Heralds
from clary.services.glue.heralds import HERALDS
from tests.catalog_house import House, catalog_house, table

NAMES = {"DatabaseName": "lake", "TableName": "sales"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with catalog_house(tmp_path) as made:
        yield made


@pytest.fixture
def glue(house: House) -> Any:
    client = house.client("glue")
    client.create_database(DatabaseInput={"Name": "lake"})
    client.create_table(DatabaseName="lake", TableInput=table("sales", "year:int", "month:int"))
    return client


def part(year: object, month: object, **more: Any) -> dict[str, Any]:
    storage = {**table("sales")["StorageDescriptor"], "Location": f"s3://lake/sales/year={year}/month={month}/"}
    return {"Values": [str(year), str(month)], "StorageDescriptor": storage, **more}


def fill(glue: Any, years: range, months: range = range(1, 13)) -> None:
    parts = [part(year, month) for year in years for month in months]
    for at in range(0, len(parts), 100):
        assert "Errors" not in glue.batch_create_partition(**NAMES, PartitionInputList=parts[at : at + 100])


def refused(code: str, call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    message: str = caught.value.response["Error"]["Message"]
    return message


def values(glue: Any, **given: Any) -> list[list[str]]:
    pages = glue.get_paginator("get_partitions").paginate(**NAMES, **given)
    return [one["Values"] for page in pages for one in page["Partitions"]]


def test_a_partition_is_made_read_changed_and_deleted(glue: Any) -> None:
    glue.create_partition(**NAMES, PartitionInput=part(2024, 1, Parameters={"rows": "5"}))
    one = glue.get_partition(**NAMES, PartitionValues=["2024", "1"])["Partition"]
    assert (one["Values"], one["DatabaseName"], one["TableName"]) == (["2024", "1"], "lake", "sales")
    assert one["StorageDescriptor"] == part(2024, 1)["StorageDescriptor"]
    assert refused("AlreadyExistsException", glue.create_partition, **NAMES, PartitionInput=part(2024, 1))
    assert "do not match" in refused(
        "InvalidInputException", glue.create_partition, **NAMES, PartitionInput={"Values": ["2024"]}
    )

    glue.create_partition(**NAMES, PartitionInput=part(2024, 2))
    change = glue.update_partition
    change(**NAMES, PartitionValueList=["2024", "1"], PartitionInput=part(2024, 3))
    assert values(glue) == [["2024", "2"], ["2024", "3"]]
    taken = {**NAMES, "PartitionValueList": ["2024", "3"], "PartitionInput": part(2024, 2)}
    refused("AlreadyExistsException", change, **taken)
    glue.delete_partition(**NAMES, PartitionValues=["2024", "3"])
    missing = {**NAMES, "PartitionValues": ["2024", "3"]}
    assert "Cannot find partition" in refused("EntityNotFoundException", glue.get_partition, **missing)
    refused("EntityNotFoundException", glue.delete_partition, **missing)


def test_many_at_once_each_with_its_own_error(glue: Any) -> None:
    parts = [part(2024, 1), part(2024, 2), part(2024, 1), {"Values": ["x"]}]
    errors = glue.batch_create_partition(**NAMES, PartitionInputList=parts)["Errors"]
    assert [(one["PartitionValues"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        (["2024", "1"], "AlreadyExistsException"),
        (["x"], "InvalidInputException"),
    ]
    wanted = [{"Values": ["2024", "2"]}, {"Values": ["2024", "9"]}, {"Values": ["2024", "1"]}]
    answer = glue.batch_get_partition(**NAMES, PartitionsToGet=wanted)
    assert [one["Values"] for one in answer["Partitions"]] == [["2024", "2"], ["2024", "1"]]
    entries = [
        {"PartitionValueList": ["2024", "1"], "PartitionInput": part(2024, 1, Parameters={"k": "v"})},
        {"PartitionValueList": ["2024", "9"], "PartitionInput": part(2024, 9)},
    ]
    [error] = glue.batch_update_partition(**NAMES, Entries=entries)["Errors"]
    assert error["PartitionValueList"] == ["2024", "9"]
    assert glue.get_partition(**NAMES, PartitionValues=["2024", "1"])["Partition"]["Parameters"] == {"k": "v"}
    [error] = glue.batch_delete_partition(**NAMES, PartitionsToDelete=wanted)["Errors"]
    assert error["PartitionValues"] == ["2024", "9"]
    assert values(glue) == []


def test_partitions_are_listed_page_by_page_by_expression_and_segment(glue: Any) -> None:
    fill(glue, range(2000, 2020))
    assert len(values(glue)) == 240
    assert len(values(glue, PaginationConfig={"PageSize": 7})) == 240
    assert values(glue, Expression="year = 2005 AND month IN (1, 2)") == [["2005", "1"], ["2005", "2"]]
    assert len(values(glue, Expression="year >= 2018 or month = 1", PaginationConfig={"PageSize": 5})) == 42
    segments = [values(glue, Segment={"SegmentNumber": at, "TotalSegments": 3}) for at in range(3)]
    assert all(segments)
    assert sorted(one for segment in segments for one in segment) == sorted(values(glue))
    [one] = glue.get_partitions(**NAMES, Expression="year=2005 and month=1", ExcludeColumnSchema=True)["Partitions"]
    assert "Columns" not in one["StorageDescriptor"]
    assert one["StorageDescriptor"]["Location"].endswith("year=2005/month=1/")
    exact = glue.get_partitions(**NAMES, Expression="year = 2005", MaxResults=12)
    assert "NextToken" not in exact  # a full page that is the last


def test_a_bad_list_is_refused(glue: Any) -> None:
    fill(glue, range(2000, 2002))
    get = glue.get_partitions
    assert "day is not a partition key" in refused("InvalidInputException", get, **NAMES, Expression="day = 1")
    token = get(**NAMES, MaxResults=1)["NextToken"]
    refused("InvalidInputException", get, **NAMES, NextToken=token, Expression="year = 2000")
    refused("InvalidInputException", get, **NAMES, NextToken="x")
    refused("InvalidInputException", get, **NAMES, Segment={"SegmentNumber": 3, "TotalSegments": 3})
    refused("EntityNotFoundException", get, DatabaseName="lake", TableName="none")
    glue.create_table(DatabaseName="lake", TableInput=table("flat"))
    assert "no partition keys" in refused(
        "InvalidInputException", glue.create_partition, DatabaseName="lake", TableName="flat", PartitionInput={}
    )


def test_keys_stay_what_partitions_are_called_by(glue: Any) -> None:
    fill(glue, range(2000, 2001))
    message = refused(
        "InvalidInputException", glue.update_table, DatabaseName="lake", TableInput=table("sales", "year:int")
    )
    assert "delete them before" in message
    glue.update_table(DatabaseName="lake", TableInput=table("sales", "year:string", "month:string"))
    assert len(values(glue, Expression="month = '1'")) == 1


def test_partition_indexes(glue: Any) -> None:
    index = {"IndexName": "by-month", "Keys": ["Month"]}
    glue.create_partition_index(**NAMES, PartitionIndex=index)
    [shown] = glue.get_partition_indexes(**NAMES)["PartitionIndexDescriptorList"]
    assert shown == {"IndexName": "by-month", "Keys": [{"Name": "month", "Type": "int"}], "IndexStatus": "ACTIVE"}
    create = glue.create_partition_index
    refused("AlreadyExistsException", create, **NAMES, PartitionIndex=index)
    assert "the table has (year, month)" in refused(
        "InvalidInputException", create, **NAMES, PartitionIndex={"IndexName": "x", "Keys": ["day"]}
    )
    for name, keys in (("a", ["year"]), ("b", ["year", "month"])):
        create(**NAMES, PartitionIndex={"IndexName": name, "Keys": keys})
    more = {"IndexName": "c", "Keys": ["month", "year"]}
    refused("ResourceNumberLimitExceededException", create, **NAMES, PartitionIndex=more)
    glue.delete_partition_index(**NAMES, IndexName="a")
    refused("EntityNotFoundException", glue.delete_partition_index, **NAMES, IndexName="a")
    glue.create_table(
        DatabaseName="lake",
        TableInput=table("t", "day:date"),
        PartitionIndexes=[{"IndexName": "by-day", "Keys": ["day"]}],
    )
    [shown] = glue.get_partition_indexes(DatabaseName="lake", TableName="t")["PartitionIndexDescriptorList"]
    assert shown["IndexName"] == "by-day"


def counted(column: str, **data: Any) -> dict[str, Any]:
    return {"ColumnName": column, "ColumnType": "bigint", "AnalyzedTime": 1_700_000_000, "StatisticsData": data}


def test_statistics_of_columns_are_kept_with_table_and_partition(house: House, glue: Any) -> None:
    whole = {"NumberOfNulls": 0, "NumberOfDistinctValues": 5, "MinimumValue": 1, "MaximumValue": 9}
    exact = {
        "MinimumValue": {"UnscaledValue": b"\x00\xff", "Scale": 2},
        "NumberOfNulls": 1,
        "NumberOfDistinctValues": 2,
    }
    given = [
        counted("a", Type="LONG", LongColumnStatisticsData=whole),
        counted("b", Type="DECIMAL", DecimalColumnStatisticsData=exact),
        counted("none", Type="LONG", LongColumnStatisticsData=whole),
        counted("a", Type="STRING"),
    ]
    errors = glue.update_column_statistics_for_table(**NAMES, ColumnStatisticsList=given)["Errors"]
    assert [one["Error"]["ErrorCode"] for one in errors] == ["EntityNotFoundException", "InvalidInputException"]
    answer = glue.get_column_statistics_for_table(**NAMES, ColumnNames=["a", "b", "c"])
    kept = [one["StatisticsData"] for one in answer["ColumnStatisticsList"]]
    assert kept[0]["LongColumnStatisticsData"] == whole
    assert kept[1]["DecimalColumnStatisticsData"] == exact
    assert [one["ColumnName"] for one in answer["Errors"]] == ["c"]
    glue.delete_column_statistics_for_table(**NAMES, ColumnName="a")
    refused("EntityNotFoundException", glue.delete_column_statistics_for_table, **NAMES, ColumnName="a")

    fill(glue, range(2024, 2025), range(1, 3))
    of = {**NAMES, "PartitionValues": ["2024", "1"]}
    glue.update_column_statistics_for_partition(**of, ColumnStatisticsList=given[:1])
    [one] = glue.get_column_statistics_for_partition(**of, ColumnNames=["a"])["ColumnStatisticsList"]
    assert one["StatisticsData"]["LongColumnStatisticsData"] == whole
    glue.delete_partition(**of)
    glue.delete_table(DatabaseName="lake", Name="sales")
    house.settle()
    assert house.raw_store is not None
    for kind in ("glue-column-statistics", "glue-partition", "glue-removal"):
        assert house.run(_count(house, kind)) == 0


async def _count(house: House, kind: str) -> int:
    from clary.kernel.store import Where

    return house.raw_store.count(kind, Where())


def test_functions_are_kept(house: House, glue: Any) -> None:
    said = {"FunctionName": "Double", "ClassName": "org.x.Double", "OwnerName": "me", "OwnerType": "USER"}
    glue.create_user_defined_function(DatabaseName="lake", FunctionInput=said)
    refused("AlreadyExistsException", glue.create_user_defined_function, DatabaseName="lake", FunctionInput=said)
    found = glue.get_user_defined_function(DatabaseName="lake", FunctionName="double")["UserDefinedFunction"]
    assert (found["FunctionName"], found["ClassName"], found["DatabaseName"]) == ("double", "org.x.Double", "lake")
    name = {"DatabaseName": "lake", "FunctionName": "double"}
    glue.update_user_defined_function(**name, FunctionInput={**said, "ClassName": "org.y.Double"})
    [one] = glue.get_user_defined_functions(Pattern="d*")["UserDefinedFunctions"]
    assert one["ClassName"] == "org.y.Double"
    assert glue.get_user_defined_functions(DatabaseName="lake", Pattern="x.*")["UserDefinedFunctions"] == []
    glue.delete_user_defined_function(**name)
    refused("EntityNotFoundException", glue.get_user_defined_function, **name)


def test_what_happens_is_told_as_aws_tells_it(house: House, glue: Any) -> None:
    glue.create_partition(**NAMES, PartitionInput=part(2024, 1))
    glue.batch_create_partition(**NAMES, PartitionInputList=[part(2024, 2)])
    glue.batch_delete_partition(**NAMES, PartitionsToDelete=[{"Values": ["2024", "1"]}])
    glue.update_table(DatabaseName="lake", TableInput=table("sales", "year:int", "month:int"))
    glue.delete_table(DatabaseName="lake", Name="sales")
    house.settle()
    glue.delete_database(Name="lake")
    heralds = Heralds(HERALDS)
    told = [one for event in house.store.events(0, 1000) for one in heralds.told(event)]
    database, of_table = "Glue Data Catalog Database State Change", "Glue Data Catalog Table State Change"
    assert [(one["detail-type"], one["detail"]["typeOfChange"]) for one in told] == [
        (database, "CreateDatabase"),
        (database, "CreateTable"),
        (of_table, "CreatePartition"),
        (of_table, "BatchCreatePartition"),
        (of_table, "BatchDeletePartition"),
        (of_table, "UpdateTable"),
        (database, "DeleteTable"),
        (database, "DeleteDatabase"),
    ]
    assert told[3]["detail"] == {
        "databaseName": "lake",
        "tableName": "sales",
        "changedPartitions": ["[2024, 2]"],
        "typeOfChange": "BatchCreatePartition",
    }
    assert told[6]["detail"]["changedTables"] == ["sales"]
    assert told[6]["resources"] == [told[1]["resources"][0]]
