"""The objects below a path, in S3 or in a folder, and pieces of them."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_SCHEMES = ("s3://", "s3a://", "s3n://")
_WILD = re.compile(r"[*?\[{]")


class PathError(ValueError):
    """A path that cannot be read or written; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """One object. `path` is how Spark reads it; `modified` is in seconds since 1970; `tag` changes with its content."""

    path: str
    size: int
    modified: float
    tag: str

    def stamp(self) -> str:
        return f"{self.modified:.3f} {self.tag}"


@cache
def client(service: str) -> Any:
    """The run's own client: the endpoint and the role's keys come from its environment."""
    import boto3

    return boto3.client(service)


def listing(paths: Iterable[str], *, recurse: bool, exclusions: Iterable[str] = ()) -> list[Found]:
    """Every object at the paths (an object, or a folder of them; globs too), once, sorted. Empty ones and those that
    begin
    with a dot or underscore, or lie in such a folder, are left out, as Hadoop does. `exclusions` are globs over the
    whole path."""
    out = [glob(one) for one in exclusions]
    found: dict[str, Found] = {}
    for path in paths:
        for one in _below(path, recurse):
            if one.size and not any(rule.fullmatch(one.path) or rule.fullmatch(split(one.path)[1]) for rule in out):
                found[one.path] = one
    return [found[path] for path in sorted(found)]


def split(path: str) -> tuple[str, str]:
    """Bucket and key; the bucket is empty for a local path."""
    for scheme in _SCHEMES:
        if path.startswith(scheme):
            bucket, _, key = path[len(scheme) :].partition("/")
            if not bucket:
                raise PathError(f"{path!r} names no bucket: write s3://bucket/prefix/")
            return bucket, key
    if path.startswith("file:"):
        return "", unquote(urlsplit(path).path)
    if path.startswith("/"):
        return "", path
    raise PathError(f"{path!r} is no path that can be read: write s3://bucket/prefix/")


def glob(pattern: str) -> re.Pattern[str]:
    """Glue's globs: `*` and `?` stay within a folder, `**` does not, `[a-c]` and `{a,b}` as usual."""
    out, place, depth = "", 0, 0
    while place < len(pattern):
        char = pattern[place]
        if pattern.startswith("**", place):
            out, place = out + ".*", place + 2
            continue
        if char == "[" and "]" in pattern[place:]:
            end = pattern.index("]", place)
            inside = pattern[place + 1 : end]
            out += "[" + ("^" + inside[1:] if inside[:1] == "!" else inside).replace("\\", r"\\") + "]"
            place = end + 1
            continue
        if char == "{":
            out, depth = out + "(?:", depth + 1
        elif char == "}" and depth:
            out, depth = out + ")", depth - 1
        elif char == "," and depth:
            out += "|"
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char) or re.escape(char)
        place += 1
    return re.compile(out)


def head(path: str, size: int) -> bytes:
    """The first bytes."""
    bucket, key = split(path)
    if bucket:
        answer = client("s3").get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{size - 1}")
        return bytes(answer["Body"].read())
    with Path(key).open("rb") as file:
        return file.read(size)


def tail(path: str, size: int) -> bytes:
    """The last bytes."""
    bucket, key = split(path)
    if bucket:
        return bytes(client("s3").get_object(Bucket=bucket, Key=key, Range=f"bytes=-{size}")["Body"].read())
    with Path(key).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read(size)


def removed(paths: list[str]) -> None:
    """The objects are gone."""
    buckets: dict[str, list[str]] = {}
    for path in paths:
        bucket, key = split(path)
        if bucket:
            buckets.setdefault(bucket, []).append(key)
        else:
            Path(key).unlink(missing_ok=True)
    for bucket, keys in buckets.items():
        for start in range(0, len(keys), 1000):
            chosen = [{"Key": key} for key in keys[start : start + 1000]]
            answer = client("s3").delete_objects(Bucket=bucket, Delete={"Objects": chosen, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise PathError(
                    f"s3://{bucket}/{first['Key']} could not be deleted: {first['Code']}: {first['Message']}"
                )


def _below(path: str, recurse: bool) -> Iterator[Found]:
    bucket, key = split(path)
    wild = _WILD.search(key)
    if wild is None:
        yield from _of(path, bucket, key, recurse)
        return
    rule = glob(key.rstrip("/"))
    base = key[: key.rfind("/", 0, wild.start()) + 1]
    for one in _of(path, bucket, base, True):
        name = split(one.path)[1]
        matched = next((n for n in _folders(name) if rule.fullmatch(n)), None)
        if matched is not None and (recurse or "/" not in name[len(matched) + 1 :]):
            yield one


def _folders(name: str) -> Iterator[str]:
    """The name itself, then every folder that it lies in."""
    while name:
        yield name
        name = name.rpartition("/")[0]


def _of(path: str, bucket: str, key: str, recurse: bool) -> Iterator[Found]:
    yield from _in_bucket(path, bucket, key, recurse) if bucket else _in_folder(Path(key), recurse)


def _in_bucket(path: str, bucket: str, key: str, recurse: bool) -> Iterator[Found]:
    from botocore.exceptions import ClientError

    scheme = path.partition("://")[0]
    folder = key if not key or key.endswith("/") else f"{key}/"
    options: dict[str, Any] = {"Bucket": bucket, "Prefix": key.rstrip("/") if key == folder else key}
    try:
        for page in client("s3").get_paginator("list_objects_v2").paginate(**options):
            for one in page.get("Contents", []):
                name = one["Key"]
                if name != key and not name.startswith(folder):
                    continue
                rest = name[len(folder) :]
                if _hidden(rest) or name.endswith("/") or ("/" in rest and not recurse):
                    continue
                yield Found(
                    f"{scheme}://{bucket}/{name}", one["Size"], one["LastModified"].timestamp(), one["ETag"].strip('"')
                )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        why = {
            "NoSuchBucket": f"there is no bucket {bucket!r}",
            "AccessDenied": f"the job's role may not list it (s3:ListBucket on arn:aws:s3:::{bucket})",
        }
        raise PathError(f"{path} cannot be read: {why.get(code, str(error))}") from error


def _in_folder(path: Path, recurse: bool) -> Iterator[Found]:
    if path.is_file():
        yield _file(path)
        return
    for one in path.rglob("*") if recurse else path.glob("*"):
        if one.is_file() and not _hidden(str(one.relative_to(path))):
            yield _file(one)


def _file(path: Path) -> Found:
    known = path.stat()
    return Found(str(path), known.st_size, known.st_mtime, str(known.st_size))


def _hidden(rest: str) -> bool:
    # A partition folder may begin with an underscore, as its column does.
    return any(one[:1] in {".", "_"} and "=" not in one for one in rest.split("/"))
