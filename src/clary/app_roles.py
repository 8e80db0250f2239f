"""The pages of models, at /apps/<endpoint>: each is an IAM role, and what these roles are called and may do.

    path      /apps/
    name      app-<endpoint>
    trust     the service apps.clary may assume it
    policy    "invoke": InvokeEndpoint and DescribeEndpoint on one endpoint, GetObject on the page's document
    tags      the TAG_... below

Whoever can make such a role can make a page, and nobody else; to delete it is to end the page.
"""

import json
from hashlib import sha256
from typing import Final

PATH: Final = "/apps/"
SERVICE: Final = "apps.clary"
POLICY: Final = "invoke"
TAG_ENDPOINT: Final = "clary:endpoint"
TAG_REGION: Final = "clary:region"
TAG_ACCESS: Final = "clary:access"
"""`public` or `token`."""
TAG_TOKEN: Final = "clary:token"
"""SHA-256 of the token, in hexadecimal digits."""
TAG_RATE: Final = "clary:rate"
"""Requests a minute and client address."""
TAG_DOCUMENT: Final = "clary:document"
"""s3://bucket/key of the document that the page is made of."""
PAGE_PROPERTY: Final = "clary:page"
"""Of a model package: the member of CustomerMetadataProperties that says where its document is."""
DEFAULT_RATE: Final = 60
MOST_RATE: Final = 100_000
_LONGEST: Final = 64


def role_name(endpoint: str) -> str:
    """The role of the endpoint's page. Names of roles are bounded: one that would be too long is cut, and told from
    others like it by a digest."""
    name = f"app-{endpoint}"
    if len(name) <= _LONGEST:
        return name
    return f"app-{endpoint[:47]}-{sha256(endpoint.encode()).hexdigest()[:12]}"


def role_arn(account: str, endpoint: str) -> str:
    return f"arn:aws:iam::{account}:role{PATH}{role_name(endpoint)}"


def digest(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def trust() -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def grant(endpoint_arn: str, document: str | None) -> str:
    """All that the page may do; `document` as in TAG_DOCUMENT."""
    statements = [
        {
            "Effect": "Allow",
            "Action": ["sagemaker:InvokeEndpoint", "sagemaker:DescribeEndpoint"],
            "Resource": endpoint_arn,
        }
    ]
    if document is not None:
        resource = f"arn:aws:s3:::{document.removeprefix('s3://')}"
        statements.append({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": resource})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
