"""What access control lists open to everybody, or to every account, as statements of a policy: one way to decide."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

_GROUPS: Final = "http://acs.amazonaws.com/groups/global/"
_WHO: Final[Mapping[str, Any]] = {
    f"{_GROUPS}AllUsers": {},
    f"{_GROUPS}AuthenticatedUsers": {"Condition": {"Null": {"aws:PrincipalAccount": "false"}}},
}
BUCKET: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "READ": (("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"), ""),
    "WRITE": (("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"), "/*"),
    "READ_ACP": (("s3:GetBucketAcl",), ""),
    "WRITE_ACP": (("s3:PutBucketAcl",), ""),
}
"""The actions that a permission on a bucket stands for, and what follows the bucket's ARN."""
OBJECT: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "READ": (("s3:GetObject", "s3:GetObjectVersion"), ""),
    "READ_ACP": (("s3:GetObjectAcl", "s3:GetObjectVersionAcl"), ""),
    "WRITE_ACP": (("s3:PutObjectAcl", "s3:PutObjectVersionAcl"), ""),
}
ABSENT: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {"READ": (("s3:GetObject", "s3:GetObjectVersion"), "")}
"""What a permission on a bucket stands for at a key that holds nothing: who may list it may ask, and is told 404."""


def statements_of(
    kept: Sequence[Sequence[str]] | None, meant: Mapping[str, tuple[tuple[str, ...], str]], arn: str
) -> list[str]:
    """The JSON of a statement for each grant to a group of callers. The owner's own grants open nothing new."""
    found = []
    for who, permission in kept or ():
        if who not in _WHO:
            continue
        for name in meant if permission == "FULL_CONTROL" else [permission]:
            if name not in meant:
                continue
            actions, behind = meant[name]
            # A key may have the marks of a pattern in it: they stand for themselves.
            resource = arn.replace("$", "${$}").replace("*", "${*}").replace("?", "${?}") + behind
            allow = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": resource}
            found.append(json.dumps(allow | _WHO[who]))
    return found
