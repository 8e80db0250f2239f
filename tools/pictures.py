"""The pictures of the docs, taken anew: python tools/pictures.py [--out docs/images]

Goes the whole road of the car-evaluation example in a browser over a server of its own, sends some requests, and takes
pictures on the way. Needs Chromium; `pngquant` makes the files smaller where it is installed.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.console import test_journey as journey
from tests.console.browser import Console, console, launch
from tests.console.conftest import link
from tests.real import RealClary

LOAD_SECONDS = 75.0


class Album:
    """Pictures of what one sees first of a page, 1280 x 860."""

    def __init__(self, out: Path) -> None:
        self.out = out
        out.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(1200)  # charts and graphs have come to rest
        path = self.out / f"{name}.png"
        page.screenshot(path=path)
        if shutil.which("pngquant"):
            subprocess.run(["pngquant", "--force", "--ext", ".png", "--quality", "70-95", str(path)], check=False)
        print(path, f"{path.stat().st_size / 1e3:.0f} KB")


def play(tab: Console, server: RealClary, album: Album) -> None:
    journey.start(tab)
    journey.watch(tab)
    tab.page.evaluate("document.querySelector('.react-flow')?.scrollIntoView({block: 'center'})")
    album.take(tab.page, "pipeline")
    journey.approve(tab)
    tab.page.reload()
    tab.page.get_by_role("heading", name="Lineage").wait_for()
    tab.page.wait_for_timeout(3000)
    tab.page.get_by_role("heading", name="Lineage").evaluate("node => node.scrollIntoView({block: 'start'})")
    tab.page.mouse.wheel(0, -140)
    album.take(tab.page, "lineage")
    endpoint = journey.deploy(tab)
    visitor = journey.make_page(tab, endpoint)
    visitor.set_viewport_size({"width": 1280, "height": 860})
    visitor.get_by_role("button", name="A safe family car").click()
    visitor.get_by_role("button", name="Ask the model").click()
    visitor.get_by_role("region", name="Answer").get_by_text("vgood").first.wait_for()
    visitor.evaluate("scrollTo(0, 0)")
    album.take(visitor, "app")
    visitor.context.close()
    ask(server, endpoint)
    tab.go(f"/endpoints/{endpoint}")
    tab.page.get_by_text("Time line").wait_for()
    tab.theme("dark")
    album.take(tab.page, "endpoint-dark")
    tab.theme("light")
    tab.go("/")
    tab.page.get_by_role("link", name=endpoint).first.wait_for()
    album.take(tab.page, "home")


def ask(server: RealClary, endpoint: str) -> None:
    """Requests, in waves, so that there is something to be seen."""
    runtime = server.client("sagemaker-runtime")
    until = time.monotonic() + LOAD_SECONDS

    def client(number: int) -> None:
        while time.monotonic() < until:
            runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body="0,0,2,2,2,2")
            time.sleep(0.02 + 0.1 * abs((time.monotonic() * (1 + number) / 15) % 2 - 1))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the pictures of the docs anew.")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        server = RealClary(Path(scratch) / "home").up()
        try:
            browser: Any = launch(playwright)
            with console(browser, server.url, height=860) as tab:
                tab.sign_in(link(server))
                play(tab, server, Album(asked.out))
        finally:
            server.sweep()


if __name__ == "__main__":
    main()
