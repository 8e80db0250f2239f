"""/apps/<endpoint>: the page of a model's users, and what its programs ask.

    GET  /apps/<endpoint>               the page
    GET  /apps/<endpoint>/source        a file to start a page of one's own from
    GET  /apps/<endpoint>/app.json      what it is about
    POST /apps/<endpoint>/invocations   a request to the model

Answered to requests that nobody signed. What is signed asks S3: a bucket may be called apps. (What such a bucket serves
to everybody is not to be had under /apps/, but by its host name.)
"""

import logging
from html import escape
from typing import Final

from clary.aws.credentials import ANONYMOUS
from clary.aws.doors import Door, Porch
from clary.aws.http import Answer, ClientGone, Request
from clary.aws.service import Context
from clary.aws.sigv2 import REGION
from clary.aws.static import COMMON, Console, is_own, page
from clary.services.sagemaker_runtime.apps.admission import admit, remember
from clary.services.sagemaker_runtime.apps.answers import Refusal, is_preflight, no_page, preflight, refused, said
from clary.services.sagemaker_runtime.apps.asking import ask
from clary.services.sagemaker_runtime.apps.grants import App, find
from clary.services.sagemaker_runtime.apps.telling import told
from clary.services.sagemaker_runtime.invoke import service

LOG = logging.getLogger(__name__)

_TOP: Final = b"/apps"
_METHODS: Final = {"": "GET, HEAD", "source": "GET, HEAD", "app.json": "GET, HEAD", "invocations": "POST"}
"""What is below a page, and how it is asked for."""
_OPEN: Final = ("source", "app.json", "invocations")
"""What pages of any origin may ask for: a copied page is one."""
_LOST: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body {{ font: 1.1rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem }}</style>
<main><h1>{title}</h1><p>{text}</p></main>
</html>
"""


def _wants(request: Request) -> bool:
    if request.path != _TOP and not request.path.startswith(_TOP + b"/"):
        return False
    match request.method:
        case "GET" | "HEAD":
            return is_own(request)
        case "POST":  # one without a page's name, and a form, are for a bucket
            endpoint, below = _parts(request)
            is_form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
            return endpoint != "" and (below == "invocations" or not is_form) and is_own(request)
        case "OPTIONS":
            return _parts(request)[1] in _OPEN and is_own(request) and is_preflight(request)
    return False


def _parts(request: Request) -> tuple[str, str]:
    """(endpoint, what is asked of it)."""
    endpoint, _, below = request.path[len(_TOP) + 1 :].decode("latin-1").partition("/")
    return endpoint, below


async def _answer(porch: Porch) -> Answer:
    if porch.request.method == "OPTIONS":
        return preflight()
    endpoint, below = _parts(porch.request)
    ctx = porch.context(ANONYMOUS, REGION)
    try:
        app = find(ctx, endpoint)
        if porch.request.method in ("GET", "HEAD") and below in ("", "source"):
            return _lost(endpoint) if app is None else _shown(ctx, porch.request, app, below)
        if app is None:
            raise no_page(endpoint)
        return await _served(ctx, porch, app, below)
    except Refusal as refusal:
        return refused(refusal)
    except ClientGone:
        raise
    except Exception:
        LOG.exception("the page of a model failed", extra={"endpoint": endpoint})
        return refused(Refusal(500, "InternalFailure", "Something went wrong here, and it is not your request."))


async def _served(ctx: Context, porch: Porch, app: App, below: str) -> Answer:
    if below not in _METHODS:
        raise Refusal(404, "NoSuchPage", f"A page has app.json, invocations and source, and no {below!r}.")
    asked = porch.request.method if porch.request.method != "HEAD" else "GET"
    if asked not in _METHODS[below]:
        allowed = _METHODS[below]
        raise Refusal(405, "MethodNotAllowed", f"This is asked for by {allowed}.", allow=allowed)
    admit(ctx, porch, app, asks=below == "invocations")
    remember(ctx, app)
    return await ask(porch, app) if below == "invocations" else said(await told(porch, app))


def _shown(ctx: Context, request: Request, app: App, below: str) -> Answer:
    """The page as it was built; it asks for everything else itself."""
    console = ctx.port(Console)
    named = {"clary-endpoint": app.endpoint, "clary-region": app.region}
    if below == "":
        return page(console, "app.html", named)
    base = f"{request.scheme}://{request.headers.get('host', '')}/apps/{app.endpoint}"
    answer = page(console, "app-source.html", {**named, "clary-base": base})
    if answer.status == 200:
        # A file to keep: its own scripts would have to be let in to show it from here.
        answer.headers.append((b"content-disposition", f'attachment; filename="{app.endpoint}.html"'.encode()))
        answer.headers.append((b"access-control-allow-origin", b"*"))
    return answer


def _lost(endpoint: str) -> Answer:
    title = "No such page"
    text = f"There is no page for a model called “{escape(endpoint)}” here. It was removed, or the link is not whole."
    if not endpoint:
        text = "The page of a model is at /apps/ and the name of its endpoint. Ask for the link of the one you want."
    body = _LOST.format(title=title, text=text).encode()
    return Answer(404, [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store"), *COMMON], body)


service.door(Door("App", _wants, _answer, first=True))
