"""Somebody who has never seen Clary goes the whole road in the browser alone: from one click to a model that answers on
a page of its own, and back to nothing. No call of boto3 does any of it; a few look at the end whether it is true."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.console.test_examples import stop
from tests.real import RealClary

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(600)]
NAME = "car-evaluation"
LONG_MS = 120_000


def test_from_one_click_to_a_page_that_answers_and_back(browser, server: RealClary) -> None:  # type: ignore[no-untyped-def]
    with console(browser, server.url) as tab:
        tab.sign_in(link(server))
        start(tab)
        watch(tab)
        approve(tab)
        endpoint = deploy(tab)
        ask(make_page(tab, endpoint), tab)
        see_traffic(tab, endpoint)
        clean_up(tab)
        assert tab.complaints == []
    nothing_is_left(server)


def start(tab: Console) -> None:
    expect(tab.page.get_by_role("heading", name="Welcome to Clary")).to_be_visible()
    tab.page.get_by_role("button", name=f"Start {NAME}").click()
    stop(tab, "Pipeline created")


def watch(tab: Console) -> None:
    """The graph of the run finishes before one's eyes, without a reload."""
    line = tab.page.get_by_role("list", name="The road").get_by_role("listitem").filter(has_text="Pipeline run")
    line.get_by_role("link").first.click()
    for step in ("prepare", "train", "evaluate", "register"):
        node = tab.page.get_by_role("button", name=re.compile(rf"^{step}\b.*Succeeded", re.IGNORECASE))
        expect(node.first).to_be_visible(timeout=LONG_MS)
    tab.shot("journey-1-watched")


def approve(tab: Console) -> None:
    tab.go(f"/examples/{NAME}")
    stop(tab, "Model registered").get_by_role("link").click()
    tab.page.get_by_role("button", name="Approve").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Comment").fill("Good enough for a first try.")
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(tab.page.get_by_role("button", name="Deploy")).to_be_enabled()
    tab.shot("journey-2-approved")


def deploy(tab: Console) -> str:
    """The name of the endpoint, which is in service."""
    tab.page.get_by_role("button", name="Deploy").click()
    dialog = tab.page.get_by_role("dialog")
    endpoint = dialog.get_by_label("Name of the endpoint").input_value()
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(dialog.get_by_text(f"{endpoint} serves it")).to_be_visible(timeout=LONG_MS)
    tab.shot("journey-3-deployed")
    dialog.get_by_role("button", name="Close").last.click()
    tab.page.get_by_role("link", name=endpoint).first.click()
    expect(tab.page.get_by_role("heading", name=endpoint, level=1)).to_be_visible()
    return endpoint


def make_page(tab: Console, endpoint: str) -> Page:
    """The page of the model, opened as somebody else would: by its link, in a browser without a session."""
    tab.page.get_by_role("button", name="Make a page").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_role("radio", name=re.compile("Everybody")).check()
    dialog.get_by_role("button", name=re.compile("^Make")).click()
    expect(tab.page.get_by_role("link", name="Open", exact=True)).to_be_visible()
    tab.shot("journey-4-page-made")
    context = tab.page.context.browser
    assert context is not None
    visitor = context.new_context(viewport={"width": 390, "height": 844}).new_page()
    visitor.goto(f"{tab.url}/apps/{endpoint}")
    return visitor


def ask(visitor: Page, tab: Console) -> None:
    visitor.get_by_role("button", name="A safe family car").click()
    visitor.get_by_role("button", name="Ask the model").click()
    expect(visitor.get_by_role("region", name="Answer").get_by_role("status")).to_contain_text("vgood")
    visitor.get_by_role("group", name="Price").get_by_role("radio", name="Very high", exact=True).check(force=True)
    visitor.get_by_role("button", name="Ask the model").click()
    expect(visitor.get_by_role("region", name="Answer").get_by_role("status")).not_to_contain_text("vgood")
    visitor.screenshot(path=tab.shot("journey-5-asked").with_name("journey-5-answer.png"), full_page=True)
    visitor.context.close()


def see_traffic(tab: Console, endpoint: str) -> None:
    tab.go(f"/examples/{NAME}")
    expect(stop(tab, "Traffic seen")).to_contain_text(re.compile(r"\d requests?"))
    tab.go(f"/endpoints/{endpoint}")
    expect(tab.page.get_by_text("In service").first).to_be_visible()
    tab.shot("journey-6-traffic")
    tab.go("/")
    expect(tab.page.get_by_role("link", name=endpoint).first).to_be_visible()
    tab.shot("journey-7-home")


def clean_up(tab: Console) -> None:
    tab.go(f"/examples/{NAME}")
    tab.page.get_by_role("button", name="Clean up").click()
    dialog = tab.page.get_by_role("dialog", name=f"Clean up {NAME}")
    dialog.get_by_role("button", name="Delete everything").click()
    expect(tab.page.get_by_text("Everything that it made is gone")).to_be_visible(timeout=LONG_MS)


def nothing_is_left(server: RealClary) -> None:
    sagemaker, iam = server.client("sagemaker"), server.client("iam")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    assert [one for path in ("/apps/", "/examples/") for one in iam.list_roles(PathPrefix=path)["Roles"]] == []
    # The registry keeps what versions were judged by in a bucket of its own, which stays; nothing of this one is in it.
    s3 = server.client("s3")
    buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert [one for one in buckets if not one.startswith("sagemaker-model-registry-")] == []
    for bucket in buckets:
        assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
