"""What can be a target: the service of its ARN, and the public operation that brings it an event.

A service that comes later is one line in KINDS. What is not there is refused when it is made a target, by name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Final

import orjson

from clary.aws.delivery import Delivery
from clary.aws.errors import NotImplementedHere
from clary.aws.inside import Wanted
from clary.aws.route import Router
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.events.api import ValidationException

LOG_GROUPS: Final = "/aws/events/"
"""Log groups that rules write to are called so, as AWS requires."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event on its way to a target."""

    arn: str
    region: str
    target: Doc
    event: Doc
    payload: str
    """What the target gets, as its Input says."""
    id: str
    """The same for every repetition."""
    rule: str
    """The rule's name."""
    at: float
    """When the event was told: epoch seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of target."""

    name: str
    service: str
    """botocore's name."""
    operation: str
    params: Callable[[Sent], Doc]
    member: str = ""
    """The member of a target that is for this kind alone."""
    role: bool = False
    """It needs a RoleArn."""
    first: Callable[[Sent], Wanted] | None = None
    """What makes room for it where the receiver says that there is none yet."""


def _queue(sent: Sent) -> Doc:
    region, account, name = sent.arn.split(":")[3:6]
    return {"QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}", "MessageBody": sent.payload}


def _topic(sent: Sent) -> Doc:
    return {"TopicArn": sent.arn, "Message": sent.payload}


def _lines(sent: Sent) -> Doc:
    at = int(sent.at * 1000)
    return {**_stream(sent), "logEvents": [{"timestamp": at, "message": sent.payload}]}


def _stream(sent: Sent) -> Doc:
    return {"logGroupName": group_of(sent.arn), "logStreamName": sent.rule}


def _bus(sent: Sent) -> Doc:
    event = sent.event
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": orjson.dumps(event["detail"]).decode(),
        "Resources": event["resources"],
        "Time": event["time"],
        "EventBusName": sent.arn,
    }
    return {"Entries": [entry]}


def _pipeline(sent: Sent) -> Doc:
    parameters = sent.target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    # A token makes a repetition start nothing a second time.
    started: Doc = {"PipelineName": sent.arn, "ClientRequestToken": sha256(sent.id.encode()).hexdigest()}
    return started | ({"PipelineParameters": parameters} if parameters else {})


KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    ("sqs", ""): Kind("an SQS queue", "sqs", "SendMessage", _queue, member="SqsParameters"),
    ("sns", ""): Kind("an SNS topic", "sns", "Publish", _topic),
    ("logs", "log-group"): Kind(
        "a log group",
        "logs",
        "PutLogEvents",
        _lines,
        first=lambda sent: Wanted("logs", "CreateLogStream", _stream(sent)),
    ),
    ("events", "event-bus"): Kind("an event bus", "events", "PutEvents", _bus),
    ("sagemaker", "pipeline"): Kind(
        "a SageMaker pipeline",
        "sagemaker",
        "StartPipelineExecution",
        _pipeline,
        member="SageMakerPipelineParameters",
        role=True,
    ),
}
"""By service and type of resource in the ARN."""

MOST_TOGETHER: Final = 10
_MOST_BYTES: Final = 900_000
"""Of bodies in one call: what SQS takes, with room for the rest."""


def together(ones: Sequence[Delivery]) -> Iterator[tuple[dict[str, Delivery], Delivery]]:
    """Messages to one queue, in order, by calls that hold several: (the messages by their Ids, the call)."""
    batch: dict[str, Delivery] = {}
    size = 0
    for one in ones:
        length = len(one.params["MessageBody"].encode())
        if batch and (len(batch) == MOST_TOGETHER or size + length > _MOST_BYTES):
            yield batch, _batch(batch)
            batch, size = {}, 0
        # The Id makes the message's id: of a repetition it is the same, whatever else is in its batch.
        batch[blake2b(one.id.encode(), digest_size=20).hexdigest()] = one
        size += length
    if batch:
        yield batch, _batch(batch)


def _batch(ones: dict[str, Delivery]) -> Delivery:
    first = next(iter(ones.values()))
    entries = [{"Id": name, "MessageBody": one.params["MessageBody"]} for name, one in ones.items()]
    params = {"QueueUrl": first.params["QueueUrl"], "Entries": entries}
    return Delivery("several", first.region, first.acting, "sqs", "SendMessageBatch", params)


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


def kind_of(arn: str) -> Kind:
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
    if (service, "") in KINDS or any(one == service for one, _ in KINDS):
        raise ValidationException(f"Provided Arn is not in correct format. Target ARN: {arn}")
    named = _OTHERS.get(service, f"resources of the service {service!r}")
    raise NotImplementedHere(f"Targets of rules cannot be {named} yet: {arn} is not served by Clary.")


def check_target(ctx: Context, target: Doc) -> Kind:
    """The kind of the target, which Clary can reach. Raises ValidationException, NotImplementedHere."""
    arn = target["Arn"]
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
    if kind.role and "RoleArn" not in target:
        raise ValidationException(f"RoleArn is required for target {arn}.")
    return kind


def group_of(arn: str) -> str:
    """The name of the log group of that ARN."""
    return arn.split(":", 6)[6].removesuffix(":*")
