"""Home: what runs, waits, failed last and is served; and where to begin when nothing is there."""

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser, Locator, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.jobs_house import Jobs, archive
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

ECHO = """
def model_fn(place):
    return None

def input_fn(body, content_type):
    return body

def predict_fn(body, model):
    return body

def output_fn(body, accept):
    return body, "text/csv"
"""
WHOLE_MACHINE = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.24xlarge", "VolumeSizeInGB": 1}}
"""More than there is: two such jobs never run side by side."""
SLEEPS = "import time; time.sleep(600)"


def table(tab: Console, name: str) -> Locator:
    return tab.page.get_by_role("table", name=name)


def row(tab: Console, name: str, text: str) -> Locator:
    found = table(tab, name).get_by_role("row").filter(has_text=text)
    expect(found).to_be_visible(timeout=60_000)
    return found


def welcome(tab: Console) -> None:
    expect(tab.page.get_by_role("heading", name="Welcome to Clary")).to_be_visible()
    expect(tab.page.get_by_text("Nothing runs yet. Start with an example")).to_be_visible()
    for name in ("car-evaluation", "abalone", "churn"):
        expect(tab.page.get_by_role("button", name=f"Start {name}")).to_be_enabled()
    expect(tab.page.get_by_role("progressbar", name="Disk")).to_be_visible()


@pytest.fixture
def fresh(browser: Browser, own_server: RealClary) -> Iterator[Console]:
    own_server.up()
    with console(browser, own_server.url) as opened:
        opened.sign_in(link(own_server))
        yield opened


def test_an_empty_home_says_where_to_begin(fresh: Console) -> None:
    fresh.go("/")
    welcome(fresh)
    fresh.well("home-empty")


@pytest.fixture(scope="module")
def jobs(server: RealClary) -> Jobs:
    return Jobs(server)


@pytest.fixture(scope="module")
def served(jobs: Jobs) -> str:
    """An endpoint that echoes, with some traffic."""
    sagemaker, runtime = jobs.sagemaker, jobs.server.client("sagemaker-runtime")
    packed = jobs.put("models/echo.tar.gz", archive(("code/inference.py", ECHO.encode())))
    container = {"Image": SKLEARN, "ModelDataUrl": packed}
    sagemaker.create_model(ModelName="echo", ExecutionRoleArn=jobs.role, PrimaryContainer=container)
    variant = {"VariantName": "a", "ModelName": "echo", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName="echo", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="echo", EndpointConfigName="echo")
    serving = lambda: sagemaker.describe_endpoint(EndpointName="echo")["EndpointStatus"] == "InService"  # noqa: E731
    until(serving, 120, "the endpoint serves")
    for _ in range(20):
        runtime.invoke_endpoint(EndpointName="echo", ContentType="text/csv", Body="1,2")
    return "echo"


@pytest.fixture(scope="module")
def pending(jobs: Jobs) -> None:
    """A version that waits for approval."""
    jobs.sagemaker.create_model_package_group(ModelPackageGroupName="cars")
    specification = {"Containers": [{"Image": SKLEARN}], "SupportedContentTypes": ["text/csv"]}
    jobs.sagemaker.create_model_package(ModelPackageGroupName="cars", InferenceSpecification=specification)


@pytest.fixture(scope="module")
def broken(jobs: Jobs) -> None:
    jobs.process("broken", "raise SystemExit('there is no column called price')")
    assert jobs.ended("Processing", "broken")["ProcessingJobStatus"] == "Failed"


@pytest.fixture
def running(jobs: Jobs, broken: None, served: str) -> Iterator[tuple[str, str]]:
    """One job that has all of the machine, and one that waits for it."""
    first, second = (f"{one}-{uuid.uuid4().hex[:8]}" for one in ("first", "second"))
    jobs.process(first, SLEEPS, ProcessingResources=WHOLE_MACHINE)
    look = lambda: "ProcessingStartTime" in jobs.sagemaker.describe_processing_job(ProcessingJobName=first)  # noqa: E731
    until(look, 60, "the first job runs")
    jobs.process(second, SLEEPS, ProcessingResources=WHOLE_MACHINE)
    yield first, second
    for name in (first, second):
        with suppress(ClientError):  # it was stopped by the test
            jobs.sagemaker.stop_processing_job(ProcessingJobName=name)
        jobs.ended("Processing", name)


def test_home_tells_what_runs_waits_failed_and_is_served(
    tab: Console, running: tuple[str, str], served: str, pending: None, broken: None
) -> None:
    first, second = running
    tab.go("/")
    expect(row(tab, "Running now", first)).to_contain_text("In progress")
    expect(row(tab, "Running now", second)).to_contain_text("Waits")
    expect(tab.page.get_by_text("1 job waits")).to_be_visible()
    expect(tab.page.get_by_role("progressbar", name="Disk")).to_be_visible()
    expect(tab.page.get_by_text(re.compile(r"\d [MGT]B free"))).to_be_visible()

    failed = row(tab, "Failed last", "broken")
    expect(failed).to_contain_text("there is no column called price")
    expect(failed.get_by_role("link")).to_have_attribute("href", "/console/jobs/processing/broken")

    endpoint = row(tab, "Endpoints", served)
    expect(endpoint).to_contain_text("In service")
    expect(endpoint.get_by_role("img", name="Requests to echo by the minute, in the last hour")).to_be_visible()
    expect(endpoint.get_by_role("cell").nth(2)).to_have_text("20")
    expect(endpoint).to_contain_text(re.compile(r"\d m?s"))

    waits = tab.page.get_by_role("list", name="Approvals that wait").get_by_role("link", name="cars, version 1")
    expect(waits).to_have_attribute("href", "/console/models/cars/1")
    tab.well("home")


def test_what_ends_leaves_the_list_while_one_looks(tab: Console, running: tuple[str, str], jobs: Jobs) -> None:
    tab.go("/")
    row(tab, "Running now", running[1])
    for name in running:
        jobs.sagemaker.stop_processing_job(ProcessingJobName=name)
    expect(table(tab, "Running now").get_by_role("link")).to_have_count(0, timeout=60_000)
    expect(tab.page.get_by_text("Nothing runs", exact=True)).to_be_visible()
    expect(tab.page.get_by_text("Nobody waits")).to_be_visible()
    assert tab.complaints == []


def test_home_is_readable_on_a_phone(browser: Browser, server: RealClary, broken: None) -> None:
    with console(browser, server.url, width=390, height=844) as phone:
        phone.page.goto(link(server))
        expect(row(phone, "Failed last", "broken")).to_be_visible()
        wide = phone.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
        phone.both_themes("home-phone")
