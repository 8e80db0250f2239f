"""Paths of Hadoop and keys of S3, and which of them are staged: written by a job, not committed yet."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from clary.services.s3.hadoop.refused import illegal

ROOT: Final = "/webhdfs/v1"
_STAGING: Final = re.compile(
    r"_temporary|\.spark-staging-.+|\.hive-staging.*|_hadoop_temporary.*|.+\._COPYING_"
    r"|\..+\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.TID\d+)?\.tmp"
)
"""Names below which Hadoop's and Spark's committers keep what is to be renamed: output committers, dynamic partition
overwrite, Hive, `hadoop fs -put`, checkpoints."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: a key, or what keys have in common."""

    bucket: str
    key: str
    """Without slashes at its ends; "": the bucket itself."""

    @property
    def staged(self) -> bool:
        return any(_STAGING.fullmatch(part) for part in self.key.split("/"))

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def prefix(self) -> str:
        """What every key below it begins with."""
        return f"{self.key}/" if self.key else ""

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, name: str) -> "Place":
        return Place(self.bucket, self.prefix + name)

    def holds(self, other: "Place") -> bool:
        """`other` lies below it."""
        return self.bucket == other.bucket and other.key.startswith(self.prefix) and other.key != self.key


def of_path(raw: bytes) -> Place:
    """The place of a path as it stands on the request line, behind ROOT. Raises Refused."""
    try:
        return of_text(unquote_to_bytes(raw).decode())
    except UnicodeDecodeError:
        raise illegal("The path is not UTF-8.") from None


def of_text(path: str) -> Place:
    """Raises Refused."""
    parts = [part for part in path.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise illegal(f"{path}: name the path without . and ..")
    return Place(parts[0], "/".join(parts[1:])) if parts else Place("", "")


def is_name(name: str) -> bool:
    """A path can have it as a component. Keys with others ("a//b") are out of Hadoop's reach."""
    return name not in ("", ".", "..")
