"""The examples in the browser: started with one click, followed on the wire, removed with another."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browser import Console
from tests.real import TRUST, RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]
NAME = "car-evaluation"
PATIENCE_MS = 120_000
"""From the click to the registered version, where other tests run beside this one."""


def stop(tab: Console, title: str, state: str = "done") -> Locator:
    """The line of the checklist, once it stands so."""
    line = tab.page.get_by_role("list", name="The road").get_by_role("listitem").filter(has_text=title)
    expect(line).to_have_attribute("data-state", state, timeout=PATIENCE_MS)
    return line


def tagged(server: RealClary) -> list[str]:
    found = server.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "clary:example"}])
    return [one["ResourceARN"] for one in found["ResourceTagMappingList"]]


def deploy(server: RealClary, sagemaker: Any) -> None:
    """As the console's own button and `clary deploy` do: tags name the version that is served."""
    (version,) = sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"]
    package = version["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    (role,) = server.client("iam").list_roles(PathPrefix="/examples/")["Roles"]
    tags = [{"Key": "clary:model-package", "Value": package}]
    sagemaker.create_model(
        ModelName="cars",
        ExecutionRoleArn=role["Arn"],
        PrimaryContainer={"ModelPackageName": package},
        Tags=tags,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "cars",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName="cars", ProductionVariants=[variant], Tags=tags)
    sagemaker.create_endpoint(EndpointName="cars", EndpointConfigName="cars", Tags=tags)


def make_page(iam: Any, sagemaker: Any) -> None:
    """The role that serves the page of the endpoint."""
    arn = sagemaker.describe_endpoint(EndpointName="cars")["EndpointArn"]
    act = {"Effect": "Allow", "Principal": {"Service": "apps.clary"}, "Action": "sts:AssumeRole"}
    invoke = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}
    trust, policy = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (act, invoke))
    tags = [{"Key": "clary:endpoint", "Value": "cars"}, {"Key": "clary:access", "Value": "public"}]
    iam.create_role(RoleName="app-cars", Path="/apps/", AssumeRolePolicyDocument=trust, Tags=tags)
    iam.put_role_policy(RoleName="app-cars", PolicyName="invoke", PolicyDocument=policy)


def test_the_list_says_what_there_is_to_start(tab: Console) -> None:
    tab.go("/examples")
    cards = tab.page.get_by_role("list", name="Examples", exact=True)
    for name in (NAME, "abalone", "churn"):
        expect(cards.get_by_role("button", name=f"Start {name}")).to_be_enabled()
    tab.well("examples-list")
    cards.get_by_role("link", name="How old is this snail?").click()
    expect(tab.page.get_by_role("heading", name="How old is this snail?")).to_be_visible()
    expect(stop(tab, "Data and code uploaded", "later")).to_be_visible()


def test_an_example_that_is_not_there_is_said_to_be_missing(tab: Console) -> None:
    tab.go("/examples/nothing")
    expect(tab.page.get_by_text("An example called nothing is not here")).to_be_visible()


def test_the_cars_from_one_click_to_nothing_left(tab: Console, server: RealClary) -> None:
    page, sagemaker = tab.page, server.client("sagemaker")
    tab.go(f"/examples/{NAME}")
    page.get_by_role("button", name=f"Start {NAME}").click()
    expect(stop(tab, "Data and code uploaded")).to_contain_text(re.compile(r"\d files, .* KB"))
    expect(stop(tab, "Pipeline created").get_by_role("link", name=NAME)).to_be_visible()
    # Another tab, or this one after a reload, sees the same: it stands on the wire.
    page.reload()
    run = stop(tab, "Pipeline run").get_by_role("link")
    expect(run).to_have_attribute("href", re.compile(rf"/console/pipelines/{NAME}/executions/\w+"))
    expect(stop(tab, "Model registered").get_by_role("link", name=f"{NAME}, version 1")).to_be_visible()
    expect(stop(tab, "Approved by you", "you")).to_contain_text("Your turn")
    expect(page.get_by_role("button", name=f"Start {NAME}")).to_have_count(0)
    tab.well("examples-registered")

    deploy(server, sagemaker)
    stop(tab, "Approved by you")
    expect(stop(tab, "Deployed").get_by_role("link", name="cars")).to_have_attribute("href", "/console/endpoints/cars")
    stop(tab, "Its page made", "you")
    make_page(server.client("iam"), sagemaker)
    expect(stop(tab, "Its page made").get_by_role("link")).to_have_attribute("href", "/apps/cars")
    runtime = server.client("sagemaker-runtime")
    for _ in range(3):
        said = runtime.invoke_endpoint(EndpointName="cars", ContentType="text/csv", Body="3,3,2,2,2,2")
        assert len(said["Body"].read().decode().split(",")) == 4
    expect(stop(tab, "Traffic seen")).to_contain_text(re.compile(r"\d requests?"))
    expect(page.get_by_role("heading", name="The road (8 of 8 done)")).to_be_visible()
    tab.well("examples-done")

    page.get_by_role("button", name="Clean up").click()
    asked = page.get_by_role("dialog", name=f"Clean up {NAME}")
    listed = asked.get_by_role("list", name="What is deleted").get_by_role("listitem")
    expect(listed.filter(has_text="Endpoint: cars")).to_be_visible()
    expect(listed.filter(has_text="Page: /apps/cars")).to_be_visible()
    expect(listed.filter(has_text="with all of its objects")).to_have_count(1)
    assert tab.axe() == []
    tab.shot("examples-clean-up")
    asked.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Everything that it made is gone")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("list", name="What is cleaned up").locator("li[data-state=gone]").first).to_be_visible()
    expect(page.get_by_role("button", name=f"Start {NAME}")).to_be_enabled()
    tab.well("examples-cleaned")

    assert tagged(server) == []
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    for path in ("/examples/", "/apps/"):
        assert server.client("iam").list_roles(PathPrefix=path)["Roles"] == []
    assert not [one for one in server.client("s3").list_buckets()["Buckets"] if NAME in one["Name"]]


def test_what_is_somebody_elses_is_left_alone_and_a_second_start_works(tab: Console, server: RealClary) -> None:
    """Also after a clean-up: nothing of the first run is taken from the cache that is no longer there."""
    iam = server.client("iam")
    iam.create_role(RoleName="churn", AssumeRolePolicyDocument=TRUST)
    tab.go("/examples")
    tab.page.get_by_role("button", name="Start churn").click()
    expect(stop(tab, "Pipeline created").get_by_role("link", name="churn-2")).to_be_visible()
    stop(tab, "Model registered")
    until(lambda: any(one.endswith("model-package-group/churn-2") for one in tagged(server)))
    clean_up(tab)
    expect(tab.page.get_by_text("Everything that it made is gone")).to_be_visible(timeout=PATIENCE_MS)
    assert tagged(server) == []
    assert iam.get_role(RoleName="churn")["Role"]["Path"] == "/"
    iam.delete_role(RoleName="churn")
    assert tab.complaints == []


def test_what_could_not_be_deleted_is_named_with_the_reason(tab: Console, server: RealClary) -> None:
    sagemaker = server.client("sagemaker")
    tags = [{"Key": "clary:example", "Value": "abalone"}]
    group = sagemaker.create_model_package_group(ModelPackageGroupName="abalone", Tags=tags)["ModelPackageGroupArn"]
    container = {"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"}
    sagemaker.create_model_package(
        ModelPackageGroupName="abalone",
        InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["text/csv"]},
    )
    sagemaker.add_tags(ResourceArn=group, Tags=[{"Key": "alias:champion", "Value": "1"}])
    tab.go("/examples/abalone")
    stop(tab, "Approved by you", "you")
    clean_up(tab)
    expect(tab.page.get_by_text("2 of 2 could not be deleted")).to_be_visible()
    refused = tab.page.get_by_role("list", name="What is cleaned up").locator("li[data-state=failed]")
    expect(refused.filter(has_text="Version: abalone, version 1")).to_contain_text("champion")
    expect(refused.filter(has_text="Group: abalone")).to_contain_text("still has model packages")
    assert tab.axe() == []
    tab.both_themes("examples-not-deleted")
    sagemaker.delete_tags(ResourceArn=group, TagKeys=["alias:champion"])
    clean_up(tab)
    expect(tab.page.get_by_text("Everything that it made is gone")).to_be_visible()
    assert tagged(server) == []


def clean_up(tab: Console) -> None:
    tab.page.get_by_role("button", name="Clean up").click()
    tab.page.get_by_role("button", name="Delete everything").click()
