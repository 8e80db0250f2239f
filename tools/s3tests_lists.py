"""For tools/s3tests.py --lists, a plugin of its pytest: access control lists count in every bucket that is made, and no
public access is blocked, as it was in AWS before April 2023, when the suite was written."""

import os
from typing import Any

import boto3

boto3.setup_default_session()
_SESSION = boto3.DEFAULT_SESSION
_asked: list[dict[str, Any]] = []


def _opened(params: dict[str, Any], **_: Any) -> None:
    params.setdefault("ObjectOwnership", "ObjectWriter")
    # Sent later, when the block is off: a new bucket refuses public lists.
    _asked.append({name: params.pop(name) for name in list(params) if name == "ACL" or name.startswith("Grant")})
    _asked[-1]["Bucket"] = params.get("Bucket")


def _unblocked(parsed: dict[str, Any], **_: Any) -> None:
    asked = _asked.pop()
    if parsed["ResponseMetadata"]["HTTPStatusCode"] != 200:
        return
    client = boto3.Session().client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    client.delete_public_access_block(Bucket=asked["Bucket"])
    if len(asked) > 1:
        client.put_bucket_acl(**asked)


_SESSION.events.register("provide-client-params.s3.CreateBucket", _opened)
_SESSION.events.register("after-call.s3.CreateBucket", _unblocked)
