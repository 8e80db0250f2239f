"""A headless Chromium on the console of a real server: signed in, watched for errors, measured by axe's rules."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "console/node_modules/axe-core/axe.min.js"
SHOTS = ROOT / "build/screenshots"
PATIENCE_MS = 20_000
"""How long anything on a page may take where other tests run beside it."""

expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str | None:
    """The machine's own browser."""
    return os.environ.get("CLARY_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def launch(playwright: Playwright) -> Browser:
    """Without the traffic that a browser has of its own accord: nothing here may leave the machine."""
    quiet = (
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--force-color-profile=srgb",
    )
    return playwright.chromium.launch(executable_path=chromium(), args=[*quiet], headless=True)


class Console:
    """One tab, and all that it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self.complaints.append(f"{message.type}: {message.text} ({where})")

    def sign_in(self, link: str) -> None:
        self.page.goto(link)
        expect(self.page.get_by_role("navigation", name="Areas").first).to_be_visible()

    def go(self, path: str) -> None:
        """A deep link of the console, for example "/pipelines"."""
        self.page.goto(f"{self.url}/console{path}")

    def shot(self, name: str) -> Path:
        """A picture for people to look at, kept as an artefact."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path

    def both_themes(self, name: str) -> None:
        for theme in ("light", "dark"):
            self.theme(theme)
            self.shot(f"{name}-{theme}")
        self.theme("light")

    def theme(self, theme: str) -> None:
        button = self.page.get_by_role("button", name=f"Show the {theme} theme")
        if button.count() and button.first.is_visible():
            # Not by the pointer: a dialog may stand over the bar, and shall be seen in both themes, too.
            button.first.evaluate("node => node.click()")
        expect(self.page.locator(f"html[data-theme={theme}]")).to_be_attached()

    def axe(self, *, exclude: tuple[str, ...] = ()) -> list[str]:
        """What breaks the rules of accessibility (WCAG 2.1 A and AA), one line each."""
        self.page.evaluate(AXE.read_text())
        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
        run = f"([exclude]) => axe.run({{exclude: exclude.map(one => [one])}}, {{runOnly: {rules}}})"
        found = self.page.evaluate(run, [list(exclude)])
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: "
            + json.dumps([node["target"] for node in one["nodes"][:3]])
            for one in found["violations"]
        ]

    def well(self, name: str) -> None:
        """The page as it stands breaks no rule and complained of nothing; pictures of both themes are kept."""
        self.both_themes(name)
        assert self.axe() == [], self.axe()
        assert self.complaints == []


@contextmanager
def console(browser: Browser, url: str, *, width: int = 1280, height: int = 900) -> Iterator[Console]:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        accept_downloads=True,
        reduced_motion="reduce",
        color_scheme="light",
    )
    try:
        yield Console(context.new_page(), url)
    finally:
        context.close()
