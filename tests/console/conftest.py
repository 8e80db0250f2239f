"""A signed-in console over the server of the module."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from clary.services.signin.page import STATIC
from tests.console.browser import Console, chromium, console, launch
from tests.real import RealClary

MUST = "console" in os.environ.get("CLARY_TEST_NEEDS", "").split(",")
"""Here a browser has to be there: without one the tests fail."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    needed = "the console's tests need Chromium: apt-get install chromium"
    if chromium() is None and MUST:
        pytest.fail(needed)
    if chromium() is None:
        pytest.skip(needed)
    if not MUST and not (STATIC / "index.html").exists() and "CLARY_CONSOLE_DIR" not in os.environ:
        pytest.skip("the console is not built: make console")
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


def link(server: RealClary) -> str:
    """A fresh one-time link, as `clary console` prints it."""
    command = [sys.executable, "-m", "clary", "console", "--home", str(server.home), "--json"]
    url: str = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["url"]
    return url


@pytest.fixture
def tab(browser: Browser, server: RealClary) -> Iterator[Console]:
    """Signed in as the owner, at 1280 x 900."""
    with console(browser, server.url) as opened:
        opened.sign_in(link(server))
        yield opened
