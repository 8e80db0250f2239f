"""GET /console/...: the console's files, as its build left them. It is one more client of the public wire.

Answered to unsigned requests only: what is signed asks S3, and a bucket may be called console. (What such a bucket
serves to everybody is not to be had under /console/, but by its host name.)
"""

import mimetypes
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from clary import __version__
from clary.aws.anonymous import is_unsigned
from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.http import Answer, Request
from clary.aws.sigv2 import REGION
from clary.services.signin.api import service

STATIC: Final = Path(__file__).parent / "static"
_UNBUILT: Final = "The console is not built in this checkout. Build it with: make console\n"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_COMMON: Final = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


@dataclass(frozen=True, slots=True)
class Console:
    """The port: where the built files are, and which region the page shall sign for."""

    root: Path
    region: str

    @classmethod
    def of(cls, directory: str, region: str) -> "Console":
        """`directory`: where the built files are; "": the package's own."""
        return cls(Path(directory) if directory else STATIC, region)


def _wants(request: Request) -> bool:
    if request.method not in ("GET", "HEAD"):
        return False
    return (request.path == b"/console" or request.path.startswith(b"/console/")) and is_unsigned(request)


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
            return Answer(404, [(b"content-type", b"text/plain"), *_COMMON], b"There is no such file.\n")
    return page(console, "index.html")


def page(console: Console, name: str) -> Answer:
    """A page of the build, told where it is. Never kept: it names the files of the newest build."""
    try:
        text = (console.root / name).read_text()
    except FileNotFoundError:
        return Answer(503, [(b"content-type", b"text/plain; charset=utf-8"), *_COMMON], _UNBUILT.encode())
    for meta, value in (("clary-region", console.region), ("clary-version", __version__)):
        before, found, after = text.partition(f'<meta name="{meta}" content="')
        if found:
            text = f'{before}{found}{escape(value)}"{after.partition(chr(34))[2]}'
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache"), *_COMMON]
    return Answer(200, headers, text.encode())


def file(root: Path, name: str, encodings: str) -> Answer | None:
    """A file of the build; None: there is none of that name. Names of assets carry a digest, so they are kept."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "application/json"):
        kind += "; charset=utf-8"
    keep = b"public, max-age=31536000, immutable" if name.startswith("assets/") else b"no-cache"
    headers = [(b"content-type", kind.encode()), (b"cache-control", keep), (b"vary", b"accept-encoding"), *_COMMON]
    packed = path.with_name(f"{path.name}.br")
    if "br" in encodings and packed.is_file():
        return Answer(200, [*headers, (b"content-encoding", b"br")], packed.read_bytes())
    return Answer(200, headers, path.read_bytes())


service.door(Door("Console", _wants, _answer))
