"""Pictures of pages of the console, to be looked at.

    python tools/look.py --home HOME [--width 1280] [--themes light,dark] [--out build/look] /pipelines ...

Prints the file of each picture, what the page complained about, and the rules of accessibility that it breaks.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.console.browser import console, launch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--home", required=True)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--themes", default="light,dark")
    parser.add_argument("--out", type=Path, default=Path("build/look"))
    parser.add_argument("--wait", type=float, default=1.5, help="seconds before each picture")
    parser.add_argument("paths", nargs="+")
    asked = parser.parse_args()
    command = [sys.executable, "-m", "clary", "console", "--home", asked.home, "--json"]
    link: str = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["url"]
    asked.out.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as playwright,
        console(launch(playwright), link.partition("/console")[0], width=asked.width, height=asked.height) as tab,
    ):
        tab.sign_in(link)
        for path in asked.paths:
            tab.complaints.clear()
            tab.go(path)
            name = path.strip("/").replace("/", "-").replace("?", "-")[:60] or "home"
            tab.page.wait_for_timeout(asked.wait * 1000)
            for theme in asked.themes.split(","):
                tab.theme(theme)
                tab.page.wait_for_timeout(300)
                file = asked.out / f"{name}-{asked.width}-{theme}.png"
                tab.page.screenshot(path=file, full_page=True)
                print(file)
                for broken in tab.axe():
                    print("  axe:", broken)
            for complaint in tab.complaints:
                print("  complaint:", complaint)


if __name__ == "__main__":
    main()
