"""Refusals in the protocol's own words: the exception that Hadoop's client is to raise."""

from collections.abc import Mapping
from typing import Final

import orjson

from clary.aws.errors import ServiceError
from clary.aws.http import Answer
from clary.aws.sigv4 import Refused as Unproven

_DENIED: Final = "org.apache.hadoop.security.AccessControlException"
_ABSENT: Final = "java.io.FileNotFoundException"
_EXISTS: Final = "org.apache.hadoop.fs.FileAlreadyExistsException"
_ILLEGAL: Final = "java.lang.IllegalArgumentException"
_UNSUPPORTED: Final = "java.lang.UnsupportedOperationException"
_FAILED: Final = "java.io.IOException"
_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "AccessDenied": (403, _DENIED),
    "AccessDeniedException": (403, _DENIED),
    "NoSuchBucket": (404, _ABSENT),
    "NoSuchKey": (404, _ABSENT),
    "KeyTooLongError": (400, _FAILED),
    "NotImplemented": (400, _UNSUPPORTED),
    "PreconditionFailed": (403, _EXISTS),
}
"""S3's errors, as Hadoop calls them."""


class Refused(Exception):
    def __init__(self, status: int, java_class: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.java_class = java_class
        self.message = message


def illegal(message: str) -> Refused:
    return Refused(400, _ILLEGAL, message)


def absent(url: str) -> Refused:
    return Refused(404, _ABSENT, f"No such file or directory: {url}")


def exists(url: str, what: str = "exists already") -> Refused:
    return Refused(403, _EXISTS, f"{url} {what}")


def not_empty(url: str) -> Refused:
    name = "org.apache.hadoop.fs.PathIsNotEmptyDirectoryException"
    return Refused(403, name, f"{url} is a directory that is not empty: delete it recursively.")


def failed(message: str) -> Refused:
    return Refused(500, _FAILED, message)


def unsupported(message: str) -> Refused:
    return Refused(400, _UNSUPPORTED, message)


def denied(message: str) -> Refused:
    return Refused(403, _DENIED, message)


def unproven(refused: Unproven) -> Refused:
    return denied(f"{refused.message} Spark reads s3:// with the keys that its job was started with.")


def of_service(error: ServiceError, url: str) -> Refused:
    """What the service says, with the path that it is about."""
    status, name = _CODES.get(error.error_code, (error.http_status, _FAILED))
    text = error.message if url in error.message else f"{url}: {error.message}"
    return Refused(status, name, text)


def answer(refused: Refused) -> Answer:
    said = {
        "exception": refused.java_class.rpartition(".")[2],
        "javaClassName": refused.java_class,
        "message": refused.message,
    }
    body = orjson.dumps({"RemoteException": said})
    # Without its type: see visit.said.
    return Answer(refused.status, [], body, said["exception"])
