"""What expressions mean in one execution: its parameters, its variables, the properties of its steps, and the documents
that JsonGet reads."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.jobs import locations
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.pipeline.language import expressions
from clary.pipeline.language.definition import Definition
from clary.pipeline.language.problems import Unresolved
from clary.services.sagemaker.pipelines import machine, reading
from clary.services.sagemaker.pipelines.machine import STEP, STEP_DONE

MOST_BYTES: Final = 16 << 20
"""Of a document that JsonGet reads."""
PROPERTIES: Final = "_properties"
"""The status member of a step's row that holds what `Steps.<name>.<path>` reads."""


class ExecutionScope:
    """The scope of an execution as such: no step has run yet, no document has been read."""

    def __init__(self, execution: Resource, pipeline_arn: str) -> None:
        self._execution = execution
        self._pipeline_arn = pipeline_arn

    def parameter(self, name: str) -> Any:
        known: Doc = self._execution.status["_parameters"]
        if name not in known:
            raise Unresolved("", f"the pipeline has no parameter {name!r}")
        return known[name]

    def execution(self, variable: str) -> str:
        one = self._execution
        match variable:
            case "PipelineName":
                return one.parent
            case "PipelineArn":
                return self._pipeline_arn
            case "PipelineExecutionId":
                return machine.id_of(one)
            case "PipelineExecutionArn":
                return one.arn
            case "StartDateTime":
                return moment(one.created or one.status["_started"])
        raise Unresolved("", f"Execution.{variable} has no value here")

    def properties(self, step: str) -> Doc:
        raise Unresolved("", f"the step {step!r} has not run")

    def document(self, s3_uri: str) -> Any:
        raise Unresolved("", f"the document {s3_uri} has not been read")


class StepScope(ExecutionScope):
    """The scope of one attempt at one step. `read` first fetches the documents that an expression will ask for."""

    def __init__(self, store: Store, execution: Resource, pipeline_arn: str, row: Resource, token: str) -> None:
        super().__init__(execution, pipeline_arn)
        self._store = store
        self._row = row
        self._token = token
        self._properties: dict[str, Doc] = {}
        self._documents: dict[str, Any] = {}

    def execution(self, variable: str) -> str:
        match variable:
            case "CurrentDateTime":
                # The moment at which the step began: an attempt that is started again after a crash means the same.
                return moment(self._row.created)
            case "TrainingJobName" | "ProcessingJobName":
                return self._token
        return super().execution(variable)

    def properties(self, step: str) -> Doc:
        found = self._properties.get(step)
        if found is None:
            found = self._properties[step] = self._found(step)
        return found

    def document(self, s3_uri: str) -> Any:
        if s3_uri not in self._documents:
            raise Unresolved("", f"the document {s3_uri} has not been read")
        return self._documents[s3_uri]

    async def read(self, ctx: Context, value: Any, definition: Definition) -> None:
        """Every document that JsonGet in the value asks for is at hand. Raises Unresolved."""
        for uri in expressions.documents(value, self, definition):
            if uri not in self._documents:
                self._documents[uri] = await _document(ctx, uri)

    def _found(self, step: str) -> Doc:
        row = self._row
        name = f"{self._execution.name}/{step}"
        try:
            found = self._store.get(row.account, row.region, STEP, name)
        except Missing:
            raise Unresolved("", f"the step {step!r} has not run in this execution") from None
        if found.phase != STEP_DONE:
            raise Unresolved("", f"the step {step!r} is {found.phase}")
        known: Doc = found.status.get(PROPERTIES) or {}
        return known


def moment(epoch: float) -> str:
    """A time as expressions see it: ISO 8601 in UTC, in milliseconds."""
    said = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return said.replace("+00:00", "Z")


async def _document(ctx: Context, uri: str) -> Any:
    try:
        body = await reading.whole(ctx, locations.parse(uri), MOST_BYTES)
    except ServiceError as error:
        if error.http_status >= 500:
            raise
        raise Unresolved("", f"{uri} cannot be read: {error.error_code}: {error.message}") from error
    except reading.TooLarge:
        raise Unresolved("", f"{uri} is larger than {MOST_BYTES} bytes") from None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unresolved("", f"{uri} is no JSON document: {error}") from None
