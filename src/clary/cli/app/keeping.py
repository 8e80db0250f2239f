"""`clary app list`, `show`, `token`, `delete` and `source`: pages that are there."""

import json as json_
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import typer
from rich.table import Table

from clary import app_roles
from clary.cli.app import pages
from clary.cli.app.documents import finding
from clary.cli.app.documents.served import served
from clary.cli.app.pages import Page
from clary.cli.registry.tables import show as show_table
from clary.cli.registry.wire import Wire, connect, refusals
from clary.cli.say import err, fail, out
from clary.program import program


def every(home: Path | None, json: bool) -> None:
    """Each page, with what opens it and whether its endpoint serves."""
    wire = connect(home)
    with refusals():
        told = [_told(wire, page) for page in pages.every(wire)]
    if json:
        _print_json(told)
        return
    if not told:
        err.print(f"there are no pages; make one with: {program()} app create ENDPOINT", markup=False)
        return
    table = Table("endpoint", "status", "access", "a minute", "form", "link", box=None, pad_edge=False)
    for one in told:
        form = "yes" if one["Document"] else "raw"
        status = one["EndpointStatus"] or "no endpoint"
        table.add_row(one["Endpoint"], status, one["Access"], str(one["Rate"]), form, one["Link"])
    show_table(table)


def show(home: Path | None, endpoint: str, json: bool) -> None:
    """One page: its link, and how a program asks the model through it."""
    wire = connect(home)
    with refusals():
        page = pages.named(wire, endpoint)
        told = _told(wire, page)
        curl = _curl(wire, page)
    if json:
        _print_json({**told, "Curl": curl})
        return
    out.print(told["Link"], markup=False)
    opens = "public" if page.access == "public" else "with its token (not kept; a new one: "
    more = "" if page.access == "public" else f"{program()} app token {endpoint})"
    for label, text in (
        ("access", opens + more),
        ("rate", f"{page.rate} requests a minute and address"),
        ("endpoint", told["EndpointStatus"] or "there is none of that name"),
        ("form", page.document or "none: a box for a raw request"),
        (
            "role",
            f"{page.role}" + ("" if page.whole else f" (half made; finish it: {program()} app create {endpoint})"),
        ),
    ):
        out.print(f"  {label:<9} {text}", markup=False)
    out.print(f"\n{curl}", markup=False)


def token(home: Path | None, endpoint: str, json: bool) -> None:
    """The page has a new token; the old one opens nothing from now on."""
    wire = connect(home)
    with refusals():
        page = pages.named(wire, endpoint)
        if page.access == "public":
            fail(f"the page of {endpoint} is public", f"close it with: {program()} app create {endpoint} --token")
        new = pages.new_token()
        tags = [{"Key": app_roles.TAG_TOKEN, "Value": app_roles.digest(new)}]
        wire.client("iam").tag_role(RoleName=page.role, Tags=tags)
    link = pages.link(wire, endpoint, new)
    if json:
        _print_json({"Endpoint": endpoint, "Link": link, "Token": new})
        return
    out.print(link, markup=False)
    err.print("whoever has the old link needs this one from now on", markup=False)


def delete(home: Path | None, endpoint: str, json: bool) -> None:
    """There is no page of the endpoint any more, also when it was half gone. Its document stays."""
    wire = connect(home)
    with refusals():
        page, iam = pages.named(wire, endpoint), wire.client("iam")
        for name in iam.list_role_policies(RoleName=page.role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=page.role, PolicyName=name)
        for one in iam.list_attached_role_policies(RoleName=page.role)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=page.role, PolicyArn=one["PolicyArn"])
        iam.delete_role(RoleName=page.role)
    if json:
        _print_json({"Endpoint": endpoint, "RoleName": page.role, "Document": page.document})
        return
    out.print(f"the page of {endpoint} is gone; the endpoint serves as before", markup=False)
    if page.document:
        out.print(f"its document stays: {page.document}", markup=False)


def source(home: Path | None, endpoint: str, to: Path | None, json: bool) -> None:
    """A file to start a page of one's own from: one HTML file that asks this server."""
    wire = connect(home)
    with refusals():
        page = pages.named(wire, endpoint)
    text = _get(f"{pages.link(wire, page.endpoint)}/source")
    if to is not None:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"{to} cannot be written: {error.strerror}")
    if json:
        _print_json({"Endpoint": endpoint, "File": str(to)} if to else {"Endpoint": endpoint, "Source": text})
    elif to is None:
        sys.stdout.write(text)
    else:
        out.print(f"{to} asks {pages.link(wire, endpoint)}; open it in a browser, or serve it anywhere", markup=False)


def _get(url: str) -> str:
    """Ends the command when the server has no such file."""
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(url, timeout=30) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", "replace").strip()
        fail("the server has no source of the page", said if error.code == 503 else f"it answers {error.code}")
    except (urllib.error.URLError, TimeoutError) as error:
        fail(f"{url} cannot be read: {error}")


def _told(wire: Wire, page: Page) -> dict[str, Any]:
    found = served(wire, page.endpoint)
    return {
        "Endpoint": page.endpoint,
        "EndpointStatus": found.status if found is not None else None,
        "Link": pages.link(wire, page.endpoint),
        "Access": page.access,
        "Rate": page.rate,
        "Document": page.document,
        "RoleName": page.role,
        "Whole": page.whole,
    }


def _curl(wire: Wire, page: Page) -> str:
    """A request that can be pasted; its body is the first example, where there is one."""
    document = finding.readable(wire, page.document) if page.document else None
    kind, body = _request(document or {})
    lines = [f"curl {pages.link(wire, page.endpoint)}/invocations", f"-H 'Content-Type: {kind}'"]
    if page.access == "token":
        lines.append('-H "Authorization: Bearer $TOKEN"')
    return " \\\n  ".join([*lines, f"--data-binary {body}"])


def _request(document: Mapping[str, Any]) -> tuple[str, str]:
    """(content type, what curl is to send)"""
    kind = str(document.get("contentType") or "text/csv")
    properties, examples = document.get("input", {}).get("properties", {}), document.get("examples") or []
    if not examples or kind not in ("text/csv", "application/json"):
        return kind, "@FILE"
    values = examples[0]["values"]
    if kind == "application/json":
        body = json_.dumps({"instances": [values]} if document.get("body") == "instances" else values)
    else:
        body = ",".join(_cell(values.get(name, "")) for name in properties)
    return kind, "'" + body.replace("'", "'\\''") + "'"


def _cell(value: Any) -> str:
    text = json_.dumps(value) if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text


def _print_json(told: Any) -> None:
    typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
