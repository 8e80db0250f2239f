"""The experiment and the trial that the execution of a pipeline stands for."""

from clary.kernel import ids
from clary.kernel.errors import Exists, Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.sagemaker.experiments.names import EXPERIMENT, TRIAL, arn, key


def begin(store: Store, execution: Resource, config: Doc) -> Doc:
    """There are an experiment and, within it, a trial as the resolved PipelineExperimentConfig names them; the answer
    is the ExperimentConfig for all jobs that the execution makes, {} where the pipeline has none. To be called before
    the first of these jobs, and safe to repeat.

    What is made stands for the execution (`Source`). A trial of that name in another experiment is taken as it is."""
    experiment, trial = config.get("ExperimentName"), config.get("TrialName")
    if not experiment:
        return {}
    source: Doc = {"SourceArn": execution.arn, "SourceType": "SageMakerPipeline"}
    by: Doc = {name: execution.status[name] for name in ("CreatedBy",) if name in execution.status}
    first = ensure(store, execution, EXPERIMENT, experiment, {"ExperimentName": experiment}, by)
    if not trial:
        return {"ExperimentName": first.spec["ExperimentName"]}
    spec = {"TrialName": trial, "ExperimentName": first.spec["ExperimentName"]}
    made = ensure(store, execution, TRIAL, trial, spec, {**by, "Source": source}, parent=first.name)
    return {name: made.spec[name] for name in ("ExperimentName", "TrialName")}


def ensure(store: Store, near: Resource, kind: str, name: str, spec: Doc, status: Doc, *, parent: str = "") -> Resource:
    """The resource of that name in the account and region of `near`, made now if it is not there."""
    row = Resource(
        kind,
        key(name),
        near.account,
        near.region,
        ids.new(),
        arn(near.account, near.region, kind, name),
        parent=parent,
        spec=spec,
        status=status,
    )
    try:
        return store.get(near.account, near.region, kind, row.name)
    except Missing:
        pass
    try:
        return store.create(row)
    except Exists:  # somebody else made it meanwhile
        return store.get(near.account, near.region, kind, row.name)
