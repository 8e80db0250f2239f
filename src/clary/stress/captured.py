"""What the endpoint was asked before: the inputs of its data capture, to be sent again."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from clary.stress.rows import Rows
from clary.stress.target import Target

MOST_FILES = 20
MOST_ROWS = 10_000


def captured(target: Target, described: dict[str, Any] | None) -> Rows | None:
    """The newest captured inputs of one content type, each body once; None where nothing was captured, or these keys
    may not read it."""
    where = (described or {}).get("DataCaptureConfig", {}).get("DestinationS3Uri")
    if where is None:
        return None
    bucket, prefix = urlsplit(where).netloc, urlsplit(where).path.strip("/")
    top = f"{prefix}/{target.endpoint}/".lstrip("/")
    try:
        return _read(target.client("s3"), bucket, top)
    except (ClientError, BotoCoreError):
        return None


def _read(s3: Any, bucket: str, top: str) -> Rows | None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=top)
    files = [one for page in pages for one in page.get("Contents", []) if one["Key"].endswith(".jsonl")]
    found: dict[str, dict[str, None]] = {}
    for one in sorted(files, key=lambda each: each["LastModified"], reverse=True)[:MOST_FILES]:
        for line in s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().splitlines():
            row = _input(line)
            if row is not None:
                found.setdefault(row[0], {})[row[1]] = None
    if not found:
        return None
    kind = max(found, key=lambda each: len(found[each]))
    return Rows(tuple(found[kind])[:MOST_ROWS], (), kind)


def _input(line: bytes) -> tuple[str, str] | None:
    """(content type, body as latin-1 text) of one captured request; None when only its answer was captured."""
    said = json.loads(line).get("captureData", {}).get("endpointInput")
    if said is None:
        return None
    data, kind = said.get("data", ""), said.get("observedContentType", "text/csv")
    body = base64.b64decode(data) if said.get("encoding") == "BASE64" else data.encode()
    return kind, body.decode("latin-1")
