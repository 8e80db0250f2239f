"""Operate in the browser: metrics plotted, an alarm that goes off, logs searched, events, the audit trail, users."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from playwright.sync_api import Locator, expect

from tests.console.browser import Console
from tests.real import RealClary, until

pytestmark = [pytest.mark.slow, pytest.mark.server]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ALARM_MS = 90_000
"""An alarm is looked at once a minute, some seconds after it is over."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """With orders of two stores, an alarm on them, logs of a shop, a rule and a schedule."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home").up()
    _metrics(real)
    _logs(real)
    _events(real)
    yield real
    real.sweep()


def _metrics(real: RealClary) -> None:
    cloudwatch = real.client("cloudwatch")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    data = [
        {
            "MetricName": "Orders",
            "Dimensions": [{"Name": "Store", "Value": store}],
            "Timestamp": now - timedelta(minutes=minute),
            "Value": value + minute,
            "Unit": "Count",
        }
        for store, value in (("berlin", 20.25), ("lisbon", 5.5))
        for minute in range(30)
    ]
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
    real.client("sns").create_topic(Name="on-call")


def _logs(real: RealClary) -> None:
    logs = real.client("logs")
    logs.create_log_group(logGroupName="/shop/web")
    for stream in ("berlin", "berlin-2"):
        logs.create_log_stream(logGroupName="/shop/web", logStreamName=stream)
        _say(real, stream, *(f"GET /cart/{n} 200" for n in range(20)), f'{{"level": "ERROR", "from": "{stream}"}}')


def _say(real: RealClary, stream: str, *lines: str) -> None:
    now = int(time.time() * 1000)
    real.client("logs").put_log_events(
        logGroupName="/shop/web",
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )


def _events(real: RealClary) -> None:
    events, sqs, iam = real.client("events"), real.client("sqs"), real.client("iam")
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name="shop")
    pattern = {"source": ["shop.orders"], "detail": {"amount": [{"numeric": [">", 100]}]}}
    events.put_rule(Name="big-orders", EventBusName="shop", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="big-orders", EventBusName="shop", Targets=[{"Id": "queue", "Arn": arn}])
    role = iam.create_role(RoleName="starter", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    real.client("scheduler").create_schedule(
        Name="nightly",
        ScheduleExpression="cron(0 3 * * ? *)",
        ScheduleExpressionTimezone="UTC",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": role, "Input": '{"night": true}'},
    )


def _row(tab: Console, table: str, text: str) -> Locator:
    return tab.page.get_by_role("table", name=table).get_by_role("row").filter(has_text=text)


def _button(tab: Console, name: str) -> Locator:
    return tab.page.get_by_role("button", name=name, exact=True)


def _pick(tab: Console, label: str, option: str) -> None:
    """Chooses an option of one of Cloudscape's selects."""
    tab.page.get_by_label(label, exact=True).first.click()
    tab.page.get_by_role("option", name=option).first.click()


def test_metrics_are_picked_plotted_and_read_as_a_table(tab: Console) -> None:
    tab.go("/operate/metrics?namespace=Shop")
    expect(tab.page.get_by_text("Nothing is plotted")).to_be_visible()
    for store in ("berlin", "lisbon"):
        tab.page.get_by_role("checkbox", name=f"Choose Orders Store = {store}").check()
    _button(tab, "Plot 2 metrics").click()
    tab.page.get_by_label("Math expression").fill("m1 + m2")
    _button(tab, "Add math").click()
    expect(_row(tab, "Plotted", "berlin")).to_contain_text("20.25")
    expect(_row(tab, "Plotted", "m1 + m2")).to_contain_text("25.75")
    expect(tab.page.get_by_role("application", name="Metrics over time").first).to_be_visible()
    expect(tab.page.get_by_text("Count", exact=True).first).to_be_visible()
    tab.well("operate-metrics")

    tab.page.get_by_role("button", name="Table", exact=True).click()
    newest = tab.page.get_by_role("table", name="Values").get_by_role("row").nth(1)
    expect(newest).to_contain_text(re.compile(r"20\.25\s*5\.5\s*25\.75"))
    # The address holds the whole graph.
    link = tab.page.url
    tab.page.goto("about:blank")
    tab.page.goto(link)
    expect(newest).to_contain_text(re.compile(r"20\.25\s*5\.5\s*25\.75"))
    tab.well("operate-metrics-table")


def test_a_percentile_and_what_is_wrong_with_math(tab: Console) -> None:
    m = json.dumps(["m1", "Shop", "Orders", {"Store": "berlin"}, "p50"])
    tab.go(f"/operate/metrics?{urlencode({'m': m, 'range': '1h', 'period': '3600'})}")
    expect(_row(tab, "Plotted", "berlin")).to_contain_text(re.compile(r"\d\d\.25"))
    tab.page.get_by_label("Math expression").fill("m1 / m9")
    tab.page.get_by_label("Math expression").press("Enter")
    expect(tab.page.get_by_text("Undefined variable 'm9'").first).to_be_visible()
    _button(tab, "Take e1 off the graph").click()
    expect(tab.page.get_by_text("Undefined variable 'm9'")).to_have_count(0)


def test_an_alarm_is_made_of_a_metric_and_goes_off(tab: Console, server: RealClary) -> None:
    m = json.dumps(["m1", "Shop", "Orders", {"Store": "berlin"}, "Average"])
    tab.go(f"/operate/metrics?{urlencode({'m': m})}")
    tab.page.get_by_role("link", name="Make an alarm of m1").click()
    expect(tab.page.get_by_role("heading", name="Create alarm")).to_be_visible()
    _button(tab, "Create alarm").click()
    expect(tab.page.get_by_text("Give it a name.")).to_be_visible()
    tab.page.get_by_role("textbox", name="Threshold").fill("10")
    tab.page.get_by_label("Name", exact=True).fill("many-orders")
    _pick(tab, "When it goes to alarm", "on-call")
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_text("Threshold 10").first).to_be_visible()
    tab.well("operate-alarm-form")
    _button(tab, "Create alarm").click()
    expect(tab.page.get_by_role("heading", name="many-orders")).to_be_visible()
    said = server.client("cloudwatch").describe_alarms(AlarmNames=["many-orders"])["MetricAlarms"][0]
    assert (said["MetricName"], said["Threshold"], said["Statistic"]) == ("Orders", 10.0, "Average")
    assert said["AlarmActions"][0].endswith(":on-call")

    # It is looked at at once, goes off, and tells the topic.
    history = tab.page.get_by_role("table", name="History")
    expect(history).to_contain_text("to ALARM", timeout=ALARM_MS)
    expect(history).to_contain_text("Successfully executed action")
    expect(tab.page.get_by_text("Threshold Crossed").first).to_be_visible()
    tab.well("operate-alarm")

    _button(tab, "Actions").click()
    tab.page.get_by_role("menuitem", name="Switch its actions off").click()
    expect(tab.page.get_by_text("does nothing any more").first).to_be_visible()
    tab.go("/operate/alarms?state=ALARM")
    expect(_row(tab, "Alarms", "many-orders")).to_contain_text("1 action, off")
    tab.well("operate-alarms")


def test_an_alarm_goes_off_while_one_looks_at_it(tab: Console, server: RealClary) -> None:
    cloudwatch = server.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="queue-long",
        Namespace="Shop",
        MetricName="Waiting",
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=50,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    tab.go("/operate/alarms/queue-long")
    expect(tab.page.get_by_text("OK", exact=True).first).to_be_visible(timeout=ALARM_MS)
    data = {"MetricName": "Waiting", "Value": 99, "StorageResolution": 1}
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[data])
    expect(tab.page.get_by_text("Alarm", exact=True).first).to_be_visible(timeout=ALARM_MS)
    expect(tab.page.get_by_role("table", name="History")).to_contain_text("from OK to ALARM")


def test_an_alarm_is_changed_asked_and_deleted(tab: Console, server: RealClary) -> None:
    cloudwatch = server.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="part/one",
        Namespace="Shop",
        MetricName="Refunds",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    cloudwatch.put_composite_alarm(AlarmName="whole", AlarmRule='ALARM("part/one")')
    tab.go("/operate/alarms/whole")
    _row(tab, "Asks", "part/one").get_by_role("link").click()
    _button(tab, "Actions").click()
    tab.page.get_by_role("menuitem", name="Delete").click()
    expect(tab.page.get_by_text("whole asks it, so it cannot be deleted")).to_be_visible()
    tab.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    tab.page.get_by_role("link", name="Edit").click()
    tab.page.get_by_role("textbox", name="Threshold").fill("7.5")
    _button(tab, "Save").click()
    expect(tab.page.get_by_text("Sum of Refunds > 7.5, for 1 min")).to_be_visible()
    said = cloudwatch.describe_alarms(AlarmNames=["part/one"])["MetricAlarms"][0]
    assert (said["Threshold"], said["TreatMissingData"]) == (7.5, "notBreaching")

    cloudwatch.delete_alarms(AlarmNames=["whole"])
    tab.page.reload()
    _button(tab, "Actions").click()
    tab.page.get_by_role("menuitem", name="Delete").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("The alarm part/one is deleted").first).to_be_visible()
    assert cloudwatch.describe_alarms(AlarmNames=["part/one"])["MetricAlarms"] == []


def test_logs_are_searched_read_and_followed(tab: Console, server: RealClary) -> None:
    tab.go("/operate/logs")
    _row(tab, "Log groups", "/shop/web").get_by_role("link", name="/shop/web", exact=True).click()
    expect(_row(tab, "Streams", "berlin-2")).to_be_visible()
    tab.well("operate-log-group")
    tab.page.get_by_role("link", name="Search").last.click()
    tab.page.get_by_label("Pattern", exact=True).fill('{ $.level = "ERROR" }')
    tab.page.get_by_label("Pattern", exact=True).press("Enter")
    lines = tab.page.get_by_role("table", name="Lines")
    expect(lines.get_by_role("row")).to_have_count(3)
    expect(lines).to_contain_text('"from": "berlin-2"')
    tab.page.get_by_text("How patterns are written").click()
    expect(tab.page.get_by_text("Both words, in exactly this case")).to_be_visible()
    tab.well("operate-log-search")

    tab.page.get_by_label("Pattern", exact=True).fill("{ $.level = ")
    tab.page.get_by_label("Pattern", exact=True).press("Enter")
    expect(tab.page.get_by_text("That could not be searched")).to_be_visible()
    tab.complaints.clear()  # the browser names each answer that is not 200

    # A stream's lines are its own, not those of streams whose names begin so.
    tab.go(f"/operate/logs?{urlencode({'group': '/shop/web', 'stream': 'berlin'})}")
    log = tab.page.get_by_role("log")
    expect(log).to_contain_text('"from": "berlin"')
    expect(log).not_to_contain_text("berlin-2")
    _button(tab, "From the start").click()
    expect(log).to_contain_text("GET /cart/0 200")
    tab.well("operate-log-stream")

    tab.go(f"/operate/logs?{urlencode({'view': 'tail', 'g': '/shop/web', 'p': 'paid'})}")
    _button(tab, "Start").click()
    expect(tab.page.get_by_text("Live", exact=True)).to_be_visible()
    _say(server, "berlin", "order 7 is paid", "order 8 is not")
    log = tab.page.get_by_role("log", name="Lines that come in")
    expect(log).to_contain_text("order 7 is paid")
    expect(log).not_to_contain_text("order 8")
    _button(tab, "Stop").click()
    tab.well("operate-log-tail")


def test_how_long_a_group_keeps_its_lines_and_its_end(tab: Console, server: RealClary) -> None:
    logs = server.client("logs")
    logs.create_log_group(logGroupName="/shop/old")
    tab.go(f"/operate/logs?{urlencode({'group': '/shop/old'})}")
    _button(tab, "Set retention").click()
    _pick(tab, "Kept", "30 days")
    tab.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(tab.page.get_by_text("keeps its lines: 30 days").first).to_be_visible()
    assert logs.describe_log_groups(logGroupNamePrefix="/shop/old")["logGroups"][0]["retentionInDays"] == 30
    _button(tab, "Delete").click()
    tab.page.get_by_label("Type /shop/old to go on").fill("/shop/old")
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("The log group /shop/old is deleted").first).to_be_visible()
    assert logs.describe_log_groups(logGroupNamePrefix="/shop/old")["logGroups"] == []


def test_a_rule_is_read_tried_switched_and_deleted(tab: Console, server: RealClary) -> None:
    events = server.client("events")
    detail = {"Source": "shop.orders", "DetailType": "Order", "Detail": '{"amount": 150}', "EventBusName": "shop"}
    events.put_events(Entries=[detail])
    tab.go("/operate/events")
    expect(_row(tab, "Rules", "big-orders")).to_contain_text("Queue orders")
    tab.well("operate-rules")
    tab.page.get_by_role("link", name="big-orders").click()
    expect(tab.page.get_by_text("shop.orders").first).to_be_visible()
    expect(tab.page.get_by_text("TriggeredRules").first).to_be_visible()
    tab.well("operate-rule")
    _button(tab, "Switch off").click()
    expect(_button(tab, "Switch on")).to_be_visible()
    assert events.describe_rule(Name="big-orders", EventBusName="shop")["State"] == "DISABLED"
    _button(tab, "Switch on").click()
    expect(_button(tab, "Switch off")).to_be_visible()

    tab.page.get_by_role("link", name="Try its pattern").click()
    _button(tab, "Try").click()
    expect(tab.page.get_by_text("The pattern does not match the event.")).to_be_visible()
    _pick(tab, "An event to start from", "An object came")
    tab.page.get_by_label("Pattern", exact=True).fill('{"source": ["aws.s3"]}')
    _button(tab, "Try").click()
    expect(tab.page.get_by_text("The pattern matches the event.")).to_be_visible()
    tab.well("operate-try-pattern")

    events.put_rule(Name="old", EventPattern='{"source": ["x"]}')
    tab.go("/operate/events/rules/default/old")
    _button(tab, "Delete").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("The rule old is deleted").first).to_be_visible()
    assert [one["Name"] for one in events.list_rules()["Rules"]] == []


def test_a_schedule_that_starts_a_pipeline_is_made_in_a_form(tab: Console, server: RealClary) -> None:
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Rounds", "Type": "Integer", "DefaultValue": 3}],
        "Steps": [step],
    }
    server.client("sagemaker").create_pipeline(
        PipelineName="cars",
        PipelineDefinition=json.dumps(definition),
        RoleArn=server.role("pipelines"),
        ClientRequestToken="c" * 32,
    )
    tab.go("/operate/events?view=schedules")
    expect(_row(tab, "Schedules", "nightly")).to_contain_text(re.compile(r"03:00:00 UTC.*in \d+ (h|min)", re.S))
    tab.well("operate-schedules")
    tab.page.get_by_role("link", name="Create schedule").click()
    tab.page.get_by_label("Name", exact=True).fill("weekly-cars")
    _pick(tab, "Pipeline", "cars")
    tab.page.get_by_label("Rounds").fill("8")
    _button(tab, "Make the role clary-schedules").click()
    expect(tab.page.get_by_text("The role clary-schedules is made").first).to_be_visible()
    _pick(tab, "How often", "Every week")
    _pick(tab, "On", "FRI")
    tab.page.get_by_label("At", exact=True).fill("23:30")
    expect(tab.page.get_by_text("cron(30 23 ? * FRI *)")).to_be_visible()
    tab.well("operate-schedule-form")
    _button(tab, "Create schedule").click()
    expect(tab.page.get_by_role("heading", name="weekly-cars")).to_be_visible()
    expect(tab.page.get_by_role("link", name="clary-schedules")).to_be_visible()
    tab.well("operate-schedule")
    made = server.client("scheduler").get_schedule(Name="weekly-cars")
    assert made["ScheduleExpression"] == "cron(30 23 ? * FRI *)"
    parameters = made["Target"]["SageMakerPipelineParameters"]["PipelineParameterList"]
    assert parameters == [{"Name": "Rounds", "Value": "8"}]

    _button(tab, "Switch off").click()
    expect(_button(tab, "Switch on")).to_be_visible()
    assert server.client("scheduler").get_schedule(Name="weekly-cars")["State"] == "DISABLED"
    _button(tab, "Delete").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("The schedule weekly-cars is deleted").first).to_be_visible()


def test_the_audit_trail_has_the_call_that_was_just_made(tab: Console, server: RealClary) -> None:
    server.client("sqs").create_queue(QueueName="audited")
    tab.go("/operate/audit")
    row = _row(tab, "Events", "audited")
    expect(row).to_contain_text(re.compile(r"CreateQueue.*sqs.*root.*127\.0\.0\.1.*Done", re.S))
    tab.well("operate-audit")
    row.get_by_role("link", name="CreateQueue").click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_contain_text('"eventName": "CreateQueue"')
    tab.well("operate-audit-event")
    dialog.get_by_role("button", name="Close").last.click()

    # A refused one says so; the filter is in the address.
    with pytest.raises(server.client("iam").exceptions.NoSuchEntityException):
        server.client("iam").delete_user(UserName="nobody-here")
    tab.go("/operate/audit?by=EventName&value=DeleteUser")
    expect(_row(tab, "Events", "DeleteUser").first).to_contain_text("NoSuchEntity")
    tab.go("/operate/audit?by=ResourceName&value=nothing-of-that-name")
    expect(tab.page.get_by_text("No such event in that time")).to_be_visible()


def test_a_user_is_made_whose_key_works_with_boto3(tab: Console, server: RealClary) -> None:
    server.client("s3").create_bucket(Bucket="lake")
    server.client("iam").create_group(GroupName="analysts")
    tab.go("/operate/users")
    _button(tab, "Create user").first.click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("ada lovelace")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_text("at most 64")).to_be_visible()
    dialog.get_by_label("User name").fill("ada")
    dialog.get_by_role("button", name="Create").click()
    expect(tab.page.get_by_role("heading", name="ada")).to_be_visible()

    _button(tab, "Create access key").first.click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_text("never again")).to_be_visible()
    key = _copied(dialog, "Copy the id")
    secret = _copied(dialog, "Copy the secret")
    dialog.get_by_role("button", name="I have kept it").click()
    expect(_row(tab, "Access keys", key)).to_contain_text("Active")
    expect(tab.page.get_by_text(secret)).to_have_count(0)

    ada: Any = boto3.Session(key, secret, region_name="us-east-1").client("s3", endpoint_url=server.url)
    with pytest.raises(ada.exceptions.ClientError, match="AccessDenied"):
        ada.list_objects_v2(Bucket="lake")
    _button(tab, "Attach policy").click()
    _pick(tab, "Policy", "AmazonS3ReadOnlyAccess")
    tab.page.get_by_role("dialog").get_by_role("button", name="Attach").click()
    expect(_row(tab, "Policies", "AmazonS3ReadOnlyAccess")).to_be_visible()
    assert ada.list_objects_v2(Bucket="lake")["KeyCount"] == 0

    tab.page.get_by_label("Actions", exact=True).fill("s3:GetObject s3:PutObject")
    _button(tab, "Ask").click()
    expect(_row(tab, "What is allowed", "s3:GetObject")).to_contain_text("Allowed")
    expect(_row(tab, "What is allowed", "s3:PutObject")).to_contain_text("Denied: no policy allows it")
    _pick(tab, "Add to a group", "analysts")
    expect(_row(tab, "Groups", "analysts")).to_be_visible()
    tab.well("operate-user")

    tab.page.get_by_role("button", name=f"Deactivate {key}").click()
    expect(_row(tab, "Access keys", key)).to_contain_text("Inactive")
    with pytest.raises(ada.exceptions.ClientError, match="InvalidAccessKeyId"):
        ada.list_objects_v2(Bucket="lake")

    _button(tab, "Delete").first.click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("one access key, one membership of a group and one policy")
    dialog.get_by_label("Type ada to go on").fill("ada")
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("The user ada is deleted").first).to_be_visible()
    assert server.client("iam").list_users()["Users"] == []


def _copied(dialog: Locator, label: str) -> str:
    """The text beside a button that copies it: the button's name says it."""
    name = dialog.get_by_role("button", name=re.compile(f"^{label}: ")).get_attribute("aria-label")
    assert name is not None
    return name.removeprefix(f"{label}: ")


def test_roles_and_policies(tab: Console, server: RealClary) -> None:
    iam = server.client("iam")
    tab.go("/operate/users?view=roles")
    expect(_row(tab, "Roles", "starter")).to_contain_text("scheduler.amazonaws.com")
    _button(tab, "Create a role for SageMaker").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(tab.page.get_by_role("heading", name="sagemaker-jobs")).to_be_visible()
    expect(_row(tab, "Policies", "AmazonSageMakerFullAccess")).to_be_visible()
    until(lambda: len(iam.list_attached_role_policies(RoleName="sagemaker-jobs")["AttachedPolicies"]) == 2)

    _button(tab, "Write inline policy").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("read-lake")
    dialog.get_by_role("button", name="Save").click()
    expect(_row(tab, "Policies", "read-lake")).to_contain_text("Inline")
    assert iam.list_role_policies(RoleName="sagemaker-jobs")["PolicyNames"] == ["read-lake"]
    tab.well("operate-role")

    # What acts as a role is said before it is deleted.
    tab.go("/operate/users/roles/starter")
    _button(tab, "Delete").first.click()
    expect(tab.page.get_by_role("dialog")).to_contain_text("Schedule nightly")
    tab.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    tab.go("/operate/users?view=policies")
    _button(tab, "Create policy").first.click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Policy name").fill("lake-readers")
    dialog.get_by_role("button", name="Create").click()
    expect(tab.page.get_by_role("heading", name="lake-readers")).to_be_visible()
    expect(tab.page.get_by_text("Attached to nobody")).to_be_visible()
    tab.well("operate-policy")
    tab.go("/operate/users?view=policies&scope=AWS")
    expect(tab.page.get_by_role("link", name="AdministratorAccess")).to_be_visible()
    tab.well("operate-policies")


def test_what_is_not_there_is_said(tab: Console) -> None:
    for path, said in (
        ("/operate/alarms/none", "The alarm none is not here"),
        ("/operate/logs?group=/none", "The log group /none is not here"),
        ("/operate/users/users/none", "The user none is not here"),
        ("/operate/events/rules/default/none", "The rule none is not here"),
    ):
        tab.go(path)
        expect(tab.page.get_by_text(said)).to_be_visible()
