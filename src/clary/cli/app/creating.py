"""`clary app create`: the page of an endpoint is there, as it was asked for. What was broken off is finished by asking
again.

The order is such that nothing opens before it is whole: first the document, then the role with its tags (the page is
there, and says that it may not ask), then the policy. A page that is changed gets the policy first, the tags last: a
document that it is told of it may read.
"""

import contextlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson
import typer

from clary import app_roles
from clary.cli.app import pages
from clary.cli.app.documents import finding
from clary.cli.app.documents.served import Served, served
from clary.cli.app.pages import Access, Page
from clary.cli.registry.wire import Wire, connect, refusals
from clary.cli.say import fail, out
from clary.program import program

_NAMEABLE: Final = re.compile(r"[\w .:/=+@-]{1,256}")
"""What the value of a tag may be: a document at another place is copied."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; None: nothing of that."""

    endpoint: str
    access: Access | None = None
    title: str | None = None
    description: str | None = None
    document: finding.Asked = field(default_factory=finding.Asked)
    again: bool = False
    """Look for the document anew."""
    raw: bool = False
    """No document."""
    rate: int | None = None
    bucket: str | None = None


def chosen(public: bool, token: bool) -> Access | None:
    return "public" if public else "token" if token else None


def create(home: Path | None, asked: Asked, json: bool) -> None:
    """The page is there, and what opens it is printed: a new token once, here."""
    given = finding.given(asked.document)  # what is wrong with it is said before anything is changed
    wire = connect(home)
    with refusals():
        before = pages.find(wire, asked.endpoint)
        about = served(wire, asked.endpoint)
        if about is None:
            fail(f"there is no endpoint {asked.endpoint}", f"look: {program()} run -- aws sagemaker list-endpoints")
        if before is not None and before.region not in ("", wire.variables["AWS_REGION"]):
            fail(f"{asked.endpoint} has a page already, for the endpoint of that name in {before.region}")
        origin, place = _document(wire, asked, given, about, before)
        page, token = _wanted(wire, asked, before, place)
        _make(wire, page, about, before)
    _print(wire, page, about, token, origin, json)


def _document(
    wire: Wire, asked: Asked, given: finding.Found | None, about: Served, before: Page | None
) -> tuple[str, str | None]:
    """(where it comes from, where it stands); None: there is none."""
    if asked.raw:
        return finding.NONE.origin, None
    retold = asked.title is not None or asked.description is not None
    if given is None and not asked.again and before is not None and (place := before.own_document) is not None:
        # It was made for this page, and perhaps edited since. (One that belongs to a package is looked up again: the
        # endpoint may serve another by now.)
        given = finding.kept(wire, place)
    found = given or finding.of_model(wire, about, asked.document.label)
    if found.document is None:
        if retold:
            fail("a page without a document has no title", "give it one with --document or --from-data")
        return found.origin, None
    if found.place is not None and not retold and asked.bucket is None and _NAMEABLE.fullmatch(found.place):
        return found.origin, found.place
    return found.origin, _put(wire, asked, found.document, before)


def _put(wire: Wire, asked: Asked, document: dict[str, Any], before: Page | None) -> str:
    """The document stands in S3, with the title that it shall have. Where."""
    told = dict(document)
    if asked.title is not None or not told.get("title"):
        told["title"] = asked.title if asked.title is not None else asked.endpoint
    if asked.description is not None:
        told["description"] = asked.description
    bucket = asked.bucket or _bucket(wire, before)
    body = orjson.dumps(told, option=orjson.OPT_INDENT_2)
    key = pages.document_key(asked.endpoint)
    wire.client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    return f"s3://{bucket}/{key}"


def _bucket(wire: Wire, before: Page | None) -> str:
    """The page's own, else the one that the SageMaker SDK would take, which is there afterwards."""
    if before is not None and (place := before.own_document) is not None:
        return place.removeprefix("s3://").partition("/")[0]
    account, region = wire.client("sts").get_caller_identity()["Account"], wire.variables["AWS_REGION"]
    name = f"sagemaker-{region}-{account}"
    s3 = wire.client("s3")
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, **where)
    return name


def _wanted(wire: Wire, asked: Asked, before: Page | None, place: str | None) -> tuple[Page, str | None]:
    """(the page, its token where it gets a new one). A page that was never whole gets a new one too: nobody has seen
    the one before."""
    access = asked.access or (before.access if before is not None else "token")
    rate = asked.rate or (before.rate if before is not None else app_roles.DEFAULT_RATE)
    page = Page(asked.endpoint, wire.variables["AWS_REGION"], access, None, rate, place, True)
    if access == "public":
        return page, None
    if before is not None and before.whole and before.access == "token" and before.token_sha256 is not None:
        return replace(page, token_sha256=before.token_sha256), None
    token = pages.new_token()
    return replace(page, token_sha256=app_roles.digest(token)), token


def _make(wire: Wire, page: Page, about: Served, before: Page | None) -> None:
    iam, name = wire.client("iam"), page.role
    tags = {
        app_roles.TAG_ENDPOINT: page.endpoint,
        app_roles.TAG_REGION: page.region,
        app_roles.TAG_ACCESS: page.access,
        app_roles.TAG_RATE: str(page.rate),
        app_roles.TAG_TOKEN: page.token_sha256,
        app_roles.TAG_DOCUMENT: page.document,
    }
    kept = [{"Key": key, "Value": value} for key, value in tags.items() if value is not None]
    grant = app_roles.grant(about.arn, page.document)
    put = {"RoleName": name, "PolicyName": app_roles.POLICY, "PolicyDocument": grant}
    if before is None:
        about_it = f"The page of the endpoint {page.endpoint}, /apps/{page.endpoint}"
        iam.create_role(
            RoleName=name,
            Path=app_roles.PATH,
            AssumeRolePolicyDocument=app_roles.trust(),
            Description=about_it,
            Tags=kept,
        )
        iam.put_role_policy(**put)
        return
    if before.whole:
        iam.put_role_policy(**put)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=app_roles.trust())
    iam.tag_role(RoleName=name, Tags=kept)
    if gone := [key for key, value in tags.items() if value is None]:
        iam.untag_role(RoleName=name, TagKeys=gone)
    if not before.whole:
        iam.put_role_policy(**put)


def _print(wire: Wire, page: Page, about: Served, token: str | None, origin: str, json: bool) -> None:
    url = pages.link(wire, page.endpoint, token)
    if json:
        told = {
            "Endpoint": page.endpoint,
            "EndpointStatus": about.status,
            "Link": url,
            "Access": page.access,
            "Rate": page.rate,
            "Document": page.document,
            "DocumentOrigin": origin,
            "RoleName": page.role,
        }
        typer.echo(orjson.dumps(told | ({"Token": token} if token else {}), option=orjson.OPT_INDENT_2).decode())
        return
    out.print(url, markup=False)
    out.print(f"  access    {_access(page, token)}", markup=False)
    out.print(f"  rate      {page.rate} requests a minute and address", markup=False)
    out.print(f"  form      {'from ' if page.document else ''}{origin}", markup=False)
    if page.document:
        out.print(f"            {page.document}", markup=False)
    if about.status != "InService":
        out.print(f"  endpoint  {about.status}: the page answers once it is InService", markup=False)


def _access(page: Page, token: str | None) -> str:
    if page.access == "public":
        return "public: whoever reaches this server may ask"
    if token:
        return "whoever has this link; the token in it is not kept and not shown again"
    return f"whoever has its token, as before; a new one: {program()} app token {page.endpoint}"
