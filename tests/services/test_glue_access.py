"""Who may do what with the catalog: as on AWS, a table asks for the catalog, its database and itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys
from clary.services import glue
from clary.services.glue import access
from tests.catalog_house import House, catalog_house, table
from tests.inprocess import ACCOUNT, REGION


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with catalog_house(tmp_path) as made:
        yield made


def arn(resource: str) -> str:
    return f"arn:aws:glue:{REGION}:{ACCOUNT}:{resource}"


def ann(house: House, *statements: dict[str, Any]) -> Any:
    """A Glue client of a user with these permissions."""
    iam = house.client("iam")
    iam.create_user(UserName="ann")
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return house.client("glue", keys=Keys(made["AccessKeyId"], made["SecretAccessKey"]))


def allow(action: Any, *resources: str, **condition: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
    return {**said, "Condition": condition} if condition else said


def denied(what: str, call: Any, **given: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert what in caught.value.response["Error"]["Message"]


def test_a_table_asks_for_the_catalog_its_database_and_itself(house: House) -> None:
    root = house.client("glue")
    for name in ("lake", "other"):
        root.create_database(DatabaseInput={"Name": name})
        root.create_table(DatabaseName=name, TableInput=table("cars", "year:int"))
    client = ann(
        house,
        allow("glue:Get*", arn("catalog"), arn("database/lake"), arn("table/lake/cars")),
        allow("glue:BatchCreatePartition", arn("catalog"), arn("table/lake/*")),
    )
    assert client.get_table(DatabaseName="LAKE", Name="Cars")["Table"]["Name"] == "cars"
    assert client.get_partitions(DatabaseName="lake", TableName="cars")["Partitions"] == []
    denied(arn("database/other"), client.get_table, DatabaseName="other", Name="cars")
    denied(arn("table/lake/boats"), client.get_table, DatabaseName="lake", Name="boats")
    denied(arn("table/lake/*"), client.get_tables, DatabaseName="lake")
    denied(arn("database/*"), client.get_databases)
    denied("glue:DeleteTable", client.delete_table, DatabaseName="lake", Name="cars")
    denied(
        arn("database/lake"),
        client.batch_create_partition,
        DatabaseName="lake",
        TableName="cars",
        PartitionInputList=[],
    )
    denied("glue:SearchTables", client.search_tables)


def test_a_database_and_all_in_it_is_asked_for_when_it_goes(house: House) -> None:
    house.client("glue").create_database(DatabaseInput={"Name": "lake"})
    client = ann(house, allow("glue:*", arn("catalog"), arn("database/lake"), arn("table/lake/*")))
    denied(arn("userDefinedFunction/lake/*"), client.delete_database, Name="lake")
    two = {"DatabaseName": "lake", "TablesToDelete": ["a", "b"]}
    assert [one["TableName"] for one in client.batch_delete_table(**two)["Errors"]] == ["a", "b"]
    denied(arn("database/other"), client.batch_delete_table, **{**two, "DatabaseName": "other"})


def test_tags_decide(house: House) -> None:
    root = house.client("glue")
    root.create_database(DatabaseInput={"Name": "mine"}, Tags={"team": "a"})
    root.create_database(DatabaseInput={"Name": "theirs"}, Tags={"team": "b"})
    client = ann(
        house,
        allow("glue:GetDatabase", arn("catalog")),
        allow("glue:GetDatabase", arn("database/*"), StringEquals={"aws:ResourceTag/team": "a"}),
        allow("glue:TagResource", arn("database/*"), StringEquals={"aws:RequestTag/team": "a"}),
    )
    assert client.get_database(Name="mine")["Database"]["Name"] == "mine"
    denied(arn("database/theirs"), client.get_database, Name="theirs")
    client.tag_resource(ResourceArn=arn("database/theirs"), TagsToAdd={"team": "a"})
    assert client.get_database(Name="theirs")["Database"]["Name"] == "theirs"
    denied("glue:TagResource", client.tag_resource, ResourceArn=arn("database/mine"), TagsToAdd={"team": "b"})
    denied("glue:GetTags", client.get_tags, ResourceArn=arn("database/mine"))


def test_every_operation_of_the_catalog_says_what_it_asks() -> None:
    modules = ("glue.catalog", "glue.registry", "glue.tags")
    ours = [
        name
        for name, handler in glue.service.handlers.items()
        if any(f".services.{module}" in handler.__module__ for module in modules)
    ]
    assert ours
    assert not [name for name in ours if name not in access.ASKS]


def test_a_job_is_asked_for_by_name_and_its_role_must_be_passed(house: House) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/etl"
    given = {
        "Role": role,
        "Command": {"Name": "pythonshell", "ScriptLocation": "s3://lake/x.py", "PythonVersion": "3.9"},
    }
    passing = {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    client = ann(
        house,
        allow(["glue:CreateJob", "glue:GetJob"], arn("job/mine-*")),
        allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/etl", **passing),
    )
    client.create_job(Name="mine-1", **given)
    assert client.get_job(JobName="mine-1")["Job"]["Role"] == role
    denied(arn("job/yours"), client.create_job, Name="yours", **given)
    denied("iam:PassRole", client.create_job, Name="mine-2", **{**given, "Role": f"arn:aws:iam::{ACCOUNT}:role/admin"})
    denied("glue:StartJobRun", client.start_job_run, JobName="mine-1")
