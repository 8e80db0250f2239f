"""One object of S3 as a file, asked for with the keys of a role. The standard library alone: the door of an instance
is small."""

import hashlib
import hmac
import http.client
import shutil
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

from clary.engines.models.base import Told

SECONDS = 60.0
_EMPTY = hashlib.sha256(b"").hexdigest()


class NotFetched(Exception):
    """S3 did not give the object; `status` is its answer's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def fetch(told: Told, key: str, to: Path) -> None:
    """The object's bytes stand in the file `to`. Blocks. Raises NotFetched, and OSError when nobody answers."""
    at = urlsplit(told.endpoint_url)
    path = f"/{told.bucket}/{quote(key, safe='/-_.~')}"
    connection = http.client.HTTPConnection(at.hostname or "127.0.0.1", at.port or 80, timeout=SECONDS)
    try:
        connection.request("GET", path, headers=_signed(told, at.netloc, path, time.gmtime()))
        answer = connection.getresponse()
        if answer.status != 200:
            raise NotFetched(answer.status, answer.read(4096).decode("utf-8", "replace"))
        with to.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    finally:
        connection.close()


def _signed(told: Told, host: str, path: str, now: time.struct_time) -> dict[str, str]:
    """The headers of a GET with AWS Signature Version 4."""
    stamp, day = time.strftime("%Y%m%dT%H%M%SZ", now), time.strftime("%Y%m%d", now)
    headers = {
        "host": host,
        "x-amz-content-sha256": _EMPTY,
        "x-amz-date": stamp,
        "x-amz-security-token": told.session_token,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n{path}\n\n{lines}\n{names}\n{_EMPTY}"
    scope = f"{day}/{told.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{told.secret_access_key}".encode()
    for part in (day, told.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    credential = f"{told.access_key_id}/{scope}"
    said = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": said}
