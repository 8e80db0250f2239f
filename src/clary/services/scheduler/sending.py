"""What a schedule sends when it fires: a delivery to its target, with the rights of its role."""

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import orjson

from clary.aws.delivery import Acting, Counted, Delivery, Retry
from clary.aws.heralds import seconds
from clary.aws.targets import Sent, kind_of, queue_url
from clary.kernel.resource import Doc, Resource
from clary.services.scheduler import universal
from clary.services.scheduler.api import PRINCIPAL

NAMESPACE: Final = "AWS/Scheduler"
RETRY: Final[Doc] = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
"""What a target gets that names no other."""


def delivery(row: Resource, moment: float) -> Delivery:
    """What the schedule sends for that moment; the same however often it is asked."""
    target: Doc = row.spec["Target"]
    name = str(uuid5(NAMESPACE_URL, f"clary:{row.uid}:{moment}"))
    words = _words(row, moment, name)
    payload = filled(target["Input"], words) if "Input" in target else _notification(row, moment, name)
    filled_in = _parameters(target, words)
    first = None
    if target["Arn"].startswith(universal.PREFIX):
        wanted = universal.read(target["Arn"])
        service, operation, region = wanted.service, wanted.operation, row.region
        params = universal.params(target["Arn"], payload if "Input" in target else "{}", name)
    else:
        kind = kind_of(target["Arn"])
        service, operation, region = kind.service, kind.operation, target["Arn"].split(":")[3] or row.region
        sent = Sent(target["Arn"], filled_in, payload, lambda: _entry(target, payload), name, row.spec["Name"], moment)
        params, first = kind.params(sent), None if kind.first is None else kind.first(sent)._asdict()
    retry = {**RETRY, **target.get("RetryPolicy", {})}
    return Delivery(
        name,
        region,
        acting(row.account, row.region, row.parent, target["RoleArn"]),
        service,
        operation,
        params,
        retry=Retry(retry["MaximumRetryAttempts"], float(retry["MaximumEventAgeInSeconds"])),
        dead=_dead_letter(row, target, payload, words),
        counted=_counted(row),
        first=first,
    )


def acting(account: str, region: str, group: str, role: str) -> Acting:
    """The scheduler as the role. AWS names the group, not the schedule, to the role's trust policy."""
    return Acting(
        PRINCIPAL, f"arn:aws:scheduler:{region}:{account}:schedule-group/{group}", role, "EventBridgeScheduler"
    )


def filled(text: str, words: Doc) -> str:
    """The text with its keywords replaced, as they may stand in an Input."""
    for word, value in words.items():
        text = text.replace(f"<aws.scheduler.{word}>", value)
    return text


def _words(row: Resource, moment: float, name: str) -> Doc:
    return {
        "schedule-arn": row.arn,
        "scheduled-time": seconds(moment),
        "execution-id": name,
        "attempt-number": "1",
    }


def _parameters(target: Doc, words: Doc) -> Doc:
    """The target with the keywords in values of pipeline parameters replaced, too."""
    given = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList")
    if not given:
        return target
    values = [{**one, "Value": filled(one["Value"], words)} for one in given]
    return {**target, "SageMakerPipelineParameters": {"PipelineParameterList": values}}


def _notification(row: Resource, moment: float, name: str) -> str:
    """What a target gets that names no Input."""
    said: dict[str, Any] = {
        "version": "0",
        "id": name,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": row.account,
        "time": seconds(moment),
        "region": row.region,
        "resources": [row.arn],
        "detail": "{}",
    }
    return orjson.dumps(said).decode()


def _entry(target: Doc, payload: str) -> Doc:
    about = target["EventBridgeParameters"]
    return {"Source": about["Source"], "DetailType": about["DetailType"], "Detail": payload}


def _counted(row: Resource) -> Counted:
    return Counted(
        NAMESPACE,
        {"ScheduleGroup": row.parent},
        ended="InvocationAttemptCount",
        failed="InvocationDroppedCount",
        dead="InvocationsSentToDeadLetterCount",
        undead="InvocationsFailedToBeSentToDeadLetterCount",
    )


def _dead_letter(row: Resource, target: Doc, payload: str, words: Doc) -> Doc | None:
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue is None:
        return None
    said: dict[str, str] = {
        "ERROR_CODE": "{error_code}",
        "ERROR_MESSAGE": "{error_message}",
        "EXECUTION_ID": words["execution-id"],
        "EXHAUSTED_RETRY_CONDITION": "{exhausted}",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "{retries}",
        "SCHEDULED_TIME": words["scheduled-time"],
        "SCHEDULE_ARN": row.arn,
        "TARGET_ARN": target["Arn"],
    }
    return {
        "service": "sqs",
        "region": queue.split(":")[3],
        "operation": "SendMessage",
        "role": target["RoleArn"],
        "params": {
            "QueueUrl": queue_url(queue),
            "MessageBody": payload,
            "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in said.items()},
        },
    }
