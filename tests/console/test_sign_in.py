"""Coming in, going out, and what must not be able to take a session away."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browser import Console, console
from tests.console.conftest import link
from tests.real import RealClary

pytestmark = [pytest.mark.slow, pytest.mark.server]
WELCOME = "Sign in with access keys"


@pytest.fixture(scope="module", autouse=True)
def lake(server: RealClary) -> None:
    server.client("s3").create_bucket(Bucket="lake")


def test_a_link_signs_in_once_and_leaves_nothing_in_the_address_bar(browser: Browser, server: RealClary) -> None:
    one = link(server)
    with console(browser, server.url) as tab:
        tab.sign_in(one)
        assert tab.page.url == f"{server.url}/console/"
        expect(tab.page.get_by_role("button", name=re.compile("who you are")).first).to_contain_text("root")
        kept = tab.page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
        assert "secret" not in kept.lower() and "ASIA" not in kept
    with console(browser, server.url) as tab:
        tab.page.goto(one)
        expect(tab.page.get_by_text("This sign-in link was used before")).to_be_visible()
        tab.complaints.clear()  # the browser tells of the refused request itself
        tab.well("sign-in-used")


def test_the_door_looks_well_and_keys_open_it(browser: Browser, server: RealClary) -> None:
    keys = server.client("iam")
    keys.create_user(UserName="ann")
    keys.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    key = keys.create_access_key(UserName="ann")["AccessKey"]
    with console(browser, server.url) as tab:
        tab.go("/pipelines")
        expect(tab.page.get_by_role("heading", name=WELCOME)).to_be_visible()
        tab.well("sign-in")
        tab.page.get_by_label("Access key ID").fill(key["AccessKeyId"])
        tab.page.get_by_label("Secret access key").fill("wrong")
        tab.page.get_by_role("button", name="Sign in").click()
        expect(tab.page.get_by_text("These keys do not sign in")).to_be_visible()
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
        tab.page.get_by_label("Secret access key").fill(key["SecretAccessKey"])
        tab.page.get_by_role("button", name="Sign in").click()
        expect(tab.page.get_by_role("button", name=re.compile("who you are")).first).to_contain_text("ann")
        assert tab.page.url == f"{server.url}/console/pipelines", "the deep link is where one comes out"
        assert not any(key["SecretAccessKey"] in one for one in asked), "the secret never leaves the page"


def test_a_session_outlives_a_reload_is_shared_with_new_tabs_and_ends_by_signing_out(tab: Console) -> None:
    areas = tab.page.get_by_role("navigation", name="Areas").first
    tab.page.reload()
    expect(areas).to_be_visible()
    second = tab.page.context.new_page()
    second.goto(f"{tab.url}/console/models")
    expect(second.get_by_role("navigation", name="Areas").first).to_be_visible()
    tab.page.get_by_role("button", name=re.compile("who you are")).first.click()
    tab.page.get_by_role("menuitem", name="Sign out").click()
    expect(tab.page.get_by_role("heading", name=WELCOME)).to_be_visible()
    expect(second.get_by_role("heading", name=WELCOME)).to_be_visible()


def test_keys_are_renewed_before_they_expire(tab: Console) -> None:
    before = tab.page.evaluate("JSON.parse(sessionStorage['clary.session'])")
    tab.page.evaluate(
        "sessionStorage['clary.session'] = JSON.stringify({...JSON.parse(sessionStorage['clary.session']), expires: 1})"
    )
    tab.page.reload()
    expect(tab.page.get_by_role("button", name=re.compile("who you are")).first).to_contain_text("root")
    after = tab.page.evaluate("JSON.parse(sessionStorage['clary.session'])")
    assert after["accessKeyId"] != before["accessKeyId"] and after["expires"] > 1


@pytest.mark.parametrize(
    ("name", "kind"), [("page.html", "text/html"), ("page.svg", "image/svg+xml"), ("page.xml", "application/xhtml+xml")]
)
def test_an_object_that_is_a_page_cannot_take_the_session(
    tab: Console, server: RealClary, name: str, kind: str
) -> None:
    script = (
        "let got = 'nothing'; try { got = sessionStorage['clary.session'] || 'empty' } catch (e) { got = 'refused' }"
        "document.documentElement.setAttribute('data-got', got);"
        "try { const c = new BroadcastChannel('clary.session');"
        "c.onmessage = e => document.documentElement.setAttribute('data-got', JSON.stringify(e.data));"
        "c.postMessage({ask: true}) } catch (e) {}"
    )
    bodies = {
        "text/html": f"<html><body><script>{script}</script></body></html>",
        "image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[{script}]]></script></svg>',
        "application/xhtml+xml": '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>'
        f"<script><![CDATA[{script}]]></script></body></html>",
    }
    s3 = server.client("s3")
    s3.put_object(Bucket="lake", Key=name, Body=bodies[kind].encode(), ContentType=kind)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": name})
    # In the very tab of the session, which would hand its storage over to any page of the same origin.
    tab.page.goto(url)
    tab.page.wait_for_timeout(500)
    assert tab.page.evaluate("document.documentElement.getAttribute('data-got')") == "refused"


def test_no_file_of_the_home_holds_what_signs(browser: Browser, own_server: RealClary) -> None:
    own_server.up()
    one = link(own_server)
    code = one.partition("code=")[2]
    with console(browser, own_server.url) as tab:
        tab.sign_in(one)
        session = tab.page.evaluate("JSON.parse(sessionStorage['clary.session'])")
    own_server.client("cloudtrail").lookup_events()
    own_server.down()
    secrets = (code, session["secretAccessKey"], session["sessionToken"], session["refreshToken"])
    for file in own_server.home.rglob("*"):
        if file.is_file() and not file.is_symlink():
            held = file.read_bytes()
            for secret in secrets:
                assert secret.encode() not in held, f"{file.name} holds {secret[:12]}..."


def test_a_link_that_was_used_stays_used_after_a_kill(own_server: RealClary, browser: Browser) -> None:
    own_server.up()
    one = link(own_server)
    with console(browser, own_server.url) as tab:
        tab.sign_in(one)
    own_server.kill()
    own_server.up()
    with console(browser, own_server.url) as tab:
        tab.page.goto(one)
        expect(tab.page.get_by_text("This sign-in link was used before")).to_be_visible()


def test_on_a_phone_the_navigation_waits_to_be_asked(browser: Browser, server: RealClary) -> None:
    with console(browser, server.url, width=390, height=844) as tab:
        tab.page.goto(link(server))
        opener = tab.page.get_by_role("button", name="Open the navigation")
        expect(opener).to_be_visible()
        opener.click()
        expect(tab.page.get_by_role("link", name="Endpoints", exact=True)).to_be_visible()
        tab.shot("phone-navigation")
