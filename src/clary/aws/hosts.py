"""What a host name says: a bucket, or one of AWS's services."""

import re
from functools import lru_cache
from typing import Final

_REGION: Final = r"[a-z]{2}(?:-[a-z]+)+-\d"
_S3: Final = re.compile(
    rf"(?:(?P<bucket>.+?)\.)?s3(?:-accelerate|-fips|-external-1)?(?:\.dualstack)?(?:[.-]{_REGION})?"
    r"\.amazonaws\.com(?:\.cn)?"
)
_SERVICE: Final = re.compile(rf"(?P<name>[a-z0-9.-]+?)(?:-fips)?(?:\.{_REGION})?\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")


def without_port(host: str) -> str:
    """The name in a Host header, in lower case."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).lower()


@lru_cache(maxsize=1024)
def bucket_of(host: str) -> str:
    """The bucket that a Host header names; "" for none. `<bucket>.<one of AWS's names of S3>`, `<bucket>.localhost`,
    and `<bucket>.s3.<any name>`, for a Clary that other machines know by name."""
    name = without_port(host)
    if name.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        match = _S3.fullmatch(name)
        return match["bucket"] or "" if match else ""
    if name.endswith(".localhost"):
        return name.removesuffix(".localhost").removesuffix(".s3").removesuffix("s3")
    return name[: max(name.find(".s3."), 0)]


def endpoint_prefix_of(host: str) -> str | None:
    """What AWS calls the service in its host names ("api.sagemaker", "sts"); None: it is no host of AWS."""
    match = _SERVICE.fullmatch(without_port(host))
    return match["name"].removesuffix(".dualstack") if match else None
