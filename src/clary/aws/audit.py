"""Every control-plane call as CloudTrail tells of it: who, what, when, from where, and what came of it.

A line is `{"T": epoch seconds, "U": user name, "R": [[type, name], ...], "E": the event as CloudTrail writes it}`.
What is searched for stands in it in exactly one spelling, so that a search by bytes finds it. Lines of calls that may
have changed something are on their way to the disk before the client is answered.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Self

import orjson

from clary.aws import times
from clary.aws.audit_view import View, view_of
from clary.aws.credentials import Principal
from clary.aws.errors import ServiceError
from clary.aws.http import ClientGone
from clary.aws.model import Operation
from clary.aws.route import Call
from clary.aws.service import Context, Service
from clary.kernel import ids
from clary.kernel.audit import AuditLog
from clary.kernel.clock import Clock
from clary.kernel.resource import Doc

_READS: Final = re.compile(
    r"(Batch)?(Get|List|Describe|Head|Search|Lookup|Query|Select|Simulate|Test|Filter|Validate|Check|Preview|Scan)[A-Z]"
)
_MOST_PARAMETERS: Final = 100 * 1024
_INSIDE: Final = "AWS Internal"
_NAMES: Final = {
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "events": "Events",
    "iam": "IAM",
    "logs": "Logs",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "sns": "SNS",
    "sqs": "SQS",
    "sts": "STS",
}
"""Services as resource types name them: AWS::SageMaker::TrainingJob."""
_BARE: Final = {"s3": "Bucket", "sns": "Topic", "sqs": "Queue"}
"""What an ARN means that names no type."""


class Auditor:
    """Writes the lines."""

    def __init__(self, audit: AuditLog, clock: Clock, account: str, services: Sequence[Service]) -> None:
        self._audit = audit
        self._clock = clock
        self._account = account
        self._data: dict[str, Collection[str]] = {service.name: service.data_events for service in services}
        self._views: dict[tuple[str, str], tuple[View, View]] = {}

    def heard(
        self,
        call: Call,
        ctx: Context,
        doc: Doc | None,
        result: Doc | None,
        error: ServiceError | None,
        *,
        access_key_id: str = "",
        address: str = "",
    ) -> None:
        """The call has ended; `doc` is the request, None when it could not be read. Data events are passed over."""
        operation = call.operation
        if operation.name in self._data.get(call.service, ()):
            return
        now, read = self._clock.now(), is_read(operation.name)
        sees_request, sees_answer = self._views_of(call.service, operation)
        resources = [] if doc is None else _resources(call, ctx, doc)
        event: Doc = {
            "eventVersion": "1.11",
            "userIdentity": identity(ctx.principal, access_key_id),
            "eventTime": _second(int(now)),
            "eventSource": f"{operation.model.signing_name}.amazonaws.com",
            "eventName": operation.name,
            "awsRegion": ctx.region,
            "sourceIPAddress": address or _INSIDE,
            "userAgent": ctx.headers.get("user-agent", "") or _INSIDE,
        }
        if error is not None:
            event |= {"errorCode": error.error_code, "errorMessage": error.message}
        event |= {
            "requestParameters": (sees_request(doc) or None) if doc else None,
            "responseElements": None if read or not result else (sees_answer(result) or None),
            "requestID": ctx.request_id,
            "eventID": ids.request_id(),
            "readOnly": read,
        }
        if resources:
            event["resources"] = [{"accountId": self._account, "type": kind, "ARN": arn} for kind, _, arn in resources]
        event |= {
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self._account,
            "eventCategory": "Management",
        }
        named = [[kind, name] for kind, name, _ in resources]
        line = {"T": now, "U": user_name(ctx.principal), "R": named, "E": event}
        packed = _packed(line)
        if len(packed) > _MOST_PARAMETERS:
            for name in ("requestParameters", "responseElements"):
                event[name] = _bounded(event[name])
            packed = _packed(line)
        self._audit.append(packed, now=not read)

    def _views_of(self, service: str, operation: Operation) -> tuple[View, View]:
        key = (service, operation.name)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = (view_of(operation.input), view_of(operation.output))
        return found


class Hearing:
    """Around a call: at its end the auditor, if there is one, hears what came of it."""

    __slots__ = ("_about", "_auditor", "doc", "principal", "result")

    def __init__(
        self, auditor: Auditor | None, call: Call, ctx: Context, access_key_id: str = "", address: str = ""
    ) -> None:
        self._auditor = auditor
        self._about = (call, ctx, access_key_id, address)
        self.doc: Doc | None = None
        """The request, once it is read."""
        self.result: Doc | None = None
        self.principal: Principal | None = None
        """Who it was, where the call itself has found out: a sign-in begins as nobody's."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._auditor is None:
            return
        call, ctx, access_key_id, address = self._about
        if self.principal is not None:
            ctx = replace(ctx, principal=self.principal)
        if error is None or isinstance(error, ServiceError):
            failure = error
        elif isinstance(error, Exception) and not isinstance(error, ClientGone):
            failure = ServiceError("The request processing has failed.", code="InternalFailure", status=500)
        else:
            failure = ServiceError("The client went away; what it asked for may have happened.", code="Interrupted")
        self._auditor.heard(call, ctx, self.doc, self.result, failure, access_key_id=access_key_id, address=address)


@lru_cache(maxsize=2048)
def is_read(operation: str) -> bool:
    """The operation changes nothing, by its name."""
    return _READS.match(operation) is not None


def user_name(principal: Principal) -> str:
    """As LookupEvents' Username: "root", the user, or the name of the session."""
    if principal.kind == "root":
        return "root"
    return principal.arn.rpartition("/")[2]


@lru_cache(maxsize=1024)
def identity(principal: Principal, access_key_id: str) -> Doc:
    """CloudTrail's userIdentity. Not to be changed: calls share it."""
    if principal.kind == "service":
        return {"type": "AWSService", "invokedBy": principal.arn}
    if principal.kind == "anonymous":
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    types = {"root": "Root", "user": "IAMUser", "assumed-role": "AssumedRole", "federated-user": "FederatedUser"}
    said: Doc = {
        "type": types[principal.kind],
        "principalId": principal.user_id,
        "arn": principal.arn,
        "accountId": principal.account,
    }
    if access_key_id:
        said["accessKeyId"] = access_key_id
    if principal.kind == "user":
        said["userName"] = user_name(principal)
    if principal.issued is not None:
        said["sessionContext"] = _session(principal, principal.issued)
    return said


def _session(principal: Principal, issued: float) -> Doc:
    said: Doc = {"attributes": {"creationDate": _second(int(issued)), "mfaAuthenticated": "false"}}
    if principal.kind == "assumed-role":
        role = principal.arn.split("/")[1]
        said["sessionIssuer"] = {
            "type": "Role",
            "principalId": principal.user_id.partition(":")[0],
            "arn": f"arn:aws:iam::{principal.account}:role/{role}",
            "accountId": principal.account,
            "userName": role,
        }
    return said


def _resources(call: Call, ctx: Context, doc: Doc) -> list[tuple[str, str, str]]:
    """(type, name, ARN) of what the call is about: what it asks the policies for says so."""
    try:
        arns = {ask.resource for ask in call.asks(ctx, doc)}
    except ServiceError:  # the request names nothing that could be asked for
        return []
    return [(*named(arn), arn) for arn in sorted(arns) if arn.startswith("arn:") and "*" not in arn]


@lru_cache(maxsize=4096)
def named(arn: str) -> tuple[str, str]:
    """(type, name) of the resource of an ARN: ("AWS::SageMaker::TrainingJob", "my-job")."""
    _, _, service, _, _, rest = [*arn.split(":", 5), "", "", "", "", ""][:6]
    match = re.match(r"([a-z-]+)[/:](.+)", rest)
    known = _NAMES.get(service, service)
    if match is None or (service == "s3" and ":" not in rest and "/" not in rest):
        return f"AWS::{known}::{_BARE.get(service, 'Resource')}", rest
    kind = "".join(part.capitalize() for part in match[1].split("-"))
    return f"AWS::{known}::{kind}", match[2] if service == "logs" else match[2].rpartition("/")[2]


@lru_cache(maxsize=16)
def _second(at: int) -> str:
    """Epoch seconds as CloudTrail writes them. Many calls end in one second."""
    return times.iso8601(float(at)).replace(".000Z", "Z")


def _bounded(seen: Any) -> Any:
    """AWS leaves out what is longer than 100 KB, and says so."""
    if seen is None or len(_packed(seen)) <= _MOST_PARAMETERS:
        return seen
    return {"omitted": True, "reason": "The parameters are longer than 100 KB"}


def _packed(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str)
