"""What an execution starts with: its parameters, the steps that are selected, its experiment."""

from typing import Any, Final

from clary.aws.errors import ValidationException
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.pipeline.language import expressions, parameters
from clary.pipeline.language.definition import Definition
from clary.pipeline.language.problems import Refused, Unresolved
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.pipelines import selective
from clary.services.sagemaker.pipelines.plans import Plan
from clary.services.sagemaker.pipelines.scope import ExecutionScope

_SELECTED: Final = "SelectiveExecutionConfig"


def typed(definition: Definition, req: Doc) -> Doc:
    """The typed value of every parameter. Raises ValidationException with all that is wrong with what was given."""
    given: dict[str, str] = {}
    for one in req.get("PipelineParameters") or ():
        require(one["Name"] not in given, f"PipelineParameters gives {one['Name']!r} twice.")
        given[one["Name"]] = one["Value"]
    try:
        return parameters.values(definition, given)
    except Refused as error:
        raise ValidationException(f"Invalid parameters: {error}") from None


def selected(ctx: Context, pipeline: Resource, plan: Plan, req: Doc) -> Doc:
    """Status members that say which steps run, where the request selects some. Raises ValidationException."""
    config = req.get(_SELECTED)
    if not config:
        return {}
    found = selective.select(ctx.store, pipeline, plan.definition, plan.needs, config)
    chosen: Doc = {"_runs": sorted(found.runs)}
    if found.source is not None:
        chosen |= {"_reused": list(found.reused), "_source": found.source.name}
        # SelectiveExecutionConfig tells the source, also where the request left it open.
        chosen[_SELECTED] = {**config, "SourcePipelineExecutionArn": found.source.arn}
    return chosen


def experiment(definition: Definition, execution: Resource, pipeline: Resource) -> Doc:
    """PipelineExperimentConfig, resolved. Raises ValidationException."""
    if not definition.experiment:
        return {}
    try:
        found: Any = expressions.resolve(definition.experiment, ExecutionScope(execution, pipeline.arn), definition)
    except Unresolved as error:
        raise ValidationException(f"PipelineExperimentConfig: {error}") from None
    names = {name: str(value) for name, value in found.items() if value not in (None, "")}
    return {"PipelineExperimentConfig": names} if names else {}
