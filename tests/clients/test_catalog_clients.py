"""The catalog by the AWS CLI and by boto3 as data tools use it, on a real server that is killed in between."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.catalog_house import table
from tests.real import RealClary

pytestmark = pytest.mark.server

AWS = Path(sys.executable).with_name("aws")


def aws(server: RealClary, *arguments: str) -> Any:
    line = [str(AWS), "glue", *arguments]
    done = subprocess.run(line, env=server.environment(), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_cli_makes_and_reads_a_table(server: RealClary) -> None:
    aws(server, "create-database", "--database-input", "Name=cli,Description=by hand", "--tags", "team=data")
    said = json.dumps(table("sales", "year:int"))
    aws(server, "create-table", "--database-name", "cli", "--table-input", said)
    aws(
        server,
        "create-partition",
        "--database-name",
        "cli",
        "--table-name",
        "sales",
        "--partition-input",
        "Values=2024",
    )
    found = aws(
        server, "get-partitions", "--database-name", "cli", "--table-name", "sales", "--expression", "year > 2020"
    )
    assert [one["Values"] for one in found["Partitions"]] == [["2024"]]
    assert [one["Name"] for one in aws(server, "get-tables", "--database-name", "cli")["TableList"]] == ["sales"]


def test_a_data_tool_keeps_its_table_through_a_kill(server: RealClary) -> None:
    """What tools that write data sets do: look, make or change with the version that was read, add partitions."""
    glue = server.client("glue")
    glue.create_database(DatabaseInput={"Name": "tools"})
    of = {"DatabaseName": "tools", "TableName": "t"}
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_table(DatabaseName="tools", Name="t")
    glue.create_table(DatabaseName="tools", TableInput=table("t", "day:string"))
    parts = [{"Values": [f"2024-{at:03}"]} for at in range(100)]
    assert "Errors" not in glue.batch_create_partition(**of, PartitionInputList=parts)
    now = glue.get_table(DatabaseName="tools", Name="t")["Table"]
    server.kill()
    server.up()
    new = table("t", "day:string", Description="changed")
    glue.update_table(DatabaseName="tools", TableInput=new, VersionId=now["VersionId"])
    pages = glue.get_paginator("get_partitions").paginate(**of, Expression="day LIKE '2024-09%'")
    assert len([one for page in pages for one in page["Partitions"]]) == 10
    assert [one["VersionId"] for one in glue.get_table_versions(**of)["TableVersions"]] == ["1", "0"]

    glue.delete_database(Name="tools")
    server.kill()
    server.up()
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_tables(DatabaseName="tools")
    glue.create_database(DatabaseInput={"Name": "tools"})
    assert glue.get_tables(DatabaseName="tools")["TableList"] == []
