"""The page that a model's users see, end to end: a real model, a real page, a real browser."""

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from clary import app_roles
from clary.cli.demo import car
from tests.console import model_pages
from tests.console.browser import Console, console
from tests.real import RealClary


@pytest.fixture(scope="module")
def cars(server: RealClary) -> str:
    """An endpoint that knows all cars, made of a package that says where its page's document is."""
    return model_pages.endpoint(server, package=True)


@pytest.fixture
def visitor(browser: Browser, server: RealClary, cars: str) -> Iterator[Console]:
    """Somebody without keys, at 1280 x 900."""
    with console(browser, server.url) as opened:
        yield opened


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask the model").click()


def choose(page: Page, field: str, word: str) -> None:
    """By the keyboard's way in: the radio button itself, whatever it looks like."""
    page.get_by_role("group", name=field).get_by_role("radio", name=word, exact=True).check(force=True)


def direct(server: RealClary, rows: list[tuple[str, ...]]) -> list[list[float]]:
    """What the endpoint itself answers."""
    body = "\n".join(",".join(map(str, model_pages.codes(row))) for row in rows)
    said = server.client("sagemaker-runtime").invoke_endpoint(EndpointName="cars", ContentType="text/csv", Body=body)
    return [[float(one) for one in line.split(",")] for line in said["Body"].read().decode().split()]


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_a_form_an_answer_and_the_tries(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    expect(page.get_by_role("heading", name="Is this car worth its price?", level=1)).to_be_visible()
    # What cannot be chosen is not there: the choices of each field are the schema's, and nothing can be typed.
    for name, words in car.ATTRIBUTES.items():
        radios = page.get_by_role("group", name=name.replace("_", " ").capitalize()).get_by_role("radio")
        expect(radios).to_have_count(len(words))
    expect(page.get_by_role("textbox")).to_have_count(0)

    ask(page)
    bars = page.get_by_role("list", name="Probabilities").get_by_role("listitem")
    [shares] = direct(server, [tuple(model_pages.EXAMPLE.values())])
    best = sorted(zip(shares, car.CLASSES, strict=True), reverse=True)
    expect(bars).to_have_count(4)
    for at, (share, label) in enumerate(best):
        expect(bars.nth(at)).to_contain_text(f"{label}{share * 100:.1f} %")
    expect(page.get_by_text("Expected: vgood · as answered")).to_be_visible()

    page.get_by_role("button", name="A wrong expectation").click()
    ask(page)
    expect(page.get_by_text("Expected: vgood · the model says otherwise")).to_be_visible()
    choose(page, "Safety", "high")
    ask(page)
    expect(page.get_by_text("Expected:")).to_have_count(0)

    tries = page.get_by_role("region", name="Your tries").get_by_role("row")
    expect(tries).to_have_count(4)
    tries.last.get_by_role("button", name="vgood").click()
    expect(page.get_by_role("group", name="Buying").get_by_role("radio", name="low")).to_be_checked()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert rows[0]["answer"] == "vgood"
    assert float(rows[0]["probability"]) == pytest.approx(max(shares))
    page.reload()
    expect(tries).to_have_count(4)
    visitor.well("app-form")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("region", name="Your tries")).to_be_hidden()


def test_asking_while_inputs_change(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    page.get_by_role("switch", name="Ask while I change the inputs").check()
    answer = page.get_by_role("region", name="Answer")
    expect(answer.get_by_role("status")).to_contain_text("vgood")
    for word in ("low", "med", "high", "low"):
        choose(page, "Safety", word)
    expect(answer.get_by_role("status")).to_contain_text("unacc")
    expect(page.get_by_text("Expected:")).to_have_count(0)

    # An answer that comes late is not shown over a later one.
    def late(route: Route) -> None:
        if route.request.post_data == "3,3,2,2,2,2":
            held.append(route)
        else:
            route.continue_()

    held: list[Route] = []
    page.route("**/invocations", late)
    choose(page, "Safety", "high")
    expect(answer).to_have_class(re.compile("busy"))
    choose(page, "Safety", "med")
    expect(answer.get_by_role("status")).not_to_contain_text("unacc")
    said = answer.get_by_role("status").text_content()
    for route in held:
        route.fulfill(status=200, content_type="text/csv", body="1,0,0,0")
    expect(answer.get_by_role("status")).to_have_text(said or "")
    assert visitor.complaints == []


def test_a_link_carries_the_inputs(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    url = model_pages.page(server, cars)
    page.goto(url)
    choose(page, "Doors", "5more")
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    assert link == f"{url}?buying=low&maint=low&doors=5more&persons=more&lug_boot=big&safety=high"
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    assert visitor.axe() == []
    visitor.shot("app-share")
    page.get_by_role("checkbox", name="With the inputs").uncheck()
    expect(page.get_by_role("textbox", name="Link")).to_have_value(url)
    page.keyboard.press("Escape")

    page.goto(f"{url}?buying=high&doors=3&safety=none")
    expect(page.get_by_role("group", name="Buying").get_by_role("radio", name="high", exact=True)).to_be_checked()
    expect(page.get_by_text("Safety: “none” is none of low, med, high.")).to_be_visible()
    ask(page)  # the rest was never chosen
    expect(page.get_by_text("Pick one.")).to_have_count(4)
    expect(page.get_by_role("group", name="Maint").get_by_role("radio").first).to_be_focused()
    visitor.well("app-incomplete")


def test_many_rows(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    page.get_by_role("tab", name="Many rows").click()
    rows = random.Random(5).sample(list(car.rows()), 200)
    order = list(car.ATTRIBUTES)[::-1]  # columns in another order, and one that the model does not want
    lines = [",".join((*order, "seen"))]
    lines += [",".join((*row[::-1], f'"no. {at}, ""new"""')) for at, row in enumerate(rows)]
    lines.insert(3, "high,big,more,4,low,cheap,x")
    file = {"name": "cars.csv", "mimeType": "text/csv", "buffer": "\r\n".join(lines).encode()}
    page.get_by_label("Drop a CSV here, or pick one").set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_text("Line 4: Buying: “cheap” is none of vhigh, high, med, low.")).to_be_visible()
    expect(page.get_by_text("Not used: seen.")).to_be_visible()

    # The first request is turned away, as by the limit: it waits as it is told, and goes on by itself.
    turned: list[int] = []

    def limit(route: Route) -> None:
        if turned:
            route.continue_()
            return
        turned.append(1)
        body = json.dumps({"code": "TooManyRequests", "message": "slow down"})
        route.fulfill(status=429, headers={"retry-after": "1"}, content_type="application/json", body=body)

    page.route("**/invocations", limit)
    page.get_by_role("button", name="Ask for 200 rows").click()
    expect(page.get_by_role("progressbar", name="Rows asked")).to_be_visible()
    expect(page.get_by_text("the page's limit is reached: going on in 1 s")).to_be_visible()
    expect(page.get_by_text("200 rows answered")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with answers").click()
    assert download.value.suggested_filename == "cars-answers.csv"
    found = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    refused = found.pop(2)
    assert (refused["answer"], refused["problem"]) == ("", "Buying: “cheap” is none of vhigh, high, med, low.")
    assert [one["seen"] for one in found] == [f'no. {at}, "new"' for at in range(200)]
    for one, shares in zip(found, direct(server, rows), strict=True):
        assert one["answer"] == car.CLASSES[shares.index(max(shares))]
        assert [float(one[f"p_{label}"]) for label in car.CLASSES] == pytest.approx(shares)
    # A 429 is no error of the page, but Chromium says it.
    visitor.complaints[:] = [one for one in visitor.complaints if "429" not in one]
    visitor.well("app-batch")


def test_a_batch_can_be_cancelled_and_a_wrong_file_is_named(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    page.get_by_role("tab", name="Many rows").click()
    pick = page.get_by_label("Drop a CSV here, or pick one")
    pick.set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b"buying,maint\nlow,low\n"})
    expect(page.get_by_text("The file has no column for Doors, Persons, Lug boot, Safety.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a template").click()
    pick.set_input_files(download.value.path())
    expect(page.get_by_role("button", name="Ask for 2 rows")).to_be_visible()

    page.route("**/invocations", lambda route: None)  # never answered
    page.get_by_role("button", name="Ask for 2 rows").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("0 rows answered")).to_contain_text("cancelled before the rest")
    assert visitor.complaints == []


def test_a_page_with_a_token(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    url = model_pages.page(server, cars, token="open-sesame")
    page.goto(url)
    box = page.get_by_label("Token")
    expect(page.get_by_role("heading", name="This page needs a token")).to_be_visible()
    box.fill("close-sesame")
    page.get_by_role("button", name="Open the page").click()
    expect(page.get_by_role("alert")).to_contain_text("This token does not open the page")
    visitor.complaints[:] = [one for one in visitor.complaints if "401" not in one]
    visitor.well("app-token")

    page.goto("about:blank")
    page.goto(f"{url}?safety=low#token=open-sesame")
    expect(page.get_by_role("button", name="Ask the model")).to_be_visible()
    assert page.url == f"{url}?safety=low"
    page.reload()  # the tab keeps it
    page.get_by_role("button", name="A safe family car").click()
    ask(page)
    expect(page.get_by_role("region", name="Answer").get_by_role("status")).to_contain_text("vgood")
    page.get_by_role("button", name="Share").click()
    assert "sesame" not in page.get_by_role("textbox", name="Link").input_value()
    page.get_by_role("button", name="Close").click()

    page.get_by_role("tab", name="Code").click()
    program = page.get_by_role("group", name="curl program")
    expect(program).to_contain_text('-H "Authorization: Bearer $TOKEN"')
    page.get_by_role("button", name="Show the token").click()
    expect(program).to_contain_text("Bearer open-sesame")
    page.get_by_role("button", name="Hide the token").click()
    visitor.complaints[:] = [one for one in visitor.complaints if "401" not in one]
    visitor.well("app-code")

    model_pages.page(server, cars, token="another")  # whoever has the old one is asked for the new one
    page.get_by_role("tab", name="Try it").click()
    ask(page)
    expect(page.get_by_role("heading", name="This page needs a token")).to_be_visible()


def test_programs_ask_as_the_page_says(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    page.get_by_role("tab", name="Code").click()
    page.get_by_role("tab", name="Python").click()
    program = page.get_by_role("group", name="Python program").text_content()
    said = io.StringIO()
    exec(compile(program or "", "snippet", "exec"), {"print": lambda text: said.write(text)})
    [shares] = direct(server, [tuple(model_pages.EXAMPLE.values())])
    assert [float(one) for one in said.getvalue().split(",")] == pytest.approx(shares)


def test_a_page_without_a_document(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars, document=False))
    expect(page.get_by_role("heading", name="cars", level=1)).to_be_visible()
    ask(page)
    expect(page.get_by_text("Write the body of the request.")).to_be_visible()
    page.get_by_role("textbox", name="Request body").fill("0,0,3,2,2,2")
    page.get_by_label("Answer as").fill("application/json")
    ask(page)
    expect(page.get_by_role("group", name="The answer as it came")).to_contain_text('"predictions": [')
    expect(page.get_by_role("tab")).to_have_text(["Try it", "Code"])
    visitor.well("app-raw")

    page.get_by_role("textbox", name="Request body").fill("no,numbers")
    ask(page)
    expect(page.get_by_role("alert")).to_contain_text("The model could not answer")
    visitor.complaints[:] = [one for one in visitor.complaints if "424" not in one]
    visitor.well("app-failure")


def test_too_many_requests(visitor: Console, server: RealClary, cars: str) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars, rate=1))
    alert = page.get_by_role("alert")
    for _ in range(11):  # ten at once are let in, then one a minute
        with page.expect_response("**/invocations"):
            ask(page)
    expect(alert).to_contain_text("Too many requests in a minute")
    expect(alert).to_contain_text("This page answers 1 requests a minute.")
    expect(alert).to_contain_text("Ask again in")
    visitor.complaints[:] = [one for one in visitor.complaints if "429" not in one]
    visitor.well("app-limit")


def test_numbers_switches_and_lists(visitor: Console, server: RealClary, cars: str) -> None:
    """Other kinds of fields: the same six numbers, asked for in other ways."""
    inputs = {
        "buying": {"title": "Price", "type": "number", "minimum": 0, "maximum": 3, "multipleOf": 0.5, "unit": "k€"},
        "maint": {"title": "Upkeep", "type": "integer", "minimum": 0, "maximum": 3, "default": 2},
        "doors": {"title": "Doors", "enum": [0, 1, 2, 3, 4, 5, 6]},
        "persons": {
            "title": "Seats",
            "type": "number",
            "exclusiveMinimum": -1,
            "description": "More than two?",
        },
        "lug_boot": {"title": "Boot", "type": "string", "pattern": "^[0-2]$"},
        "safety": {"title": "Safe", "type": "boolean"},
    }
    document = {
        "title": "Cars by number",
        "contentType": "text/csv",
        "input": {"type": "object", "properties": inputs, "required": list(inputs)[:5]},
        "output": {"kind": "raw"},
    }
    url = model_pages.page(server, cars)
    key = f"{cars}/page.json"
    s3 = server.client("s3")
    s3.put_object(Bucket=model_pages.BUCKET, Key=key, Body=json.dumps(document).encode())
    try:
        page = visitor.page
        page.goto(url)
        ask(page)
        expect(page.get_by_text("This is needed.")).to_have_count(3)
        price = page.get_by_role("textbox", name="Price")
        price.fill("2.2")
        ask(page)
        expect(page.get_by_text("In steps of 0.5 k€.")).to_be_visible()
        price.fill("7")
        ask(page)
        expect(page.get_by_text("From 0 to 3 k€.")).to_be_visible()
        page.get_by_role("slider", name="Price, as a slider").fill("1.5")
        expect(price).to_have_value("1.5")
        expect(page.get_by_text("From 0 to 3 k€.")).to_have_count(0)
        page.get_by_role("combobox", name="Doors").select_option("3")
        page.get_by_role("textbox", name="Seats").fill("2")
        page.get_by_role("textbox", name="Boot").fill("1")
        sent: list[str] = []
        page.on("request", lambda one: sent.append(one.post_data or "") if one.method == "POST" else None)
        ask(page)
        expect(page.get_by_role("group", name="The answer as it came")).to_be_visible()
        assert sent == ["1.5,2,3,2,1,"]
        visitor.well("app-numbers")
    finally:
        s3.put_object(Bucket=model_pages.BUCKET, Key=key, Body=json.dumps(model_pages.DOCUMENT).encode())


def test_on_a_phone(browser: Browser, server: RealClary, cars: str) -> None:
    with console(browser, server.url, width=390, height=844) as visitor:
        page = visitor.page
        page.goto(model_pages.page(server, cars))
        ask(page)
        bars = page.get_by_role("list", name="Probabilities")
        expect(bars).to_be_visible()
        expect(page.get_by_role("region", name="Answer")).to_be_in_viewport(ratio=0.5)  # it stands below the form
        assert not overflows(page)
        visitor.well("app-phone")
        for name in ("Many rows", "Code"):
            page.get_by_role("tab", name=name).click()
            assert not overflows(page)


def test_its_source_works_elsewhere(visitor: Console, server: RealClary, cars: str, tmp_path: Path) -> None:
    page = visitor.page
    page.goto(model_pages.page(server, cars))
    with page.expect_download() as download:
        page.get_by_role("button", name="Copy this page's source").click()
    assert download.value.suggested_filename == "cars.html"
    source = Path(download.value.path()).read_text()
    assert f'<meta name="clary-base" content="{server.url}/apps/cars"' in source
    (tmp_path / "mine.html").write_text(source)
    serves = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serves) as elsewhere:
        Thread(target=elsewhere.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{elsewhere.server_port}/mine.html")
        ask(page)
        expect(page.get_by_role("region", name="Answer").get_by_role("status")).to_contain_text("vgood")
        visitor.complaints[:] = [one for one in visitor.complaints if "favicon" not in one]
        visitor.well("app-elsewhere")
        elsewhere.shutdown()


def test_a_page_that_is_not_there(visitor: Console, server: RealClary, cars: str) -> None:
    url = model_pages.page(server, cars)
    page = visitor.page
    page.goto(url)
    expect(page.get_by_role("button", name="Ask the model")).to_be_visible()
    model_pages.gone(server, cars)
    ask(page)
    expect(page.get_by_role("alert")).to_contain_text("There is no such page")
    visitor.complaints.clear()
    page.goto(url)
    expect(page.get_by_role("heading", name="No such page")).to_be_visible()


def test_a_page_is_made_in_the_console(tab: Console, server: RealClary, cars: str) -> None:
    model_pages.gone(server, cars)
    page, iam = tab.page, server.client("iam")
    tab.go(f"/endpoints/{cars}")
    expect(page.get_by_text("This endpoint has no page")).to_be_visible()
    page.get_by_role("button", name="Make a page").click()
    made = page.get_by_role("dialog")
    expect(made.get_by_role("radio", name="The form that the model's package brings")).to_be_checked()
    rate = made.get_by_role("textbox", name="Requests a minute")
    rate.fill("often")
    made.get_by_role("button", name="Make the page").click()
    expect(made.get_by_text("A whole number from 1 to 100000.")).to_be_visible()
    rate.fill("90")
    made.get_by_role("button", name="Make the page").click()
    expect(page.get_by_text("The token is shown once")).to_be_visible()
    expect(page.get_by_text("90 from one address")).to_be_visible()
    link = page.get_by_text(f"{server.url}/apps/{cars}#token=").text_content() or ""
    role = app_roles.role_name(cars)
    arn = server.client("sagemaker").describe_endpoint(EndpointName=cars)["EndpointArn"]
    granted = iam.get_role_policy(RoleName=role, PolicyName=app_roles.POLICY)["PolicyDocument"]
    assert granted == json.loads(app_roles.grant(arn, f"s3://{model_pages.BUCKET}/{cars}/page.json"))
    tab.well("app-console")

    page.goto(link)
    ask(page)
    expect(page.get_by_role("region", name="Answer").get_by_role("status")).to_contain_text("vgood")

    # A form of one's own: what is wrong with it is said where it is written, and nothing is kept before it is right.
    tab.go(f"/endpoints/{cars}")
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Change").click()
    change = page.get_by_role("dialog")
    change.get_by_role("radio", name="Everybody with the link").check()
    change.get_by_role("radio", name="A form that I write").check()
    document = change.get_by_role("textbox", name="Document")
    document.fill('{"title": "Mine", "input": {"properties": {}}}')
    change.get_by_role("button", name="Change", exact=True).click()
    expect(change.get_by_text("input.properties At least one property is needed")).to_be_visible()
    document.fill(json.dumps({**model_pages.DOCUMENT, "title": "Cars, said otherwise"}))
    assert tab.axe() == []
    change.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("Everybody with the link")).to_be_visible()
    expect(page.get_by_role("link", name=f"s3://{model_pages.BUCKET}/apps/{cars}/page.json")).to_be_visible()
    page.goto(f"{server.url}/apps/{cars}")
    expect(page.get_by_role("heading", name="Cars, said otherwise")).to_be_visible()

    tab.go(f"/endpoints/{cars}")
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("This endpoint has no page")).to_be_visible()
    assert role not in [one["RoleName"] for one in iam.list_roles(PathPrefix="/apps/")["Roles"]]
    assert tab.complaints == []
