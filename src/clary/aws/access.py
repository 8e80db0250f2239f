"""What an operation asks of the policies: which action, on which resource, under which condition keys.

A service keeps its table in `access.py` and registers it with `Service.access`:

    service.access("DescribeModel", lambda ctx, req: [Ask("sagemaker:DescribeModel", model_arn(ctx, req))])
    service.access("ListModels")            # the default: sagemaker:ListModels on "*"
    service.access("GetCallerIdentity", nothing)

The table is asked before the handler runs and only for callers other than root, so it must not rest on what exists:
a resource that is not there has an ARN too. A handler that must ask more (each key of a DeleteObjects) uses
`ctx.allowed` and `ctx.require`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from clary.kernel.resource import Doc

if TYPE_CHECKING:
    from clary.aws.service import Context

Given = str | Sequence[str] | None
"""The value of a condition key; several for a key of many values; None: the key is absent."""


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Ask(NamedTuple):
    """One question to the policies: may the caller do `action` on `resource`?"""

    action: str
    """As policies write it, for example "s3:GetObject"."""
    resource: str = "*"
    """The ARN; "*" where the action knows no resource, as Lists mostly do."""
    keys: Mapping[str, Given | Callable[[], Given]] = _NOTHING
    """Condition keys of the service, for example {"s3:prefix": "a/"}. Names match without regard to case. A function
    is called only when a policy asks for its key. The global keys (aws:SourceIp ...) are added by the floor."""
    request_tags: Mapping[str, str] | None = None
    """Tags that the request sets: aws:RequestTag/<key>, aws:TagKeys."""
    resource_tags: Callable[[], Mapping[str, str]] | None = None
    """Tags that the resource has now: aws:ResourceTag/<key>. Called only when a policy asks; {} for none."""


Asks = Callable[["Context", Doc], Sequence[Ask]]
"""All that one request asks; every one must be allowed. No ask: any caller of the account may."""


def nothing(ctx: "Context", req: Doc) -> Sequence[Ask]:
    """No permission is needed: the caller need only be somebody of the account."""
    return ()


def anywhere(*actions: str) -> Asks:
    """These actions on "*"."""
    asks = [Ask(action) for action in actions]
    return lambda ctx, req: asks
