"""Callback steps: a message to a queue, and whoever gets it says when the pipeline goes on, and with what."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from clary.kernel.resource import Doc, Resource
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines import callbacks
from clary.services.sagemaker.pipelines.steps.arguments import is_expression
from clary.services.sagemaker.pipelines.steps.base import Failed, Outcome, Running, StepRun, Stopped, Succeeded

LONGEST_SECONDS: Final = 28 * 24 * 3600.0
"""How long an answer is waited for."""
LOOKED_AT: Final = 15.0
"""Seconds between two looks: an answer hastens the next one, so that they are for lost hints only."""
MOST_OUTPUTS: Final = 50
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EXECUTING, _STOPPING = "Executing", "Stopping"


class CallbackStep:
    """Type "Callback"."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """A queue, and outputs with names and types."""
        return [Problem(f"{step.path}.{where}", message, step.name) for where, message in _problems(step)]

    async def look(self, run: StepRun) -> Outcome:
        """The message was sent (once, or where it was killed in between, twice with the same token), and the answer is
        waited for."""
        callback = callbacks.begun(run.ctx, token(run), run.execution, run.row, _outputs(run))
        if "Sent" not in callback.status:
            await _send(run, callback.name, _EXECUTING)
            # Killed before this line it is sent again: queues deliver at least once anyway.
            callback = callbacks.told(run.ctx, callback, Sent=run.ctx.clock.now())
        if "Answer" in callback.status:
            return _answered(run, callback)
        if run.ctx.clock.now() - callback.created > LONGEST_SECONDS:
            return Failed(
                f"Nobody answered the callback within {LONGEST_SECONDS / 86400:.0f} days", metadata=_said(run)
            )
        return Running(_said(run), after=LOOKED_AT)

    async def stop(self, run: StepRun) -> Outcome:
        """Whoever has the token is told by a second message that the pipeline wants to stop, and it does when they
        answer, as on AWS."""
        callback = callbacks.begun(run.ctx, token(run), run.execution, run.row, _outputs(run))
        if "Sent" not in callback.status:
            return Stopped(_said(run))
        if "Answer" in callback.status:
            return Stopped(_said(run)) if "Stopping" in callback.status else _answered(run, callback)
        if "Stopping" not in callback.status:
            await _send(run, callback.name, _STOPPING)
            callbacks.told(run.ctx, callback, Stopping=run.ctx.clock.now())
        return Running(_said(run), after=LOOKED_AT)

    def cached(self, run: StepRun) -> Doc | None:
        """What is asked, of whom."""
        return {"Arguments": run.arguments, "SqsQueueUrl": run.extra["SqsQueueUrl"], "OutputParameters": _outputs(run)}


def token(run: StepRun) -> str:
    """The same for the same attempt; nobody can guess it, since the row's uid is told to nobody."""
    number = int.from_bytes(hashlib.sha256(f"{run.token}/{run.row.uid}".encode()).digest()[:16])
    letters = ""
    for _ in range(10):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return letters


def _outputs(run: StepRun) -> list[Doc]:
    return list(run.extra.get("OutputParameters") or [])


async def _send(run: StepRun, name: str, status: str) -> None:
    body = {
        "token": name,
        "pipelineExecutionArn": run.execution.arn,
        "arguments": run.arguments,
        "status": status,
    }
    await run.ctx.call("sqs", "SendMessage", {"QueueUrl": run.extra["SqsQueueUrl"], "MessageBody": json.dumps(body)})


def _said(run: StepRun, outputs: list[Doc] | None = None) -> Doc:
    said: Doc = {"CallbackToken": token(run), "SqsQueueUrl": run.extra["SqsQueueUrl"]}
    return {"Callback": {**said, "OutputParameters": outputs} if outputs else said}


def _answered(run: StepRun, callback: Resource) -> Outcome:
    answer: Doc = callback.status["Answer"]
    if answer["Outcome"] == callbacks.FAILURE:
        return Failed(answer["FailureReason"] or "The callback was answered with a failure", metadata=_said(run))
    given = answer["OutputParameters"]
    values = callbacks.typed(callback.spec["Outputs"], given)
    return Succeeded({"OutputParameters": values}, _said(run, given))


def _problems(step: Step) -> list[tuple[str, str]]:
    found = []
    url = step.extra.get("SqsQueueUrl")
    if url is None:
        found.append(("SqsQueueUrl", "a Callback step needs the URL of a queue that its message is sent to"))
    elif not isinstance(url, str) and not is_expression(url):
        found.append(("SqsQueueUrl", "must be the URL of a queue"))
    outputs = step.extra.get("OutputParameters")
    if outputs is None:
        return found
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        return [*found, ("OutputParameters", 'must be a list of {"OutputName": ..., "OutputType": ...}')]
    if len(outputs) > MOST_OUTPUTS:
        found.append(("OutputParameters", f"must have at most {MOST_OUTPUTS} entries, not {len(outputs)}"))
    names: set[str] = set()
    for place, one in enumerate(outputs):
        at = f"OutputParameters[{place}]"
        name, kind = one.get("OutputName"), one.get("OutputType", "String")
        if not isinstance(name, str) or not name:
            found.append((at, "the output has no OutputName"))
        elif name in names:
            found.append((f"{at}.OutputName", f"two outputs are called {name!r}"))
        names.add(str(name))
        if kind not in callbacks.TYPES:
            found.append((f"{at}.OutputType", f"must be one of {', '.join(callbacks.TYPES)}, not {kind!r}"))
    return found
