"""Files of the console's build, for the doors that show them: pages, and the assets that they name.

A door takes a path of the server for itself. What is signed asks S3 at the same path, and so does a host name that
means a bucket or one of AWS's services: a bucket may be called like a door.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from clary import __version__
from clary.aws.anonymous import is_unsigned
from clary.aws.hosts import bucket_of, endpoint_prefix_of
from clary.aws.http import Answer, Request

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
COMMON: Final = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
"""What every answer to a browser carries."""
_UNBUILT: Final = "The console is not built in this checkout. Build it with: make console\n"


@dataclass(frozen=True, slots=True)
class Console:
    """The port: where the built files are, and which region the page shall sign for."""

    root: Path
    region: str


def is_own(request: Request) -> bool:
    """Nobody signed it, and its host name means this server and nothing else that is served here. A bearer's token is
    no signature of AWS's."""
    host = request.headers.get("host", "")
    if bucket_of(host) or endpoint_prefix_of(host) is not None:
        return False
    return request.headers.get("authorization", "")[:7].lower() == "bearer " or is_unsigned(request)


def page(console: Console, name: str, told: Mapping[str, str] | None = None, status: int = 200) -> Answer:
    """A page of the build, told where it is, in its <meta> elements; `told` is more to tell. Never kept: it names the
    files of the newest build."""
    try:
        text = (console.root / name).read_text()
    except FileNotFoundError:
        return Answer(503, [(b"content-type", b"text/plain; charset=utf-8"), *COMMON], _UNBUILT.encode())
    for meta, value in {"clary-region": console.region, "clary-version": __version__, **(told or {})}.items():
        before, found, after = text.partition(f'<meta name="{meta}" content="')
        if found:
            text = f'{before}{found}{escape(value)}"{after.partition(chr(34))[2]}'
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache"), *COMMON]
    return Answer(status, headers, text.encode())


def file(root: Path, name: str, encodings: str) -> Answer | None:
    """A file of the build; None: there is none of that name. Names of assets carry a digest, so they are kept."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "application/json"):
        kind += "; charset=utf-8"
    keep = b"public, max-age=31536000, immutable" if name.startswith("assets/") else b"no-cache"
    headers = [(b"content-type", kind.encode()), (b"cache-control", keep), (b"vary", b"accept-encoding"), *COMMON]
    packed = path.with_name(f"{path.name}.br")
    if "br" in encodings and packed.is_file():
        return Answer(200, [*headers, (b"content-encoding", b"br")], packed.read_bytes())
    return Answer(200, headers, path.read_bytes())
