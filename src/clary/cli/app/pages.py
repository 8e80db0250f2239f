"""The pages there are, as IAM tells of them: one role each (clary.app_roles)."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clary import app_roles
from clary.cli.registry.wire import Wire
from clary.cli.say import fail
from clary.program import program

Access = Literal["public", "token"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, by its role's tags."""

    endpoint: str
    region: str
    access: Access
    token_sha256: str | None
    rate: int
    document: str | None
    """s3://bucket/key"""
    whole: bool
    """The role has its policy: the page may ask."""

    @property
    def role(self) -> str:
        return app_roles.role_name(self.endpoint)

    @property
    def own_document(self) -> str | None:
        """Where its document is, if it was put there for this page; None: it has none, or belongs to a package."""
        _, _, key = (self.document or "").removeprefix("s3://").partition("/")
        return self.document if key == document_key(self.endpoint) else None


def document_key(endpoint: str) -> str:
    """Where the document of a page is put, in whichever bucket."""
    return f"apps/{endpoint}/page.json"


def find(wire: Wire, endpoint: str) -> Page | None:
    """None: the endpoint has no page."""
    iam = wire.client("iam")
    try:
        role = iam.get_role(RoleName=app_roles.role_name(endpoint))["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    if role["Path"] != app_roles.PATH:
        fail(f"a role {role['RoleName']} is there already, and is none of a page", "delete it, or give it another name")
    return _page(wire, role, {one["Key"]: one["Value"] for one in role.get("Tags", [])}, endpoint)


def named(wire: Wire, endpoint: str) -> Page:
    """Ends the command when the endpoint has no page."""
    found = find(wire, endpoint)
    if found is None:
        fail(f"{endpoint} has no page", f"make one with: {program()} app create {endpoint}")
    return found


def every(wire: Wire) -> Iterator[Page]:
    """All pages, by the names of their roles. What is under the path of pages and is none is passed over."""
    iam = wire.client("iam")
    for listed in iam.get_paginator("list_roles").paginate(PathPrefix=app_roles.PATH):
        for role in listed["Roles"]:
            pages = iam.get_paginator("list_role_tags").paginate(RoleName=role["RoleName"])
            tags = {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}
            endpoint = tags.get(app_roles.TAG_ENDPOINT, "")
            if app_roles.role_name(endpoint) == role["RoleName"]:
                yield _page(wire, role, tags, endpoint)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def link(wire: Wire, endpoint: str, token: str | None = None) -> str:
    """Where the page is. The token travels in the fragment, which no browser sends to a server."""
    url: str = wire.variables["AWS_ENDPOINT_URL"].rstrip("/")
    return f"{url}/apps/{endpoint}" + (f"#token={token}" if token else "")


def _page(wire: Wire, role: Mapping[str, Any], tags: Mapping[str, str], endpoint: str) -> Page:
    rate = tags.get(app_roles.TAG_RATE, "")
    policies = wire.client("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    return Page(
        tags.get(app_roles.TAG_ENDPOINT, endpoint),
        tags.get(app_roles.TAG_REGION, ""),
        "public" if tags.get(app_roles.TAG_ACCESS) == "public" else "token",
        tags.get(app_roles.TAG_TOKEN),
        int(rate) if rate.isdecimal() else app_roles.DEFAULT_RATE,
        tags.get(app_roles.TAG_DOCUMENT),
        app_roles.POLICY in policies,
    )
