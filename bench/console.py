"""How soon the console is seen by a headless Chromium that has nothing cached: the page to sign in, and Home.

The peer is Python's own http.server with the same files, not packed: what a browser needs for them on this machine.
"""

import functools
import http.server
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import report, servers
from clary import home as homes
from clary.config import read
from clary.services.signin.page import STATIC

_PAINTED = """() => new Promise(found => {
  const look = () => {
    const one = performance.getEntriesByName("first-contentful-paint")[0]
    one ? found(one.startTime) : setTimeout(look, 5)
  }
  look()
})"""


def main(smoke: bool) -> None:
    missing = _missing()
    if missing:
        report.keep("console", {}, {}, smoke=True, notes=[missing])
        return
    runs = 1 if smoke else 7
    from playwright.sync_api import sync_playwright

    from tests.console.browser import launch

    with sync_playwright() as playwright, servers.clary() as server, _plain() as plain:
        browser = launch(playwright)
        config = read(home=server.home)
        door = [_seen(browser, f"{server.url}/console/", "heading") for _ in range(runs + 1)][1:]
        inside = [_seen(browser, homes.sign_in_link(config, server.url), "navigation") for _ in range(runs)]
        peer = [_seen(browser, f"{plain}/console/", "heading") for _ in range(runs)]
        browser.close()
    figures = {
        "sign_in": _medians(door),
        "home_signed_in": _medians(inside),
        "sign_in_by_http_server": _medians(peer),
        "megabytes": {
            "built": _megabytes("*", packed=False),
            "first_page_packed": round(statistics.median(one["bytes"] for one in inside) / 1e6, 2),
        },
    }
    ratios = {"first_paint_vs_http_server": _ratio(figures)}
    notes = [
        "medians, ms after the navigation began; painted is first-contentful-paint, there is the page's own content"
    ]
    report.keep("console", figures, ratios, smoke=smoke, notes=notes)


def _missing() -> str:
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "not measured: Playwright is not installed"
    if not any(shutil.which(name) for name in ("chromium", "google-chrome")):
        return "not measured: there is no Chromium"
    return "" if (STATIC / "index.html").exists() else "not measured: the console is not built (make console)"


def _seen(browser: Any, url: str, role: str) -> dict[str, float]:
    """One visit by a browser that was never there: ms until something and until the page itself was painted."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        began = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.get_by_role(role).first.wait_for()
        there = (time.perf_counter() - began) * 1e3
        sent = "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"
        return {"painted": page.evaluate(_PAINTED), "there": there, "bytes": page.evaluate(sent)}
    finally:
        context.close()


def _medians(seen: list[dict[str, float]]) -> dict[str, float]:
    return {f"{name}_ms": round(statistics.median(one[name] for one in seen), 1) for name in ("painted", "there")}


def _ratio(figures: dict[str, Any]) -> float:
    ratio: float = figures["sign_in"]["painted_ms"] / figures["sign_in_by_http_server"]["painted_ms"]
    return round(ratio, 2)


def _megabytes(pattern: str, *, packed: bool) -> float:
    files = (one for one in STATIC.rglob(pattern) if one.is_file() and (one.suffix == ".br") == packed)
    return round(sum(one.stat().st_size for one in files) / 1e6, 2)


@contextmanager
def _plain() -> Iterator[str]:
    """The files under /console/, by the standard library's server."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "console").symlink_to(STATIC)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=scratch))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
