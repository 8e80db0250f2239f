"""The schema registry, with boto3: registries, schemas, versions, what is said of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.kernel.store import Where
from clary.services.glue import registry
from tests.catalog_house import House, catalog_house

FIRST = {"type": "record", "name": "Car", "namespace": "x", "fields": [{"name": "make", "type": "string"}]}
GROWN = {**FIRST, "fields": [*FIRST["fields"], {"name": "doors", "type": ["null", "int"], "default": None}]}
BROKEN = {**FIRST, "fields": [*FIRST["fields"], {"name": "doors", "type": "int"}]}
OF = {"SchemaName": "cars", "RegistryName": "mine"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with catalog_house(tmp_path) as made:
        yield made


@pytest.fixture
def glue(house: House) -> Any:
    client = house.client("glue")
    client.create_registry(RegistryName="mine", Description="ours", Tags={"team": "data"})
    return client


def made(glue: Any, compatibility: str = "BACKWARD", definition: Any = FIRST, **more: Any) -> Any:
    given = {"SchemaName": "cars", "DataFormat": "AVRO", "Compatibility": compatibility, **more}
    if definition is not None:
        given["SchemaDefinition"] = json.dumps(definition)
    return glue.create_schema(RegistryId={"RegistryName": "mine"}, **given)


def registered(glue: Any, definition: Any) -> Any:
    return glue.register_schema_version(SchemaId=OF, SchemaDefinition=json.dumps(definition))


def refused(code: str, call: Any, *args: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(*args, **given)
    assert caught.value.response["Error"]["Code"] == code
    message: str = caught.value.response["Error"]["Message"]
    return message


def test_a_registry_is_made_read_changed_and_deleted(glue: Any) -> None:
    one = glue.get_registry(RegistryId={"RegistryName": "mine"})
    assert (one["Description"], one["Status"]) == ("ours", "AVAILABLE")
    assert glue.get_tags(ResourceArn=one["RegistryArn"])["Tags"] == {"team": "data"}
    glue.update_registry(RegistryId={"RegistryArn": one["RegistryArn"]}, Description="yours")
    assert [one["Description"] for one in glue.list_registries()["Registries"]] == ["yours"]
    refused("AlreadyExistsException", glue.create_registry, RegistryName="mine")
    assert glue.delete_registry(RegistryId={"RegistryName": "mine"})["Status"] == "DELETING"
    refused("EntityNotFoundException", glue.get_registry, RegistryId={"RegistryName": "mine"})


def test_a_schema_without_a_registry_stands_in_the_default_one(glue: Any) -> None:
    answer = glue.create_schema(SchemaName="cars", DataFormat="AVRO", Compatibility="NONE")
    assert answer["RegistryName"] == "default-registry"
    assert "LatestSchemaVersion" not in answer
    assert glue.get_schema(SchemaId={"SchemaName": "cars"})["NextSchemaVersion"] == 1
    refused("EntityNotFoundException", glue.get_schema, SchemaId=OF)


def test_versions_are_registered_once_and_found(glue: Any) -> None:
    first = made(glue, Tags={"a": "1"})
    assert (first["LatestSchemaVersion"], first["SchemaVersionStatus"], first["Tags"]) == (1, "AVAILABLE", {"a": "1"})
    again = glue.register_schema_version(SchemaId=OF, SchemaDefinition=json.dumps(FIRST, indent=4))
    assert (again["SchemaVersionId"], again["VersionNumber"]) == (first["SchemaVersionId"], 1)
    grown = registered(glue, GROWN)
    assert (grown["VersionNumber"], grown["Status"]) == (2, "AVAILABLE")
    assert glue.get_schema(SchemaId=OF)["LatestSchemaVersion"] == 2

    by_id = glue.get_schema_version(SchemaVersionId=grown["SchemaVersionId"])
    latest = glue.get_schema_version(SchemaId=OF, SchemaVersionNumber={"LatestVersion": True})
    assert json.loads(by_id["SchemaDefinition"]) == GROWN
    assert by_id["SchemaVersionId"] == latest["SchemaVersionId"] == grown["SchemaVersionId"]
    found = glue.get_schema_by_definition(SchemaId=OF, SchemaDefinition=json.dumps(GROWN, indent=1))
    assert found["SchemaVersionId"] == grown["SchemaVersionId"]
    diff = glue.get_schema_versions_diff(
        SchemaId={"SchemaArn": first["SchemaArn"]},
        FirstSchemaVersionNumber={"VersionNumber": 1},
        SecondSchemaVersionNumber={"LatestVersion": True},
        SchemaDiffType="SYNTAX_DIFF",
    )["Diff"]
    assert '+      "name": "doors",' in diff
    pages = glue.get_paginator("list_schema_versions").paginate(SchemaId=OF, PaginationConfig={"PageSize": 1})
    assert [one["VersionNumber"] for page in pages for one in page["Schemas"]] == [1, 2]
    refused("EntityNotFoundException", glue.get_schema_version, SchemaId=OF, SchemaVersionNumber={"VersionNumber": 9})
    refused("InvalidInputException", glue.get_schema_version, SchemaId=OF)


def test_what_is_not_compatible_fails_and_says_why(glue: Any) -> None:
    made(glue)
    broken = registered(glue, BROKEN)
    assert broken["Status"] == "FAILURE"
    said = glue.query_schema_version_metadata(SchemaVersionId=broken["SchemaVersionId"])["MetadataInfoMap"]
    assert said["clary:incompatible"]["MetadataValue"] == (
        "x.Car.doors: the writer lacks it, and the reader has no default"
    )
    assert glue.get_schema(SchemaId=OF)["LatestSchemaVersion"] == 1
    assert registered(glue, GROWN)["Status"] == "AVAILABLE"


def test_a_rule_is_changed_and_a_disabled_schema_takes_no_more(glue: Any) -> None:
    made(glue, "DISABLED")
    assert "takes no further versions" in refused("InvalidInputException", registered, glue, GROWN)
    refused("InvalidInputException", glue.update_schema, SchemaId=OF, Compatibility="NONE")
    glue.update_schema(SchemaId=OF, Compatibility="NONE", SchemaVersionNumber={"LatestVersion": True})
    assert registered(glue, BROKEN)["Status"] == "AVAILABLE"
    glue.update_schema(SchemaId=OF, Description="all cars")
    shown = glue.get_schema(SchemaId=OF)
    assert (shown["Description"], shown["Compatibility"], shown["SchemaCheckpoint"]) == ("all cars", "NONE", 1)


def test_what_is_no_definition_is_refused_with_the_reason(glue: Any) -> None:
    assert "neither a primitive type nor defined" in refused(
        "InvalidInputException", made, glue, definition={"type": "recordx"}
    )
    made(glue, definition=None)
    assert "needs fields" in refused("InvalidInputException", registered, glue, {"type": "record", "name": "x"})
    check = glue.check_schema_version_validity
    assert check(DataFormat="AVRO", SchemaDefinition=json.dumps(FIRST))["Valid"]
    for format_, text, why in (
        ("AVRO", "{", "no JSON"),
        ("AVRO", '["int", "int"]', "each type once"),
        ("JSON", '{"type": "text"}', "is no type"),
        ("JSON", '{"pattern": "("}', "no regular expression"),
        ("JSON", "[" * 5000, "no JSON"),
        ("JSON", '{"$ref": "#/definitions/x"}', "there is nothing"),
        ("AVRO", '{"type":"array","items":' * 1100 + '"int"' + "}" * 1100, "depth limit"),
        ("PROTOBUF", "message X {", "no closing"),
        ("PROTOBUF", "// nothing", "neither a message"),
    ):
        answer = check(DataFormat=format_, SchemaDefinition=text)
        assert not answer["Valid"], text[:50]
        assert why in answer["Error"], (text[:50], answer)
    proto = 'syntax = "proto3"; /* { */ message Car { string make = 1; }'
    assert check(DataFormat="PROTOBUF", SchemaDefinition=proto)["Valid"]


def test_protobuf_is_kept_and_its_compatibility_is_refused(glue: Any) -> None:
    given = {"SchemaName": "p", "DataFormat": "PROTOBUF", "SchemaDefinition": "message X { int32 a = 1; }"}
    with pytest.raises(ClientError) as caught:
        glue.create_schema(**given, Compatibility="BACKWARD")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    first = glue.create_schema(**given, Compatibility="NONE")
    spaced = glue.register_schema_version(
        SchemaId={"SchemaName": "p"}, SchemaDefinition="// the same\nmessage X {\n  int32 a = 1;\n}"
    )
    assert spaced["SchemaVersionId"] == first["SchemaVersionId"]


def test_versions_are_deleted_by_range_but_for_the_latest(glue: Any) -> None:
    made(glue, "NONE")
    for number in range(2, 7):
        registered(glue, {**FIRST, "doc": str(number)})
    assert glue.delete_schema_versions(SchemaId=OF, Versions="1-3")["SchemaVersionErrors"] == []
    errors = glue.delete_schema_versions(SchemaId=OF, Versions="6-7")["SchemaVersionErrors"]
    assert [(one["VersionNumber"], one["ErrorDetails"]["ErrorCode"]) for one in errors] == [
        (6, "InvalidInputException"),
        (7, "EntityNotFoundException"),
    ]
    assert [one["VersionNumber"] for one in glue.list_schema_versions(SchemaId=OF)["Schemas"]] == [4, 5, 6]
    assert registered(glue, {**FIRST, "doc": "7"})["VersionNumber"] == 7
    refused("InvalidInputException", glue.delete_schema_versions, SchemaId=OF, Versions="1-99")


def test_what_is_said_of_a_version(glue: Any) -> None:
    version = {"SchemaVersionId": made(glue)["SchemaVersionId"]}

    def put(key: str, value: str) -> Any:
        return glue.put_schema_version_metadata(
            **version, MetadataKeyValue={"MetadataKey": key, "MetadataValue": value}
        )

    put("owner", "ann")
    answer = put("owner", "bob")
    assert (answer["SchemaName"], answer["LatestVersion"], answer["VersionNumber"]) == ("cars", True, 1)
    put("stage", "test")
    refused("AlreadyExistsException", put, "stage", "test")
    found = glue.query_schema_version_metadata(**version)["MetadataInfoMap"]
    assert found["owner"]["MetadataValue"] == "bob"
    assert [one["MetadataValue"] for one in found["owner"]["OtherMetadataValueList"]] == ["ann"]
    only = glue.query_schema_version_metadata(**version, MetadataList=[{"MetadataKey": "stage"}])["MetadataInfoMap"]
    assert list(only) == ["stage"]
    first = glue.query_schema_version_metadata(**version, MaxResults=1)
    rest = glue.query_schema_version_metadata(**version, NextToken=first["NextToken"])
    assert [*first["MetadataInfoMap"], *rest["MetadataInfoMap"]] == ["owner", "stage"]
    gone = {"MetadataKeyValue": {"MetadataKey": "owner", "MetadataValue": "bob"}}
    glue.remove_schema_version_metadata(**version, **gone)
    refused("EntityNotFoundException", glue.remove_schema_version_metadata, **version, **gone)
    for number in range(8):
        put("n", str(number))
    refused("ResourceNumberLimitExceededException", put, "n", "8")


def test_a_deleted_registry_takes_all_with_it(house: House, glue: Any) -> None:
    version = made(glue)["SchemaVersionId"]
    assert [one["SchemaName"] for one in glue.list_schemas()["Schemas"]] == ["cars"]
    glue.delete_registry(RegistryId={"RegistryName": "mine"})
    assert glue.list_schemas()["Schemas"] == []
    refused("EntityNotFoundException", glue.get_schema_version, SchemaVersionId=version)
    glue.create_registry(RegistryName="mine")
    assert glue.list_schemas(RegistryId={"RegistryName": "mine"})["Schemas"] == []
    house.settle()
    names = registry.names
    kinds = (names.SCHEMA, names.VERSION, names.REMOVAL)
    assert [house.store.count(kind, Where()) for kind in kinds] == [0, 0, 0]
