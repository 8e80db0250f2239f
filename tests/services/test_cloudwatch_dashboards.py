"""Dashboards through boto3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.services import cloudwatch
from tests.inprocess import ACCOUNT, InProcess, serving

BODY = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "# Hello"}}]})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    with serving(tmp_path, [cloudwatch.service]) as made:
        yield made


def refused(call: Any, **params: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return caught.value.response


def test_a_dashboard_is_kept_listed_replaced_and_deleted(house: InProcess) -> None:
    client = house.client("cloudwatch")
    assert client.put_dashboard(DashboardName="one", DashboardBody=BODY)["DashboardValidationMessages"] == []
    client.put_dashboard(DashboardName="two", DashboardBody='{"widgets":[]}')
    found = client.get_dashboard(DashboardName="one")
    assert found["DashboardBody"] == BODY and found["DashboardArn"] == f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/one"
    entries = client.list_dashboards()["DashboardEntries"]
    assert [(one["DashboardName"], one["Size"]) for one in entries] == [("one", len(BODY)), ("two", 14)]
    assert len(client.list_dashboards(DashboardNamePrefix="t")["DashboardEntries"]) == 1
    # Dashboards belong to the account, not to a region.
    other = house.client("cloudwatch", region="eu-west-1")
    other.put_dashboard(DashboardName="one", DashboardBody='{"widgets":[]}')
    assert client.get_dashboard(DashboardName="one")["DashboardBody"] == '{"widgets":[]}'
    assert refused(client.delete_dashboards, DashboardNames=["one", "none"])["Error"]["Code"] == "ResourceNotFound"
    assert len(client.list_dashboards()["DashboardEntries"]) == 2
    client.delete_dashboards(DashboardNames=["one", "two"])
    assert refused(client.get_dashboard, DashboardName="one")["Error"]["Code"] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ("{", "", "must be JSON"),
        ("[]", "", "must be a JSON object"),
        ("{}", "/widgets", "must have an array of widgets"),
        ('{"widgets":[1]}', "/widgets/0", "must be a JSON object"),
        ('{"widgets":[{"type":"text"}]}', "/widgets/0/properties", "must have properties"),
        (json.dumps({"widgets": [{}] * 501}), "/widgets", "at most 500"),
    ],
)
def test_what_is_no_dashboard_is_refused_with_the_place(house: InProcess, body: str, place: str, words: str) -> None:
    response = refused(house.client("cloudwatch").put_dashboard, DashboardName="one", DashboardBody=body)
    assert response["Error"]["Code"] == "InvalidParameterInput"
    message = response["dashboardValidationMessages"][0]
    assert message["DataPath"] == place and words in message["Message"]


def test_bad_names_and_tokens_are_refused(house: InProcess) -> None:
    client = house.client("cloudwatch")
    assert refused(client.put_dashboard, DashboardName="a b", DashboardBody=BODY)["Error"]["Code"] == (
        "InvalidParameterValue"
    )
    assert refused(client.list_dashboards, NextToken="x")["Error"]["Code"] == "InvalidParameterValue"
