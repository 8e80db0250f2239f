"""Athena's work groups, their tags, named queries and the catalog in Athena's words."""

from collections.abc import Iterator
from typing import Any

import pytest

from clary.services.athena.api import EXECUTION
from clary.services.athena.heralds import HERALDS
from tests.athena_house import OUT, Lake, athena_house
from tests.s3_house import refused

ARN = "arn:aws:athena:us-east-1:123456789012:workgroup/"
REFUSED: dict[str, Any] = {
    "AdditionalConfiguration": "{}",
    "CustomerContentEncryptionConfiguration": {"KmsKey": "arn:aws:kms:us-east-1:123456789012:key/k"},
    "EngineConfiguration": {"MaxConcurrentDpus": 4},
    "ExecutionRole": "arn:aws:iam::123456789012:role/spark-sessions",
    "MonitoringConfiguration": {"S3LoggingConfiguration": {"Enabled": True, "LogLocation": "s3://lake/logs/"}},
    "QueryResultsS3AccessGrantsConfiguration": {
        "EnableS3AccessGrants": True,
        "AuthenticationType": "DIRECTORY_IDENTITY",
    },
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with athena_house(tmp_path_factory.mktemp("athena")) as made:
        yield made


@pytest.mark.parametrize("member", REFUSED)
def test_what_a_group_cannot_be_is_refused_by_name(lake: Lake, member: str) -> None:
    given = {member: REFUSED[member]}
    with refused("InvalidRequestException") as said:
        lake.athena.create_work_group(Name="refused", Configuration=given)
    assert said["Error"]["Message"].startswith(member)
    with refused("InvalidRequestException") as said:
        lake.athena.update_work_group(WorkGroup="primary", ConfigurationUpdates=given)
    assert said["Error"]["Message"].startswith(member)


def test_the_identity_center_and_managed_results_are_refused(lake: Lake) -> None:
    with refused("InvalidRequestException") as said:
        center = {"IdentityCenterConfiguration": {"EnableIdentityCenter": True}}
        lake.athena.create_work_group(Name="refused", Configuration=center)
    assert "IdentityCenterConfiguration" in said["Error"]["Message"]
    managed = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    with refused("InvalidRequestException") as said:
        lake.athena.create_work_group(Name="refused", Configuration=managed)
    assert "OutputLocation" in said["Error"]["Message"]


def test_queries_are_not_told_what_is_for_notebooks(lake: Lake) -> None:
    with refused("InvalidRequestException") as said:
        lake.start("SELECT 1", EngineConfiguration={"MaxConcurrentDpus": 4})
    assert "EngineConfiguration" in said["Error"]["Message"]


def test_a_group_is_changed_member_by_member(lake: Lake) -> None:
    result = {
        **OUT,
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
        "ExpectedBucketOwner": "123456789012",
        "AclConfiguration": {"S3AclOption": "BUCKET_OWNER_FULL_CONTROL"},
    }
    lake.athena.create_work_group(
        Name="members", Configuration={"ResultConfiguration": result, "BytesScannedCutoffPerQuery": 10_000_000}
    )

    def told() -> Any:
        return lake.athena.get_work_group(WorkGroup="members")["WorkGroup"]["Configuration"]

    assert told()["ResultConfiguration"] == result
    assert told()["EnforceWorkGroupConfiguration"] is True
    for member in tuple(result):
        lake.athena.update_work_group(
            WorkGroup="members", ConfigurationUpdates={"ResultConfigurationUpdates": {f"Remove{member}": True}}
        )
        del result[member]
        assert told().get("ResultConfiguration", {}) == result
    updates = {
        "ResultConfigurationUpdates": {"OutputLocation": "s3://lake/other/"},
        "RemoveBytesScannedCutoffPerQuery": True,
        "EnforceWorkGroupConfiguration": False,
        "RemoveCustomerContentEncryptionConfiguration": True,
        "ManagedQueryResultsConfigurationUpdates": {"Enabled": False, "RemoveEncryptionConfiguration": True},
    }
    lake.athena.update_work_group(WorkGroup="members", Description="d", State="DISABLED", ConfigurationUpdates=updates)
    assert told()["ResultConfiguration"] == {"OutputLocation": "s3://lake/other/"}
    assert "BytesScannedCutoffPerQuery" not in told() and told()["EnforceWorkGroupConfiguration"] is False
    with refused("InvalidRequestException") as said:
        lake.start("SELECT 1", WorkGroup="members")
    assert "disabled" in said["Error"]["Message"]


def test_results_are_encrypted_no_less_than_the_group_says(lake: Lake) -> None:
    configuration = {
        "EnforceWorkGroupConfiguration": False,
        "EnableMinimumEncryptionConfiguration": True,
        "ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": "SSE_KMS"}},
    }
    lake.athena.create_work_group(Name="sealed", Configuration=configuration)
    less = {**OUT, "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    with refused("InvalidRequestException") as said:
        lake.start("SELECT 1", WorkGroup="sealed", ResultConfiguration=less)
    assert "minimum encryption" in said["Error"]["Message"]
    name = lake.start("SELECT 1", WorkGroup="sealed")
    told = lake.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
    assert told["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_KMS"}
    lake.athena.update_work_group(
        WorkGroup="sealed", ConfigurationUpdates={"EnableMinimumEncryptionConfiguration": False}
    )
    assert lake.start("SELECT 1", WorkGroup="sealed", ResultConfiguration=less)


def test_tags_of_a_group(lake: Lake) -> None:
    athena = lake.athena
    athena.create_work_group(Name="tagged", Tags=[{"Key": "team", "Value": "a"}])
    athena.tag_resource(ResourceARN=f"{ARN}tagged", Tags=[{"Key": "team", "Value": "b"}, {"Key": "cost", "Value": ""}])
    told = athena.list_tags_for_resource(ResourceARN=f"{ARN}tagged")["Tags"]
    assert told == [{"Key": "cost", "Value": ""}, {"Key": "team", "Value": "b"}]
    athena.untag_resource(ResourceARN=f"{ARN}tagged", TagKeys=["cost", "none"])
    assert athena.list_tags_for_resource(ResourceARN=f"{ARN}tagged")["Tags"] == [{"Key": "team", "Value": "b"}]
    with refused("InvalidRequestException"):
        athena.tag_resource(ResourceARN=f"{ARN}tagged", Tags=[{"Key": "aws:x", "Value": ""}])
    for name in ("nobody", "tagged/x"):
        with refused("ResourceNotFoundException"):
            athena.list_tags_for_resource(ResourceARN=f"{ARN}{name}")


def test_named_queries(lake: Lake) -> None:
    athena = lake.athena
    athena.create_work_group(Name="named")
    asked = {"Name": "q", "Database": "db", "QueryString": "SELECT 1", "WorkGroup": "named"}
    token = "t" * 32
    name = athena.create_named_query(**asked, ClientRequestToken=token)["NamedQueryId"]
    assert athena.create_named_query(**asked, ClientRequestToken=token)["NamedQueryId"] == name
    assert athena.get_named_query(NamedQueryId=name)["NamedQuery"] == {**asked, "NamedQueryId": name}
    assert athena.list_named_queries(WorkGroup="named")["NamedQueryIds"] == [name]
    assert athena.list_named_queries().get("NamedQueryIds", []) == []
    athena.update_named_query(NamedQueryId=name, Name="q2", QueryString="SELECT 2", Description="two")
    told = athena.batch_get_named_query(NamedQueryIds=[name, "none"])
    assert told["NamedQueries"] == [
        {**asked, "Name": "q2", "QueryString": "SELECT 2", "Description": "two", "NamedQueryId": name}
    ]
    assert [one["NamedQueryId"] for one in told["UnprocessedNamedQueryIds"]] == ["none"]
    with refused("InvalidRequestException"):
        athena.delete_work_group(WorkGroup="named")
    athena.delete_named_query(NamedQueryId=name)
    with refused("InvalidRequestException"):
        athena.get_named_query(NamedQueryId=name)
    athena.delete_work_group(WorkGroup="named")


def test_the_bus_hears_of_queries(lake: Lake) -> None:
    well, ill = lake.run("SELECT 42")["QueryExecutionId"], lake.start("SELECT 1/0")
    lake.ended(ill)
    events = [one for one in lake.house.store.events(0, 10_000) if one.kind == EXECUTION]
    told = [said for one in events for said in HERALDS[EXECUTION](one)]
    assert {(one["source"], one["detail-type"]) for one in told} == {("aws.athena", "Athena Query State Change")}
    of_well, of_ill = (
        [one["detail"] for one in told if one["detail"]["queryExecutionId"] == name] for name in (well, ill)
    )
    assert [(one.get("previousState"), one["currentState"], one["sequenceNumber"]) for one in of_well] == [
        (None, "QUEUED", "1"),
        ("QUEUED", "RUNNING", "2"),
        ("RUNNING", "SUCCEEDED", "3"),
    ]
    assert of_well[2]["workgroupName"] == "primary" and of_well[2]["statementType"] == "DML"
    assert of_ill[-1]["currentState"] == "FAILED" and "DIVISION_BY_ZERO" in of_ill[-1]["athenaError"]["errorMessage"]


def test_the_catalog_tells_no_more_than_it_is_asked_for(lake: Lake) -> None:
    athena = lake.athena
    table = {"Name": "seen", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {"Columns": [{"Name": "a"}]}}
    lake.glue.create_database(DatabaseInput={"Name": "shown", "Description": "d"})
    lake.glue.create_table(DatabaseName="shown", TableInput=table)
    where = {"CatalogName": "AwsDataCatalog"}
    assert {"Name": "shown", "Description": "d"} in athena.list_databases(**where)["DatabaseList"]
    assert {"Name": "shown"} in athena.list_databases(**where, AttributesToGet=["NAME"])["DatabaseList"]
    where["DatabaseName"] = "shown"

    def listed(*attributes: str) -> Any:
        return athena.list_table_metadata(**where, AttributesToGet=list(attributes))["TableMetadataList"]

    assert athena.list_table_metadata(**where)["TableMetadataList"][0]["Columns"] == [{"Name": "a"}]
    assert listed("NAME") == [{"Name": "seen"}]
    assert listed("NAME", "TABLE_TYPE") == [{"Name": "seen", "TableType": "EXTERNAL_TABLE"}]
    with refused("InvalidRequestException"):
        listed("TABLE_TYPE")


def test_the_manifest_of_what_was_written(lake: Lake) -> None:
    made = lake.run("CREATE TABLE written WITH (format='JSON', external_location='s3://lake/written/') AS SELECT 1 a")
    asked = {"QueryExecutionId": made["QueryExecutionId"], "QueryResultType": "DATA_MANIFEST"}
    [row] = lake.athena.get_query_results(**asked)["ResultSet"]["Rows"]
    uri = row["Data"][0]["VarCharValue"]
    assert uri.startswith("s3://lake/written/") and uri.removeprefix("s3://lake/") in lake.keys("written/")
    asked["QueryExecutionId"] = lake.run("SELECT 1")["QueryExecutionId"]
    with refused("InvalidRequestException") as said:
        lake.athena.get_query_results(**asked)
    assert "manifest" in said["Error"]["Message"]
