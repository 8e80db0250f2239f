"""EndpointConfig and Endpoint steps: what was made is served."""

from collections.abc import Sequence
from typing import Any, Final

from clary.aws.errors import ValidationException
from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines.steps import arguments, jobs
from clary.services.sagemaker.pipelines.steps.base import Failed, Outcome, Running, StepRun, Stopped, Succeeded

_FAILED: Final = frozenset({"Failed", "UpdateRollbackFailed", "OutOfService"})
_ASKED: Final = "_endpoint_asked"


class EndpointConfigStep:
    """Type "EndpointConfig": CreateEndpointConfig, then DescribeEndpointConfig."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """The arguments are a CreateEndpointConfig but for the name."""
        return arguments.check(step, "CreateEndpointConfig", given=("EndpointConfigName",))

    async def look(self, run: StepRun) -> Outcome:
        """The configuration is there: under the name that the step gives it, as long as no other configuration has
        that name (of an earlier run, say), else under a name of this attempt alone."""
        wanted = run.arguments.get("EndpointConfigName")
        name = wanted or run.token
        said = await _described(run, "DescribeEndpointConfig", {"EndpointConfigName": name})
        if said is not None and not _holds(said, run.arguments):
            name = jobs.job_name(run.token, wanted)
            said = await _described(run, "DescribeEndpointConfig", {"EndpointConfigName": name})
        if said is None:
            await run.ctx.call("sagemaker", "CreateEndpointConfig", {**run.arguments, "EndpointConfigName": name})
            said = await run.ctx.call("sagemaker", "DescribeEndpointConfig", {"EndpointConfigName": name})
        return Succeeded(said, {"EndpointConfig": {"Arn": said["EndpointConfigArn"]}})

    async def stop(self, run: StepRun) -> Outcome:
        """There is nothing that runs."""
        return Stopped()

    def cached(self, run: StepRun) -> Doc | None:
        """Never: to make it costs nothing."""
        return None


class EndpointStep:
    """Type "Endpoint": the endpoint of that name is made, or updated where there is one, and in service."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """The arguments are a CreateEndpoint; the name is the endpoint's own, since it outlives the pipeline."""
        return arguments.check(step, "CreateEndpoint")

    async def look(self, run: StepRun) -> Outcome:
        """The endpoint serves the configuration that the step names."""
        name = run.arguments["EndpointName"]
        said = await _described(run, "DescribeEndpoint", {"EndpointName": name})
        if said is None:
            if run.row.status.get(_ASKED):
                return Failed(f"The endpoint {name} was deleted before it was in service")
            await run.ctx.call("sagemaker", "CreateEndpoint", run.arguments)
            return await self._begun(run, name)
        status = said["EndpointStatus"]
        # What was asked is seen in the endpoint itself, since a crash may have come between the asking and the row.
        ours = run.row.status.get(_ASKED) or await self._asks_for_ours(run, said)
        if not ours and status in ("InService", "Failed"):
            await run.ctx.call("sagemaker", "UpdateEndpoint", _update(run.arguments))
            return await self._begun(run, name)
        if not ours:
            # Somebody's change is under way: ours waits for it, as UpdateEndpoint would refuse it.
            return Running(_metadata(said), hears=said["EndpointArn"])
        return self._where(run, said, status)

    async def stop(self, run: StepRun) -> Outcome:
        """What was asked goes on by itself: an endpoint cannot be stopped half way."""
        said = await _described(run, "DescribeEndpoint", {"EndpointName": run.arguments["EndpointName"]})
        return Stopped(_metadata(said) if said is not None else {})

    def cached(self, run: StepRun) -> Doc | None:
        """Never: whether an endpoint serves is seen by looking."""
        return None

    async def _begun(self, run: StepRun, name: str) -> Outcome:
        said = await run.ctx.call("sagemaker", "DescribeEndpoint", {"EndpointName": name})
        return Running(_metadata(said), {_ASKED: True}, said["EndpointArn"])

    async def _asks_for_ours(self, run: StepRun, said: Doc) -> bool:
        """The endpoint serves, or is on its way to, the configuration of this step."""
        wanted = run.arguments["EndpointConfigName"]
        pending = said.get("PendingDeploymentSummary") or {}
        if pending:
            return bool(pending.get("EndpointConfigName") == wanted)
        return bool(said.get("EndpointConfigName") == wanted and said["EndpointStatus"] != "Failed")

    def _where(self, run: StepRun, said: Doc, status: str) -> Outcome:
        metadata = _metadata(said)
        if status in _FAILED:
            return Failed(f"ClientError: {said.get('FailureReason') or f'the endpoint is {status}'}", metadata=metadata)
        if status != "InService":
            return Running(metadata, {_ASKED: True}, said["EndpointArn"])
        if said["EndpointConfigName"] != run.arguments["EndpointConfigName"]:
            why = said.get("FailureReason") or f"it serves {said['EndpointConfigName']}"
            return Failed(f"ClientError: the endpoint was not updated: {why}", metadata=metadata)
        return Succeeded(said, metadata)


def _update(said: Doc) -> Doc:
    """UpdateEndpoint takes no tags: an endpoint keeps its own."""
    return {name: value for name, value in said.items() if name != "Tags"}


def _metadata(said: Doc) -> Doc:
    return {"Endpoint": {"Arn": said["EndpointArn"]}}


def _holds(said: Any, wanted: Any) -> bool:
    """What is described is what is wanted, beside defaults that were filled in. Tags are not described."""
    match wanted:
        case dict():
            return isinstance(said, dict) and all(
                _holds(said.get(name), value) for name, value in wanted.items() if value is not None and name != "Tags"
            )
        case list():
            return (
                isinstance(said, list)
                and len(said) == len(wanted)
                and all(_holds(one, value) for one, value in zip(said, wanted, strict=True))
            )
    return bool(said == wanted)


async def _described(run: StepRun, operation: str, named: Doc) -> Doc | None:
    """None: there is none. Raises ServiceError for anything else that goes wrong."""
    try:
        return dict(await run.ctx.call("sagemaker", operation, named))
    except ValidationException as error:
        if "Could not find" not in error.message:
            raise
    return None
