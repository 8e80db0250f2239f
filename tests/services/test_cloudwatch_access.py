"""Who may write and read metrics: policies, through boto3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys
from clary.engines.metrics.store import SqliteMetrics
from clary.kernel.metrics import MetricStore
from clary.services import cloudwatch
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, InProcess

DATA = [{"MetricName": "m", "Value": 1.0}]
BODY = '{"widgets":[]}'


@pytest.fixture
def house(tmp_path: Path) -> Iterator[InProcess]:
    with iam_house(tmp_path, [cloudwatch.service]) as made:
        metrics = SqliteMetrics(tmp_path / "metrics", made.clock, background=False)
        made.ports[MetricStore] = metrics
        yield made
        metrics.close()


def ann(house: InProcess, *statements: dict[str, Any]) -> Any:
    """A client of a user with these permissions."""
    iam = house.client("iam")
    iam.create_user(UserName="ann")
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=text)
    made = iam.create_access_key(UserName="ann")["AccessKey"]
    return house.client("cloudwatch", keys=Keys(made["AccessKeyId"], made["SecretAccessKey"]))


def denied(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    assert caught.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return str(caught.value.response["Error"]["Message"])


def test_who_may_write_is_bounded_by_the_namespace(house: InProcess) -> None:
    mine = {"StringEquals": {"cloudwatch:namespace": "Mine"}}
    client = ann(house, {"Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": mine})
    client.put_metric_data(Namespace="Mine", MetricData=DATA)
    assert "cloudwatch:PutMetricData on resource: *" in denied(
        client.put_metric_data, Namespace="Theirs", MetricData=DATA
    )
    assert "cloudwatch:ListMetrics" in denied(client.list_metrics)


def test_reading_needs_no_right_to_write(house: InProcess) -> None:
    client = ann(house, {"Action": ["cloudwatch:List*", "cloudwatch:Get*"], "Resource": "*"})
    assert client.list_metrics()["Metrics"] == []
    denied(client.put_metric_data, Namespace="N", MetricData=DATA)


def test_dashboards_are_asked_for_by_their_arn(house: InProcess) -> None:
    arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/mine-*"
    client = ann(house, {"Action": "cloudwatch:*Dashboard*", "Resource": arn})
    client.put_dashboard(DashboardName="mine-1", DashboardBody=BODY)
    assert "dashboard/theirs" in denied(client.put_dashboard, DashboardName="theirs", DashboardBody=BODY)
    denied(client.delete_dashboards, DashboardNames=["mine-1", "theirs"])
    client.delete_dashboards(DashboardNames=["mine-1"])


def test_tags_decide_about_dashboards(house: InProcess) -> None:
    red = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    client = ann(house, {"Action": "cloudwatch:GetDashboard", "Resource": "*", "Condition": red})
    root = house.client("cloudwatch")
    root.put_dashboard(DashboardName="a", DashboardBody=BODY, Tags=[{"Key": "team", "Value": "red"}])
    root.put_dashboard(DashboardName="b", DashboardBody=BODY)
    assert client.get_dashboard(DashboardName="a")["DashboardBody"] == BODY
    denied(client.get_dashboard, DashboardName="b")
