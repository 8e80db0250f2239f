"""What rules and schedules can send to: the service of a target's ARN, and the public operation that reaches it.

A service that comes later is one line in KINDS. What is not there is refused when it is made a target, by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.inside import Wanted
from clary.aws.route import Router
from clary.aws.service import Context
from clary.kernel.resource import Doc

_INPUTS: Final = frozenset({"Input", "InputTransformer"})
LOG_GROUPS: Final = "/aws/events/"
"""Log groups that rules write to are called so, as AWS requires."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Something on its way to a target."""

    arn: str
    target: Doc
    """The target as it was asked for."""
    payload: str
    """What the target gets."""
    entry: Callable[[], Doc]
    """What an event bus gets: an entry of PutEvents, but for the bus."""
    id: str
    """The same for every repetition."""
    sender: str
    """The name of the rule or schedule."""
    at: float
    """When that what is sent was told: epoch seconds."""


@dataclass(frozen=True, slots=True)
class TargetKind:
    """One kind of target."""

    name: str
    service: str
    """botocore's name."""
    operation: str
    params: Callable[[Sent], Doc]
    member: str = ""
    """The member of a target that is for this kind alone."""
    role: bool = False
    """Also a rule needs a RoleArn for it; schedules always have one."""
    first: Callable[[Sent], Wanted] | None = None
    """What makes room for it where the receiver says that there is none yet."""


def queue_url(arn: str) -> str:
    """The URL of the queue of that ARN."""
    region, account, name = arn.split(":")[3:6]
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def token_of(delivery: str) -> str:
    """The ClientRequestToken of a delivery: it makes a repetition start nothing a second time."""
    return sha256(delivery.encode()).hexdigest()


def group_of(arn: str) -> str:
    """The name of the log group of that ARN."""
    return arn.split(":", 6)[6].removesuffix(":*")


def _queue(sent: Sent) -> Doc:
    return {"QueueUrl": queue_url(sent.arn), "MessageBody": sent.payload}


def _topic(sent: Sent) -> Doc:
    return {"TopicArn": sent.arn, "Message": sent.payload}


def _lines(sent: Sent) -> Doc:
    at = int(sent.at * 1000)
    return {**_stream(sent), "logEvents": [{"timestamp": at, "message": sent.payload}]}


def _stream(sent: Sent) -> Doc:
    return {"logGroupName": group_of(sent.arn), "logStreamName": sent.sender}


def _bus(sent: Sent) -> Doc:
    return {"Entries": [{**sent.entry(), "EventBusName": sent.arn}]}


def _pipeline(sent: Sent) -> Doc:
    """Members of an input that was asked for are parameters, over those of the target."""
    listed = sent.target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    parameters: dict[str, str] = {one["Name"]: one["Value"] for one in listed}
    if not _INPUTS.isdisjoint(sent.target):
        said = orjson.loads(sent.payload)
        parameters |= {name: _text(value) for name, value in said.items() if value is not None}
    started: Doc = {"PipelineName": sent.arn, "ClientRequestToken": token_of(sent.id)}
    named = [{"Name": name, "Value": value} for name, value in parameters.items()]
    return started | ({"PipelineParameters": named} if named else {})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


KINDS: Final[Mapping[tuple[str, str], TargetKind]] = {
    ("sqs", ""): TargetKind("an SQS queue", "sqs", "SendMessage", _queue, member="SqsParameters"),
    ("sns", ""): TargetKind("an SNS topic", "sns", "Publish", _topic),
    ("logs", "log-group"): TargetKind(
        "a log group",
        "logs",
        "PutLogEvents",
        _lines,
        first=lambda sent: Wanted("logs", "CreateLogStream", _stream(sent)),
    ),
    ("events", "event-bus"): TargetKind("an event bus", "events", "PutEvents", _bus),
    ("sagemaker", "pipeline"): TargetKind(
        "a SageMaker pipeline",
        "sagemaker",
        "StartPipelineExecution",
        _pipeline,
        member="SageMakerPipelineParameters",
        role=True,
    ),
}
"""By service and type of resource in the ARN."""

_OTHERS: Final[Mapping[str, str]] = {
    "lambda": "Lambda functions",
    "states": "Step Functions state machines",
    "kinesis": "Kinesis streams",
    "firehose": "Firehose streams",
    "codebuild": "CodeBuild projects",
    "codepipeline": "CodePipeline pipelines",
    "glue": "Glue workflows",
    "batch": "Batch job queues",
    "ecs": "ECS clusters",
    "ec2": "EC2 instances",
    "ssm": "Systems Manager",
    "ssm-incidents": "Incident Manager",
    "execute-api": "API Gateway",
    "redshift": "Redshift clusters",
    "redshift-serverless": "Redshift workgroups",
    "appsync": "AppSync",
    "inspector": "Inspector",
}


def kind_of(arn: str) -> TargetKind:
    """The kind of target that the ARN names. Raises ValidationException, NotImplementedHere."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5]:
        raise ValidationException(f"Provided Arn is not in correct format. Target ARN: {arn}")
    service, resource = parts[2], parts[5]
    family = resource.partition("/")[0].partition(":")[0] if "/" in resource or ":" in resource else ""
    found = KINDS.get((service, family))
    if found is not None:
        return found
    if service == "events" and family in ("api-destination", "endpoint"):
        raise NotImplementedHere("API destinations are not served by Clary: a target cannot be one.")
    if any(one == service for one, _ in KINDS):
        raise ValidationException(f"Provided Arn is not in correct format. Target ARN: {arn}")
    named = _OTHERS.get(service, f"resources of the service {service!r}")
    raise NotImplementedHere(f"Targets cannot be {named} yet: {arn} is not served by Clary.")


def check(ctx: Context, arn: str) -> TargetKind:
    """The kind of the target, which Clary can reach. Raises ValidationException, NotImplementedHere."""
    kind = kind_of(arn)
    if arn.split(":")[4] not in (ctx.account, ""):
        raise NotImplementedHere(f"{arn} is of another account: Clary has one account.")
    try:
        ctx.port(Router).served(kind.service, kind.operation)
    except NotImplementedHere:
        raise NotImplementedHere(
            f"A target cannot be {kind.name} yet: {kind.service} {kind.operation} is not served by Clary."
        ) from None
    if kind.service == "logs" and not group_of(arn).startswith(LOG_GROUPS):
        raise ValidationException(f"Log groups of rules begin with {LOG_GROUPS}: {group_of(arn)} does not.")
    if kind.service == "sqs" and arn.endswith(".fifo"):
        raise NotImplementedHere("Targets cannot be FIFO queues: Clary's queues are standard ones.")
    return kind
