"""Which bucket a request's host or path names."""

import re
from typing import Final

from clary.aws.http import Request
from clary.aws.route import with_bucket_of_host

_WEBSITE: Final = re.compile(
    r"(?P<bucket>[a-z0-9.-]+)\.s3-website(?:[.-][a-z0-9-]+)?\.(?:localhost|amazonaws\.com(?:\.cn)?)", re.IGNORECASE
)


def website_bucket(request: Request) -> str | None:
    """The bucket of a website's host; None when the host is not a website's.

    http://<bucket>.s3-website.localhost:<port>/            also s3-website-<region> and s3-website.<region>
    http://<bucket>.s3-website-<region>.amazonaws.com/      with a proxy in between
    """
    host = request.headers.get("host", "")
    if "s3-website" not in host:
        return None
    match = _WEBSITE.fullmatch(host.rsplit(":", 1)[0])
    return match["bucket"].lower() if match else None


def bucket_in(request: Request) -> str:
    """The bucket that the host or the path names; "" when none does."""
    found = website_bucket(request)
    if found is not None:
        return found
    return with_bucket_of_host(request).lstrip(b"/").partition(b"/")[0].decode("latin-1")
