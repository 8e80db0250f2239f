"""Endpoints in the browser: what serves, how well, what happened; tried, shifted, updated, taken back, deleted."""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.real import RealClary, until
from tests.sagemaker_house import XGBOOST

pytestmark = [pytest.mark.slow, pytest.mark.server]
SETTINGS = {"CLARY_SERVING_METRICS_SECONDS": "1", "CLARY_CAPTURE_SECONDS": "1"}
METRICS_MS = 60_000
"""A point of the time line is shown when its ten seconds are over and were told."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """With an endpoint "shop" of two variants, which captures everything, and an alarm that looks at it."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        real.up()
        _models(real)
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://shop/watch",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }
        _config(real, "shop", {"blue": 9.0, "green": 1.0}, DataCaptureConfig=capture)
        _endpoint(real, "shop", "shop")
        real.client("cloudwatch").put_metric_alarm(
            AlarmName="shop-errors",
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Dimensions=[{"Name": "EndpointName", "Value": "shop"}, {"Name": "VariantName", "Value": "blue"}],
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=1000,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        yield real
        real.sweep()


def _models(real: RealClary) -> None:
    """Models "blue" and "green", which answer about 1 and about 3."""
    s3, sagemaker = real.client("s3"), real.client("sagemaker")
    s3.create_bucket(Bucket="shop")
    role = real.role("shop-serving")
    for name, label in (("blue", 1.0), ("green", 3.0)):
        s3.put_object(Bucket="shop", Key=f"{name}.tar.gz", Body=_model(label))
        container = {"Image": XGBOOST, "ModelDataUrl": f"s3://shop/{name}.tar.gz"}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)


def _model(label: float) -> bytes:
    import numpy
    import xgboost

    rows = numpy.arange(40, dtype="f").reshape(20, 2)
    trained = xgboost.train({"base_score": label}, xgboost.DMatrix(rows, label=numpy.full(20, label)), 1)
    raw = bytes(trained.save_raw("json"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("xgboost-model")
        member.size = len(raw)
        tar.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def _config(real: RealClary, name: str, weights: dict[str, float], **more: Any) -> None:
    variants = [
        {
            "VariantName": model,
            "ModelName": model,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": weight,
        }
        for model, weight in weights.items()
    ]
    real.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)


def _endpoint(real: RealClary, name: str, config: str) -> None:
    sagemaker = real.client("sagemaker")
    tags = [{"Key": "team", "Value": "pricing"}]
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=tags)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})


def _described(real: RealClary, name: str) -> Any:
    return real.client("sagemaker").describe_endpoint(EndpointName=name)


def _serves(real: RealClary, name: str, config: str) -> None:
    def holds() -> bool:
        said = _described(real, name)
        return (said["EndpointConfigName"], said["EndpointStatus"]) == (config, "InService")

    until(holds, 60, f"{name} serves {config}")


def _ask(real: RealClary, times: int, **more: Any) -> None:
    runtime = real.client("sagemaker-runtime")
    for _ in range(times):
        runtime.invoke_endpoint(EndpointName="shop", Body=b"1,2", ContentType="text/csv", **more)


def _section(tab: Console, heading: str) -> Locator:
    """The innermost box with that heading."""
    heading_of_it = tab.page.get_by_role("heading", name=re.compile(f"^{heading}"))
    return tab.page.locator("[class*=awsui_root]").filter(has=heading_of_it).last


def _choose(tab: Console, label: str, option: str) -> None:
    tab.page.get_by_role("button", name=re.compile(label)).click()
    tab.page.get_by_role("option", name=re.compile(option)).first.click()


def test_the_list_says_what_serves_and_how_much(server: RealClary, tab: Console) -> None:
    _ask(server, 5)
    tab.go("/endpoints")
    row = tab.page.get_by_role("row").filter(has_text="shop")
    expect(row.get_by_role("link", name="shop")).to_be_visible()
    expect(row).to_contain_text("In service")
    expect(row).to_contain_text("blue, green")
    expect(row).to_contain_text("2 instances")
    expect(row.get_by_role("img", name=re.compile(r"\d+ requests in the last hour"))).to_be_visible(timeout=METRICS_MS)
    expect(row).to_contain_text(re.compile(r"p50 [\d.]+ ms"))
    tab.well("endpoints-list")
    tab.page.get_by_placeholder("Filter").fill("nothing like it")
    expect(tab.page.get_by_text("Nothing matches the filter")).to_be_visible()
    tab.page.get_by_placeholder("Filter").fill("sho")
    row.get_by_role("link", name="shop").click()
    expect(tab.page.get_by_role("heading", name="shop", level=1)).to_be_visible()


def test_without_any_endpoint_the_list_says_what_to_do(own_server: RealClary, browser: Browser) -> None:
    own_server.up()
    with console(browser, own_server.url) as tab:
        tab.sign_in(link(own_server))
        tab.go("/endpoints")
        expect(tab.page.get_by_text("No endpoint yet")).to_be_visible()
        expect(tab.page.get_by_role("link", name="Start an example")).to_be_visible()
        tab.well("endpoints-empty")


def test_the_overview_draws_traffic_latency_and_what_happened(server: RealClary, tab: Console) -> None:
    _ask(server, 30)
    with pytest.raises(Exception, match="ModelError"):
        server.client("sagemaker-runtime").invoke_endpoint(EndpointName="shop", Body=b"x", ContentType="image/png")
    tab.go("/endpoints/shop")
    variants = tab.page.get_by_role("table", name="Variants")
    expect(variants.get_by_role("row").filter(has_text="blue")).to_contain_text("ml.m5.large")
    expect(variants.get_by_role("link", name="blue")).to_have_attribute("href", "/console/models/single/blue")
    line = tab.page.get_by_role("slider", name="Instant on the time line")
    expect(tab.page.get_by_role("region", name="Requests a minute")).to_contain_text(
        re.compile(r"\d"), timeout=METRICS_MS
    )
    expect(tab.page.get_by_role("region", name="Model latency")).to_contain_text(
        re.compile(r"p99\s*[\d.]+ m?s"), timeout=METRICS_MS
    )
    expect(tab.page.get_by_text("Created with configuration shop")).to_be_visible(timeout=METRICS_MS)
    line.focus()
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuetext", re.compile(r"UTC"))
    expect(tab.page.get_by_text("Latest values")).to_be_hidden()
    line.press("Escape")
    expect(tab.page.get_by_text("Latest values")).to_be_visible()
    tab.well("endpoints-overview")
    tab.page.get_by_role("button", name="1 h", exact=True).click()
    expect(tab.page).to_have_url(re.compile("span=1h"))
    expect(tab.page.get_by_text("Each point is 1 min.")).to_be_visible()
    _choose(tab, "Which variants", "side by side")
    expect(tab.page.get_by_role("region", name="Requests a minute")).to_contain_text("green", timeout=METRICS_MS)
    tab.page.set_viewport_size({"width": 390, "height": 800})
    expect(tab.page.get_by_role("heading", name="Time line")).to_be_visible()
    tab.both_themes("endpoints-overview-phone")
    # The frame's own bar of a phone is Cloudscape's, and not ours to mend.
    assert tab.axe(exclude=("[class*=mobile-toolbar]",)) == []
    assert tab.complaints == []


def test_it_is_tried_from_the_raw_box(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=try")
    tab.page.get_by_label("Body", exact=True).fill("1,2")
    _choose(tab, "^Variant", "green")
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_text("200 OK")).to_be_visible()
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="shop", Body=b"1,2", ContentType="text/csv", TargetVariant="green"
    )
    body = tab.page.locator("pre[aria-label=Answer]")
    expect(body).to_have_text(answer["Body"].read().decode().strip())
    row = tab.page.get_by_role("table", name="Tries").get_by_role("row").filter(has_text="1,2")
    expect(row).to_contain_text("green")
    expect(tab.page.locator("pre[aria-label=boto3]")).to_contain_text('TargetVariant="green"')
    tab.page.get_by_role("tab", name="curl").click()
    expect(tab.page.locator("pre[aria-label=curl]")).to_contain_text("--aws-sigv4 aws:amz:us-east-1:sagemaker")
    tab.well("endpoints-try")


def test_what_the_model_refuses_is_said_in_words(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=try")
    tab.page.get_by_label("Body", exact=True).fill("nonsense")
    tab.page.get_by_label("Content type").fill("image/png")
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_text("The model refused the request")).to_be_visible()
    expect(tab.page.get_by_text("ModelError").first).to_be_visible()
    # The browser itself notes every answer that is no success: that is the one complaint there may be.
    assert all("status of 424" in one for one in tab.complaints), tab.complaints
    tab.complaints.clear()
    row = tab.page.get_by_role("table", name="Tries").get_by_role("row").filter(has_text="nonsense")
    row.get_by_role("button", name="Bring back").click()
    expect(tab.page.get_by_label("Body", exact=True)).to_have_value("nonsense")
    tab.well("endpoints-try-refused")


def _formed(real: RealClary) -> None:
    """An endpoint "formed" of a version of the registry, which says where the document of its page is."""
    sagemaker = real.client("sagemaker")
    numbers = {"width": {"title": "Width", "type": "number", "minimum": 0, "maximum": 40}}
    kinds = {"kind": {"title": "Kind", "oneOf": [{"const": 1, "title": "small"}, {"const": 30, "title": "large"}]}}
    document = {
        "title": "Shop",
        "description": "What it costs",
        "contentType": "text/csv",
        "accept": "text/csv",
        "input": {"type": "object", "properties": numbers | kinds, "required": ["width", "kind"]},
        "output": {"kind": "number", "title": "Price", "unit": "coins"},
        "examples": [{"title": "A large one", "values": {"width": 20, "kind": 30}}],
    }
    real.client("s3").put_object(Bucket="shop", Key="page.json", Body=json.dumps(document))
    sagemaker.create_model_package_group(ModelPackageGroupName="prices")
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://shop/green.tar.gz"}
    package = sagemaker.create_model_package(
        ModelPackageGroupName="prices",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"clary:page": "s3://shop/page.json"},
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    role = real.client("iam").get_role(RoleName="shop-serving")["Role"]["Arn"]
    sagemaker.create_model(ModelName="formed", ExecutionRoleArn=role, PrimaryContainer={"ModelPackageName": package})
    _config(real, "formed", {"formed": 1.0})
    _endpoint(real, "formed", "formed")


def test_a_form_is_made_of_the_document_of_the_version(server: RealClary, tab: Console) -> None:
    _formed(server)
    tab.go("/endpoints/formed?tab=try")
    tab.page.get_by_label("Width").fill("50")
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_text("Pick one.")).to_be_visible()
    tab.page.get_by_role("button", name="A large one").click()
    expect(tab.page.get_by_label("Width")).to_have_value("20")
    expect(tab.page.get_by_text("Pick one.")).to_be_hidden()
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_text(re.compile(r"^[\d.]+ coins$"))).to_be_visible()
    expect(tab.page.get_by_role("table", name="Tries")).to_contain_text("20,30")
    tab.well("endpoints-try-form")
    tab.page.get_by_role("tab", name="Change").click()
    _choose(tab, "^Version", "prices version 1")
    expect(tab.page.get_by_role("button", name="Deploy this version")).to_be_enabled()
    tab.page.get_by_role("tab", name="Overview").click()
    expect(tab.page.get_by_role("link", name="prices version 1")).to_have_attribute("href", "/console/models/prices/1")


def test_an_answer_in_parts_is_shown(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=try")
    tab.page.get_by_label("Body", exact=True).fill("1,2")
    tab.page.get_by_role("button", name="More of the request").click()
    tab.page.get_by_label("Stream the answer").check()
    tab.page.get_by_role("button", name="Send").click()
    expect(tab.page.get_by_text("200 OK")).to_be_visible()
    expect(tab.page.locator("pre[aria-label=Answer]")).to_contain_text(re.compile(r"\d"))
    assert tab.complaints == []


def test_weights_are_shifted(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=change")
    tab.page.get_by_label("Weight of blue as a number").fill("6")
    tab.page.get_by_label("Weight of green as a number").fill("2")
    expect(tab.page.get_by_text("would get 25.0 % of the traffic")).to_be_visible()
    tab.well("endpoints-change")
    tab.page.get_by_role("button", name="Apply").click()
    expect(tab.page.get_by_text("Weights and instances are changing")).to_be_visible()

    def weights() -> bool:
        said = _described(server, "shop")
        asked = {one["VariantName"]: one["DesiredWeight"] for one in said["ProductionVariants"]}
        return asked == {"blue": 6.0, "green": 2.0} and said["EndpointStatus"] == "InService"

    until(weights, 30, "the weights are shifted")
    tab.page.get_by_role("tab", name="Overview").click()
    row = tab.page.get_by_role("table", name="Variants").get_by_role("row").filter(has_text="green")
    expect(row).to_contain_text("25.0 %")
    expect(tab.page.get_by_text("Weights or instances changed").first).to_be_visible(timeout=METRICS_MS)


def test_a_variant_follows_its_load(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=change")
    tab.page.get_by_role("button", name="Scale a variant").click()
    dialog = tab.page.get_by_role("dialog", name="Scale a variant")
    dialog.get_by_label("Most instances").fill("2")
    dialog.get_by_label("Target").fill("5000")
    dialog.get_by_role("button", name="Scale", exact=True).click()
    expect(tab.page.get_by_text("keeps requests a minute and instance at 5,000")).to_be_visible()
    said = server.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
    [target] = said["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == ("endpoint/shop/variant/blue", 1, 2)
    tab.go("/endpoints/shop?tab=alarms")
    expect(tab.page.get_by_role("row").filter(has_text="AlarmHigh")).to_contain_text("Autoscaling")
    tab.go("/endpoints/shop?tab=change")
    tab.page.get_by_role("button", name="Stop scaling blue").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Stop scaling").click()
    expect(tab.page.get_by_text("No variant is scaled")).to_be_visible()
    assert tab.complaints == []


def test_an_update_by_canary_and_the_way_back(server: RealClary, tab: Console) -> None:
    _config(server, "flip-one", {"blue": 1.0})
    _config(server, "flip-two", {"green": 1.0})
    _endpoint(server, "flip", "flip-one")
    tab.go("/endpoints/flip?tab=change")
    expect(tab.page.get_by_text("The audit knows of no other configuration")).to_be_visible()
    _choose(tab, "^Configuration", "flip-two")
    expect(tab.page.get_by_role("table", name="Variants of flip-two")).to_contain_text("green")
    _choose(tab, "How the traffic moves", "Canary")
    tab.page.get_by_label("Watch each part for, in s").fill("2")
    expect(tab.page.get_by_text("20 % of the traffic moves first, watched for 2 s")).to_be_visible()
    tab.page.get_by_role("button", name="Update", exact=True).click()
    expect(tab.page.get_by_text("The update has begun")).to_be_visible()
    tab.page.get_by_role("tab", name="Overview").click()
    expect(tab.page.get_by_text("On its way to flip-two")).to_be_visible()
    _serves(server, "flip", "flip-two")
    tab.page.get_by_role("tab", name="Change").click()
    expect(tab.page.get_by_text(re.compile("Before flip-two it was"))).to_be_visible(timeout=METRICS_MS)
    tab.page.get_by_role("button", name="Roll back").click()
    dialog = tab.page.get_by_role("dialog", name="Go back to flip-one?")
    expect(dialog.get_by_role("table")).to_contain_text("blue")
    dialog.get_by_role("button", name="Roll back").click()
    _serves(server, "flip", "flip-one")
    tab.page.get_by_label("To", exact=True).fill("s3://shop/flips")
    tab.page.get_by_role("button", name="Capture", exact=True).click()
    until(lambda: (_described(server, "flip").get("DataCaptureConfig") or {}).get("EnableCapture"), 60, "capture")
    said = _described(server, "flip")
    assert said["DataCaptureConfig"]["DestinationS3Uri"] == "s3://shop/flips"
    assert said["EndpointConfigName"].startswith("flip-")
    assert tab.complaints == []


def test_captured_data_is_browsed(server: RealClary, tab: Console) -> None:
    _ask(server, 3, InferenceId="order-7", TargetVariant="blue")
    tab.go("/endpoints/shop?tab=captured")
    tab.page.get_by_placeholder("Find in inputs, outputs and ids").fill("order-7")
    lines = tab.page.get_by_role("list", name="Captured requests").get_by_role("listitem")
    expect(lines).to_have_count(3, timeout=METRICS_MS)
    expect(lines.first).to_contain_text("1,2 →")
    lines.first.get_by_role("button").first.click()
    expect(lines.first).to_contain_text("order-7")
    expect(lines.first.get_by_role("link", name="s3://shop/watch/shop/blue/")).to_be_visible()
    tab.well("endpoints-captured")


def test_logs_alarms_and_documents(server: RealClary, tab: Console) -> None:
    tab.go("/endpoints/shop?tab=logs")
    expect(tab.page.get_by_role("log")).to_contain_text(re.compile(r"\w+"))
    expect(tab.page.get_by_role("log")).not_to_contain_text("Reading")
    tab.page.get_by_role("tab", name="Alarms").click()
    row = tab.page.get_by_role("row").filter(has_text="shop-errors")
    expect(row).to_contain_text("Sum of Invocation5XXErrors of blue > 1000 (1 of 1")
    tab.well("endpoints-alarms")
    tab.page.get_by_role("tab", name="Configuration").click()
    expect(tab.page.get_by_text("pricing")).to_be_visible()
    expect(tab.page.locator("pre[aria-label=Endpoint]")).to_contain_text('"EndpointName": "shop"')
    tab.well("endpoints-configuration")


def test_an_endpoint_that_failed_says_why(server: RealClary, tab: Console) -> None:
    sagemaker = server.client("sagemaker")
    server.client("s3").put_object(Bucket="shop", Key="broken.tar.gz", Body=b"no archive")
    role = server.client("iam").get_role(RoleName="shop-serving")["Role"]["Arn"]
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://shop/broken.tar.gz"}
    sagemaker.create_model(ModelName="broken", PrimaryContainer=container, ExecutionRoleArn=role)
    _config(server, "broken", {"broken": 1.0})
    sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName="broken")
    tab.go("/endpoints/broken")
    expect(tab.page.get_by_text("It is not served")).to_be_visible(timeout=METRICS_MS)
    expect(tab.page.get_by_text("it is no archive").first).to_be_visible()
    expect(tab.page.get_by_role("table", name="Variants")).to_contain_text("broken")
    tab.well("endpoints-failed")


def test_an_endpoint_is_deleted_with_what_it_was_made_of(server: RealClary, tab: Console) -> None:
    _config(server, "brief", {"blue": 1.0})
    _endpoint(server, "brief", "brief")
    tab.go("/endpoints/brief")
    tab.page.get_by_role("button", name="Delete").click()
    dialog = tab.page.get_by_role("dialog", name="Delete brief?")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    dialog.get_by_label("Delete its configuration brief too").check()
    dialog.get_by_label("Type brief to go on").fill("brief")
    dialog.get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("brief is being deleted")).to_be_visible()
    sagemaker = server.client("sagemaker")
    until(
        lambda: "brief" not in [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]],
        60,
        "it is gone",
    )
    assert "brief" not in [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]]


def test_a_link_to_an_endpoint_that_is_gone_says_so(tab: Console) -> None:
    tab.go("/endpoints/never-was")
    expect(tab.page.get_by_text("The endpoint never-was is not here")).to_be_visible()
