"""The console's pages of models: groups, versions side by side, decisions, lineage, deploying."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.real import RealClary
from tests.sagemaker_house import SKLEARN
from tests.serverless_house import BUCKET, prepare

CONTAINER: dict[str, Any] = {
    "Image": SKLEARN,
    "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz",
    "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
}


@pytest.fixture(scope="module")
def lake(server: RealClary) -> RealClary:
    """The bucket with the tiny model's data, the role "server", and the model "echo"."""
    prepare(server)
    return server


@pytest.fixture(scope="module")
def snails(server: RealClary) -> str:
    """The group of a pipeline that ran from raw data to an endpoint."""
    server.clary("demo", "abalone", "--keep")
    groups = server.client("sagemaker").list_model_package_groups(NameContains="abalone")
    name: str = groups["ModelPackageGroupSummaryList"][0]["ModelPackageGroupName"]
    return name


def group(clary: RealClary, name: str, *accuracies: float, **tags: str) -> str:
    """The ARN of a new group with a version for each accuracy."""
    sagemaker, s3 = clary.client("sagemaker"), clary.client("s3")
    made = sagemaker.create_model_package_group(
        ModelPackageGroupName=name, ModelPackageGroupDescription=f"All about {name}"
    )
    for number, accuracy in enumerate(accuracies, 1):
        metrics = {
            "confusion_matrix": {"no": {"no": 80, "yes": 5}, "yes": {"no": 3, "yes": 12}},
            "accuracy": {"value": accuracy, "standard_deviation": 0.01},
            "log_loss": {"value": 1 - accuracy, "standard_deviation": "NaN"},
        }
        key = f"{name}/{number}.json"
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({"binary_classification_metrics": metrics}).encode())
        sagemaker.create_model_package(
            ModelPackageGroupName=name,
            InferenceSpecification={
                "Containers": [CONTAINER],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            ModelMetrics={
                "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/{key}"}}
            },
        )
    if tags:  # after the versions: an alias names one that is there
        words = [{"Key": key.replace("_", ":"), "Value": value} for key, value in tags.items()]
        sagemaker.add_tags(ResourceArn=made["ModelPackageGroupArn"], Tags=words)
    return str(made["ModelPackageGroupArn"])


def approve(clary: RealClary, name: str, *versions: int) -> None:
    for one in versions:
        arn = described(clary, name, one)["ModelPackageArn"]
        clary.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


def described(clary: RealClary, name: str, version: int) -> dict[str, Any]:
    said: dict[str, Any] = clary.client("sagemaker").describe_model_package(ModelPackageName=f"{name}/{version}")
    return said


def row(page: Page, table: str, has: str) -> Locator:
    return page.get_by_role("table", name=table).get_by_role("row").filter(has=page.get_by_role("link", name=has))


def test_groups_and_models_are_listed_with_what_waits_and_what_serves(tab: Console, lake: RealClary) -> None:
    group(lake, "listed", 0.8, 0.9)
    approve(lake, "listed", 1)
    tab.go("/models")
    expect(tab.page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    found = row(tab.page, "Model groups", "listed")
    expect(found).to_contain_text("Version 2")
    expect(found).to_contain_text("Pending")
    alone = row(tab.page, "Models in no group", "echo")
    expect(alone).to_contain_text("sagemaker-scikit-learn")
    tab.well("models-list")
    tab.page.get_by_role("searchbox", name="Filter model groups").fill("nothing is called so")
    expect(tab.page.get_by_text("Nothing matches the filter")).to_be_visible()
    expect(tab.page).to_have_url(re.compile(r"q=nothing"))


def test_a_group_without_versions_says_how_to_get_one_and_is_deleted_by_its_name(tab: Console, lake: RealClary) -> None:
    group(lake, "barren")
    tab.go("/models/barren")
    expect(tab.page.get_by_text("No versions yet")).to_be_visible()
    tab.well("models-group-empty")
    tab.page.get_by_role("button", name="Delete", exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    yes = dialog.get_by_role("button", name="Delete", exact=True)
    expect(yes).to_be_disabled()
    dialog.get_by_label("Type barren to go on").fill("barren")
    yes.click()
    expect(tab.page).to_have_url(re.compile(r"/console/models$"))
    expect(tab.page.get_by_text("The group barren is deleted")).to_be_visible()
    names = lake.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert "barren" not in [one["ModelPackageGroupName"] for one in names]


def test_versions_are_compared_side_by_side_with_the_best_marked(tab: Console, lake: RealClary) -> None:
    group(lake, "compared", 0.91, 0.95, 0.93, alias_champion="2")
    tab.go("/models/compared")
    best = row(tab.page, "Versions", "Version 2")
    expect(best).to_contain_text("champion")
    expect(best).to_contain_text("0.95 best")
    expect(row(tab.page, "Versions", "Version 1")).not_to_contain_text("best")
    compare = tab.page.get_by_role("button", name="Compare", exact=True)
    for version in (1, 3):
        tab.page.get_by_role("checkbox", name=f"Choose version {version}").check()
    compare.click()
    expect(tab.page).to_have_url(re.compile(r"compare=1(%2C|,)3"))
    table = tab.page.get_by_role("table", name="Side by side")
    accuracy = table.get_by_role("row").filter(has_text="accuracy")
    expect(accuracy.get_by_role("cell").nth(2)).to_contain_text("0.93 best")
    expect(accuracy.get_by_role("cell").nth(1)).to_have_text("0.91 ± 0.01")
    loss = table.get_by_role("row").filter(has_text="log_loss")
    expect(loss).to_contain_text("lower")
    expect(loss.get_by_role("cell").nth(2)).to_contain_text("best")
    expect(tab.page.get_by_role("application", name="accuracy of each version")).to_be_visible()
    tab.well("models-compare")
    tab.page.reload()
    expect(tab.page.get_by_role("checkbox", name="Choose version 3")).to_be_checked()


def test_a_version_is_approved_with_a_comment(tab: Console, lake: RealClary) -> None:
    group(lake, "approved", 0.9)
    tab.go("/models/approved/1")
    expect(tab.page.get_by_role("button", name="Deploy", exact=True)).to_be_disabled()
    expect(tab.page.get_by_text("0.9 ± 0.01")).to_be_visible()
    expect(tab.page.get_by_role("region", name="Confusion matrix").get_by_role("cell", name="80")).to_be_visible()
    tab.page.get_by_role("button", name="Approve", exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Comment").fill("best on the holdout")
    assert tab.axe() == []
    tab.shot("models-approve")
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(tab.page.get_by_text("version 1 is approved")).to_be_visible()
    decisions = tab.page.get_by_role("table", name="Decisions")
    expect(decisions.get_by_role("row").filter(has_text="best on the holdout")).to_contain_text("Approved")
    expect(tab.page.get_by_role("button", name="Deploy", exact=True)).to_be_enabled()
    said = described(lake, "approved", 1)
    assert (said["ModelApprovalStatus"], said["ApprovalDescription"]) == ("Approved", "best on the holdout")
    tab.well("models-version")


def test_a_rule_refuses_in_words_and_a_version_is_rejected(tab: Console, lake: RealClary) -> None:
    group(lake, "strict", 0.9, approval_metric="accuracy at-least 0.99")
    tab.go("/models/strict/1")
    tab.page.get_by_role("button", name="Approve", exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_text("accuracy must be at least 0.99.")).to_be_visible()
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(dialog.get_by_text("does not hold: version strict/1 has 0.9")).to_be_visible()
    tab.shot("models-refused")
    dialog.get_by_role("button", name="Cancel").click()
    # The browser itself notes each answer with 4xx, and this one was asked for.
    tab.complaints.clear()
    tab.page.get_by_role("button", name="Reject", exact=True).click()
    dialog.get_by_label("Comment").fill("not good enough")
    dialog.get_by_role("button", name="Reject", exact=True).click()
    expect(tab.page.get_by_text("version 1 is rejected")).to_be_visible()
    said = described(lake, "strict", 1)
    assert (said["ModelApprovalStatus"], said["ApprovalDescription"]) == ("Rejected", "not good enough")
    tab.well("models-rejected")


def test_tags_of_a_group_become_its_rules(tab: Console, lake: RealClary) -> None:
    arn = group(lake, "tagged", 0.9, team="snails")
    tab.go("/models/tagged")
    tab.page.get_by_role("button", name="Change tags").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Remove team").click()
    dialog.get_by_role("button", name="Add a tag").click()
    dialog.get_by_role("textbox", name="Key").fill("approval:two-persons")
    dialog.get_by_role("textbox", name="Value").fill("yes")
    dialog.get_by_role("button", name="Save").click()
    expect(tab.page.get_by_text("Two persons must approve.")).to_be_visible()
    tags = lake.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    assert tags == [{"Key": "approval:two-persons", "Value": "yes"}]
    tab.well("models-tags")


def test_a_version_is_deployed_and_another_takes_its_place(tab: Console, lake: RealClary) -> None:
    group(lake, "wagons", 0.9, 0.95, team="wagons")
    approve(lake, "wagons", 1, 2)
    tab.go("/models/wagons/1")
    tab.page.get_by_role("button", name="Deploy", exact=True).click()
    dialog = tab.page.get_by_role("dialog")
    expect(dialog.get_by_label("Name of the endpoint")).to_have_value("wagons-production")
    choose_role(tab.page, dialog)
    assert tab.axe() == []
    tab.shot("models-deploy")
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("wagons-production serves it")).to_be_visible(timeout=60_000)
    tab.shot("models-deployed")
    assert served(lake, "wagons-production")[0].endswith(":model-package/wagons/1")
    tags = served(lake, "wagons-production")[1]
    assert tags["team"] == "wagons" and tags["clary:model-package"].endswith("wagons/1")
    answer = lake.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="wagons-production", ContentType="text/csv", Body=b"hello"
    )
    assert answer["Body"].read() == b"hello!"
    dialog.get_by_role("button", name="Close").last.click()

    tab.go("/models/wagons")
    expect(row(tab.page, "Versions", "Version 1")).to_contain_text("wagons-production")
    tab.page.get_by_role("button", name="Deploy version 2").click()
    # What serves a version of the group already is suggested, with its role.
    expect(dialog.get_by_role("radio", name="Replace wagons/1")).to_be_checked()
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text("wagons-production serves it")).to_be_visible(timeout=60_000)
    dialog.get_by_role("button", name="Close").last.click()
    expect(row(tab.page, "Versions", "Version 2")).to_contain_text("wagons-production")
    assert served(lake, "wagons-production")[0].endswith(":model-package/wagons/2")
    tab.well("models-group")


def choose_role(page: Page, dialog: Locator) -> None:
    """Whatever was suggested, "server" it is: other tests of the module have other roles."""
    dialog.get_by_role("button", name="Role").click()
    page.get_by_role("option").filter(has_text=re.compile(r"role/server$")).click()


def served(clary: RealClary, endpoint: str) -> tuple[str, dict[str, str]]:
    """(the package of the endpoint's only model, the endpoint's tags)."""
    sagemaker = clary.client("sagemaker")
    said = sagemaker.describe_endpoint(EndpointName=endpoint)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=said["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    tags = sagemaker.list_tags(ResourceArn=said["EndpointArn"])["Tags"]
    return containers[0]["ModelPackageName"], {one["Key"]: one["Value"] for one in tags}


def test_lineage_leads_from_the_raw_data_to_the_endpoint(tab: Console, snails: str) -> None:
    tab.go(f"/models/{snails}/1")
    graph = tab.page.get_by_role("region", name="Lineage, from above to below")
    for node in (
        "Data abalone.csv",
        "Processing job",
        "Training job",
        "Model data model.tar.gz",
        f"Version · this one {snails}/1",
        "Deployment",
        f"Endpoint {snails}",
    ):
        expect(graph.get_by_role("button", name=node).first).to_be_visible()
    tab.well("models-lineage")
    tab.page.get_by_role("button", name="List").click()
    table = tab.page.get_by_role("table", name="From data to endpoint")
    expect(table.get_by_role("row").filter(has_text="abalone.csv").first).to_be_visible()
    tab.well("models-lineage-list")
    tab.page.get_by_role("button", name="Graph").click()
    graph.get_by_role("button", name=f"Endpoint {snails}").click()
    expect(tab.page).to_have_url(re.compile(rf"/endpoints/{snails}-production"))


def test_a_model_of_its_own_is_shown_and_deleted(tab: Console, lake: RealClary) -> None:
    role = lake.client("iam").get_role(RoleName="server")["Role"]["Arn"]
    lake.client("sagemaker").create_model(ModelName="lonely", ExecutionRoleArn=role, PrimaryContainer=CONTAINER)
    tab.go("/models/single/lonely")
    expect(tab.page.get_by_role("link", name=CONTAINER["ModelDataUrl"])).to_be_visible()
    tab.page.get_by_role("button", name="Environment (2)").click()
    expect(tab.page.get_by_text("SAGEMAKER_PROGRAM")).to_be_visible()
    expect(tab.page.get_by_role("region", name="Lineage, from above to below")).to_be_visible()
    tab.well("models-single")
    tab.page.get_by_role("button", name="Delete", exact=True).click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(tab.page.get_by_text("The model lonely is deleted")).to_be_visible()
    names = [one["ModelName"] for one in lake.client("sagemaker").list_models()["Models"]]
    assert "lonely" not in names


def test_a_phone_shows_a_version_with_its_lineage_as_a_list(browser: Browser, lake: RealClary) -> None:
    group(lake, "pocket", 0.9)
    with console(browser, lake.url, width=390, height=844) as phone:
        phone.page.goto(link(lake))
        expect(phone.page.get_by_role("link", name="Clary")).to_be_visible()
        phone.go("/models/pocket/1")
        expect(phone.page.get_by_role("heading", name="pocket, version 1")).to_be_visible()
        expect(phone.page.get_by_role("table", name="From data to endpoint")).to_be_visible()
        width = phone.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, width
        phone.shot("models-version-phone")
        # Cloudscape gives its own bar for phones an attribute that its element does not know.
        assert phone.axe(exclude=("[class*=mobile-toolbar-nav]",)) == []
        assert phone.complaints == []
