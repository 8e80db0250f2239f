"""Databases and tables of the catalog, with boto3."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.kernel.store import Where
from clary.services.glue.catalog.names import PARTITION, TABLE, VERSION
from tests.catalog_house import House, catalog_house, table
from tests.inprocess import ACCOUNT, REGION


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with catalog_house(tmp_path) as made:
        yield made


@pytest.fixture
def glue(house: House) -> Any:
    client = house.client("glue")
    client.create_database(DatabaseInput={"Name": "Lake", "Description": "all of it"}, Tags={"team": "data"})
    return client


def refused(code: str, call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code
    message: str = caught.value.response["Error"]["Message"]
    return message


def left(house: House, *kinds: str) -> int:
    return sum(house.store.count(kind, Where()) for kind in kinds)


def test_a_database_is_made_read_changed_and_deleted(glue: Any) -> None:
    [one] = glue.get_databases()["DatabaseList"]
    assert one["Name"] == "lake"  # folded to lower case, as Glue does
    assert one["Description"] == "all of it"
    assert one["CatalogId"] == ACCOUNT
    assert glue.get_database(Name="LAKE")["Database"] == one

    glue.update_database(Name="lake", DatabaseInput={"Name": "lake", "Parameters": {"k": "v"}})
    changed = glue.get_database(Name="lake")["Database"]
    assert changed["Parameters"] == {"k": "v"}
    assert "Description" not in changed

    assert "already exists" in refused("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": "lake"})
    glue.delete_database(Name="lake")
    assert "Database lake not found" in refused("EntityNotFoundException", glue.get_database, Name="lake")
    refused("EntityNotFoundException", glue.delete_database, Name="lake")


def test_a_catalog_of_another_account_is_not_here(glue: Any) -> None:
    refused("EntityNotFoundException", glue.get_database, Name="lake", CatalogId="999999999999")
    assert glue.get_database(Name="lake", CatalogId=ACCOUNT)["Database"]["Name"] == "lake"


def test_a_table_is_made_read_changed_and_deleted(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table("Cars", "year:int"))
    one = glue.get_table(DatabaseName="Lake", Name="CARS")["Table"]
    assert (one["Name"], one["DatabaseName"], one["VersionId"]) == ("cars", "lake", "0")
    assert one["StorageDescriptor"] == table("cars")["StorageDescriptor"]
    assert one["PartitionKeys"] == [{"Name": "year", "Type": "int"}]
    refused("AlreadyExistsException", glue.create_table, DatabaseName="lake", TableInput=table("cars"))

    glue.update_table(DatabaseName="lake", TableInput=table("cars", "year:int", Description="better"))
    changed = glue.get_table(DatabaseName="lake", Name="cars")["Table"]
    assert (changed["Description"], changed["VersionId"]) == ("better", "1")
    assert changed["CreateTime"] == one["CreateTime"]

    glue.delete_table(DatabaseName="lake", Name="cars")
    assert "Entity Not Found" in refused("EntityNotFoundException", glue.get_table, DatabaseName="lake", Name="cars")


def test_a_commit_from_an_old_version_is_refused(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table("t"))
    glue.update_table(DatabaseName="lake", TableInput=table("t", Description="one"), VersionId="0", SkipArchive=True)
    message = refused(
        "ConcurrentModificationException",
        glue.update_table,
        DatabaseName="lake",
        TableInput=table("t", Description="two"),
        VersionId="0",
    )
    assert "at version 1, not 0" in message
    assert glue.get_table(DatabaseName="lake", Name="t")["Table"]["Description"] == "one"


def test_versions_are_kept_unless_they_are_not_wanted(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table("t"))
    for number in range(1, 6):
        glue.update_table(DatabaseName="lake", TableInput=table("t", Description=str(number)), SkipArchive=number == 3)
    names = {"DatabaseName": "lake", "TableName": "t"}
    pages = glue.get_paginator("get_table_versions").paginate(**names, PaginationConfig={"PageSize": 2})
    seen = [one for page in pages for one in page["TableVersions"]]
    assert [one["VersionId"] for one in seen] == ["5", "4", "3", "1", "0"]  # 2 was not archived when it was replaced
    assert [one["Table"].get("Description") for one in seen] == ["5", "4", "3", "1", None]
    assert glue.get_table_version(**names)["TableVersion"]["VersionId"] == "5"
    assert glue.get_table_version(**names, VersionId="1")["TableVersion"]["Table"]["Description"] == "1"

    glue.delete_table_version(**names, VersionId="0")
    answer = glue.batch_delete_table_version(**names, VersionIds=["1", "0", "5", "x"])
    assert [(one["VersionId"], one["ErrorDetail"]["ErrorCode"]) for one in answer["Errors"]] == [
        ("0", "EntityNotFoundException"),
        ("5", "InvalidInputException"),
        ("x", "InvalidInputException"),
    ]
    assert [one["VersionId"] for one in glue.get_table_versions(**names)["TableVersions"]] == ["5", "4", "3"]


def test_tables_are_listed_by_pattern_page_by_page(glue: Any) -> None:
    for name in ("sales_2023", "sales_2024", "returns_2024", "people"):
        glue.create_table(DatabaseName="lake", TableInput=table(name))

    def names(**given: Any) -> list[str]:
        pages = glue.get_paginator("get_tables").paginate(
            DatabaseName="lake", PaginationConfig={"PageSize": 2}, **given
        )
        return [one["Name"] for page in pages for one in page["TableList"]]

    assert names() == ["people", "returns_2024", "sales_2023", "sales_2024"]
    assert names(Expression="sales_.*") == ["sales_2023", "sales_2024"]
    assert names(Expression="sales*") == ["sales_2023", "sales_2024"]  # a star of Hive
    assert names(Expression="*2024*") == ["returns_2024", "sales_2024"]
    assert names(Expression="people|returns_[0-9]{4}") == ["people", "returns_2024"]
    assert "not a regular expression" in refused(
        "InvalidInputException", glue.get_tables, DatabaseName="lake", Expression="(("
    )
    refused("InvalidInputException", glue.get_tables, DatabaseName="lake", NextToken="no token")
    [brief] = glue.get_tables(DatabaseName="lake", Expression="people", AttributesToGet=["NAME"])["TableList"]
    assert set(brief) == {"Name", "DatabaseName", "CatalogId"}


def test_a_slow_pattern_is_refused_and_holds_nobody_up(glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table("a" * 60))
    message = refused("InvalidInputException", glue.get_tables, DatabaseName="lake", Expression="(a|a)+(b|c)+(a|a)+d")
    assert "takes too long" in message


def test_tables_are_searched_in_the_whole_catalog(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "other"})
    glue.create_table(DatabaseName="lake", TableInput=table("cars", Description="prices of cars"))
    glue.create_table(DatabaseName="other", TableInput=table("boats", Parameters={"classification": "parquet"}))
    glue.create_table(DatabaseName="other", TableInput=table("lorries"))

    def names(**given: Any) -> list[str]:
        return [one["Name"] for one in glue.search_tables(**given)["TableList"]]

    assert names() == ["boats", "cars", "lorries"]
    assert names(SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == ["lorries", "cars", "boats"]
    assert names(SearchText="price") == ["cars"]
    assert names(SearchText='"price"') == []
    assert names(SearchText='"boats"') == ["boats"]
    assert names(Filters=[{"Key": "DatabaseName", "Value": "other", "Comparator": "EQUALS"}]) == ["boats", "lorries"]
    assert names(Filters=[{"Key": "classification", "Value": "parquet"}]) == ["boats"]
    first = glue.search_tables(MaxResults=2)
    assert [one["Name"] for one in glue.search_tables(MaxResults=2, NextToken=first["NextToken"])["TableList"]] == [
        "lorries"
    ]
    glue.delete_database(Name="other")
    assert names() == ["cars"]  # at once, though the rows are not yet removed


def test_what_is_in_a_deleted_database_is_out_of_reach_at_once_and_then_gone(house: House, glue: Any) -> None:
    for number in range(3):
        glue.create_table(DatabaseName="lake", TableInput=table(f"t{number}", "day:string"))
        parts = [{"Values": [str(day)]} for day in range(100)]
        glue.batch_create_partition(DatabaseName="lake", TableName=f"t{number}", PartitionInputList=parts)
        glue.update_table(DatabaseName="lake", TableInput=table(f"t{number}", "day:string"))
    glue.delete_database(Name="lake")
    glue.create_database(DatabaseInput={"Name": "lake"})
    assert glue.get_tables(DatabaseName="lake")["TableList"] == []
    glue.create_table(DatabaseName="lake", TableInput=table("t0", "day:string"))
    assert glue.get_partitions(DatabaseName="lake", TableName="t0")["Partitions"] == []

    assert left(house, TABLE, PARTITION, VERSION) == 1 + 3 + 300 + 3
    house.settle()
    assert left(house, TABLE, PARTITION, VERSION, "glue-removal") == 1
    assert glue.get_table(DatabaseName="lake", Name="t0")["Table"]["Name"] == "t0"


def test_many_tables_are_deleted_and_those_not_there_are_named(glue: Any) -> None:
    for name in ("a", "b"):
        glue.create_table(DatabaseName="lake", TableInput=table(name))
    [error] = glue.batch_delete_table(DatabaseName="lake", TablesToDelete=["a", "x", "b"])["Errors"]
    assert (error["TableName"], error["ErrorDetail"]["ErrorCode"]) == ("x", "EntityNotFoundException")
    assert glue.get_tables(DatabaseName="lake")["TableList"] == []


def test_tags_are_kept_by_arn_and_seen_by_the_tagging_api(house: House, glue: Any) -> None:
    glue.create_table(DatabaseName="lake", TableInput=table("t"))
    database = f"arn:aws:glue:{REGION}:{ACCOUNT}:database/lake"
    of_table = f"arn:aws:glue:{REGION}:{ACCOUNT}:table/lake/t"
    assert glue.get_tags(ResourceArn=database)["Tags"] == {"team": "data"}
    glue.tag_resource(ResourceArn=of_table, TagsToAdd={"a": "1", "b": "2"})
    glue.untag_resource(ResourceArn=of_table, TagsToRemove=["a"])
    assert glue.get_tags(ResourceArn=of_table)["Tags"] == {"b": "2"}
    found = house.client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["glue"])
    assert {one["ResourceARN"] for one in found["ResourceTagMappingList"]} == {database, of_table}
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=database + "x")
    refused("InvalidInputException", glue.get_tags, ResourceArn=database.replace(REGION, "eu-west-1"))
    refused("InvalidInputException", glue.tag_resource, ResourceArn=database, TagsToAdd={"aws:x": "1"})


@pytest.mark.parametrize(
    "given",
    [
        {"TransactionId": "t"},
        {"TableInput": {"Name": "t", "TargetTable": {"DatabaseName": "x"}}},
        {"TableInput": {"Name": "t", "ViewDefinition": {"IsProtected": True}}},
    ],
)
def test_what_is_not_served_is_refused_by_name(glue: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        glue.create_table(**{"DatabaseName": "lake", "TableInput": {"Name": "t"}, **given})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
