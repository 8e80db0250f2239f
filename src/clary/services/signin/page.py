"""GET /console/...: the console's files, as its build left them. It is one more client of the public wire.

Answered to unsigned requests only: what is signed asks S3, and a bucket may be called console. (What such a bucket
serves to everybody is not to be had under /console/, but by its host name.)
"""

from pathlib import Path
from typing import Final

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.http import Answer, Request
from clary.aws.sigv2 import REGION
from clary.aws.static import COMMON, Console, file, is_own, page
from clary.services.signin.api import service

STATIC: Final = Path(__file__).parent / "static"


def console_of(directory: str, region: str) -> Console:
    """`directory`: where the built files are; "": the package's own."""
    return Console(Path(directory) if directory else STATIC, region)


def _wants(request: Request) -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    if request.path != b"/console" and not request.path.startswith(b"/console/"):
        return False
    return is_own(request)


async def _answer(porch: Porch) -> Answer:
    console = porch.context(ANONYMOUS, REGION).port(Console)
    request = porch.request
    if request.path == b"/console":
        return Answer(308, [(b"location", b"/console/")])
    name = request.path.removeprefix(b"/console/").decode("latin-1")
    if name.startswith("assets/") or "." in name.rpartition("/")[2]:
        found = file(console.root, name, request.headers.get("accept-encoding", ""))
        if found is not None:
            return found
        if name.startswith("assets/"):
            return Answer(404, [(b"content-type", b"text/plain"), *COMMON], b"There is no such file.\n")
    return page(console, "index.html")


service.door(Door("Console", _wants, _answer))
