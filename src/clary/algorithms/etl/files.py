"""`s3://` inside Spark: what Hadoop has to be told so that our buckets are its file systems (docs/spark-files.md).

Hadoop's own view file system and WebHDFS client do it, both in the jars that PySpark ships: a table that the server
makes (`fs.viewfs.mounttable.path`) says for every bucket where it is, and is read whenever a bucket is met for the
first time. Who asks stands in the name of one header.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("s3", "s3a", "s3n")
_HEADER: Final = "x-clary-token-"
_PURPOSE: Final = b"clary hadoop door 1\0"
_VIEW: Final = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
_WEB: Final = "org.apache.hadoop.hdfs.web"
_COMMITTERS: Final = "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"


_NO_BUCKET: Final = re.compile(r"Could not initialize target File System for URI : s3[an]?://([^/\s]+)")
_AT: Final = r"(?:[\w.:\[\]-]+:\d+: )?"
"""The server's address, which Hadoop's client puts before what it said."""
_DENIED: Final = re.compile(rf"AccessControlException: {_AT}([^\n]+)")
_ABSENT: Final = re.compile(rf"FileNotFoundException: {_AT}No such file or directory: (s3://[^\n]+)")


def hadoop_conf(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings of Spark (`spark.hadoop.*`, and one more) that make s3://, s3a:// and s3n:// the buckets of the
    wire that `environ` points to (AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL), with its keys. {} without either of them.
    Good for every file system that is opened from then on, also in a session that runs already."""
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not endpoint or not key or not secret:
        return {}
    where = urlsplit(endpoint)
    web = "swebhdfs" if where.scheme == "https" else "webhdfs"
    port = where.port or (443 if where.scheme == "https" else 80)
    conf = {
        "fs.viewfs.mounttable.path": f"{web}://{where.hostname}:{port}/~mounts",
        "fs.viewfs.overload.scheme.target.webhdfs.impl": f"{_WEB}.WebHdfsFileSystem",
        "fs.viewfs.overload.scheme.target.swebhdfs.impl": f"{_WEB}.SWebHdfsFileSystem",
        "dfs.webhdfs.rest-csrf.enabled": "true",
        "dfs.webhdfs.rest-csrf.custom-header": _HEADER + token(key, secret, environ.get("AWS_SESSION_TOKEN", "")),
        # Else reads would go without it.
        "dfs.webhdfs.rest-csrf.methods-to-ignore": "TRACE",
        # The server may be restarted while the job runs: for half a minute, what fails to connect is tried again.
        "dfs.http.client.retry.policy.enabled": "true",
        "dfs.http.client.retry.policy.spec": "1000,30",
    }
    plain = {
        # All data is on this machine: else Spark asks of every file where it lies.
        "spark.sql.sources.ignoreDataLocality": "true",
    }
    for scheme in SCHEMES:
        conf[f"fs.{scheme}.impl"] = _VIEW
        # Hadoop has a committer of its own for s3a, which is not among the jars.
        conf[f"mapreduce.outputcommitter.factory.scheme.{scheme}"] = _COMMITTERS
    return plain | {f"spark.hadoop.{name}": value for name, value in conf.items()}


def explained(error: BaseException | str) -> str | None:
    """What went wrong with a file of a bucket, in words; None: it is about something else."""
    text = str(error)
    if (found := _NO_BUCKET.search(text)) is not None:
        return (
            f"The bucket {found[1]} does not exist, or is another account's (NoSuchBucket). Create it first: "
            f"aws s3 mb s3://{found[1]}"
        )
    if (found := _DENIED.search(text)) is not None:
        return f"Access denied: {found[1].strip()}"
    if (found := _ABSENT.search(text)) is not None:
        return f"There is no {found[1]} (NoSuchKey)."
    return None


def token(access_key_id: str, secret: str, session_token: str, until: float | None = None) -> str:
    """Proves who asks, for as long as the keys are good, and not after `until` (epoch seconds). The secret is not in
    it; the server's half is services/s3/hadoop/token.py."""
    said = json.dumps([access_key_id, session_token, until]).encode()
    mac = hmac.digest(secret.encode(), _PURPOSE + said, "sha256")
    return base64.b32encode(mac + said).decode().rstrip("=").lower()
