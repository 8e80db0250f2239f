"""The lineage of pipelines: an execution is a context, to which belongs whatever its steps made."""

from collections.abc import Callable, Mapping
from typing import Final

from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.kernel.store import Event, Store
from clary.services.sagemaker.lineage import jobs, serving
from clary.services.sagemaker.lineage.associations import End
from clary.services.sagemaker.lineage.book import Book, named
from clary.services.sagemaker.lineage.entities import MOST_PROPERTIES

EXECUTION: Final = "pipeline-execution"
STEP: Final = "pipeline-step"
TYPE: Final = "PipelineExecution"


def _job(book: Book, arn: str) -> End:
    return book.component(jobs.component_of(arn))


def _endpoint(book: Book, arn: str) -> End | None:
    try:
        one = book.store.by_arn(arn)
    except Missing:
        return None
    name = serving.endpoint_name(one.name, one.created)
    return book.context(name, "Endpoint", arn, properties={"EndpointName": one.name})


_MADE: Final[Mapping[str, Callable[[Book, str], End | None]]] = {
    "TrainingJob": _job,
    "ProcessingJob": _job,
    "TransformJob": _job,
    "QualityCheck": _job,
    "ClarifyCheck": _job,
    "TuningJob": jobs.tuning_context,
    "Model": serving.model_artifact,
    "RegisterModel": serving.package,
    "Endpoint": _endpoint,
}
"""What a step's Metadata names, by its member."""
_ARNS: Final = ("Arn", "CheckJobArn", "EndpointArn")


class Executions:
    """Hears of executions and of their steps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, event: Event) -> None:
        if event.type == "deleted":
            return
        book = Book.of(self._store, event)
        if event.kind == EXECUTION:
            self._execution(book, event)
        else:
            self._step(book, event)

    def _execution(self, book: Book, event: Event) -> None:
        spec = event.resource["spec"]
        told: Doc = {"PipelineName": event.name.partition("/")[0], "PipelineExecutionStatus": event.phase}
        for one in spec.get("PipelineParameters") or ():
            if len(told) < MOST_PROPERTIES:
                told[f"Parameter.{one['Name']}"] = one["Value"]
        _context(book, event.resource["arn"], told)

    def _step(self, book: Book, event: Event) -> None:
        metadata = event.resource["status"].get("Metadata") or {}
        made = [one for member, about in metadata.items() if (one := _made(book, member, about)) is not None]
        if not made:
            return
        pipeline, identifier, _ = event.name.split("/", 2)
        arn = book.arn(f"pipeline/{pipeline}/execution/{identifier}")
        execution = _context(book, arn, {"PipelineName": pipeline})
        for one in made:
            book.link(one, execution, "AssociatedWith")


def _made(book: Book, member: str, about: object) -> End | None:
    if not isinstance(about, dict) or member not in _MADE:
        return None
    arn = next((about[name] for name in _ARNS if about.get(name)), None)
    return _MADE[member](book, arn) if arn else None


def _context(book: Book, arn: str, told: Doc) -> End:
    _, pipeline, _, identifier = arn.rpartition(":")[2].split("/")
    return book.context(named(f"{pipeline}-{identifier}", "aws-pipeline-execution"), TYPE, arn, properties=told)
