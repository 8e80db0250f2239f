"""ExperimentConfig of a job: the trial that the job's component shall belong to, and what the component is called."""

from collections.abc import Mapping
from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.sagemaker.errors import require
from clary.services.sagemaker.experiments.names import COMPONENT, EXPERIMENT, TRIAL, find, key

_KINDS: Final[Mapping[str, str]] = {"ExperimentName": EXPERIMENT, "TrialName": TRIAL, "RunName": COMPONENT}


def check(ctx: Context, req: Doc) -> None:
    """Raises ResourceNotFound for an experiment, a trial or a run that is not there; ValidationException for a trial of
    another experiment."""
    given = of(req)
    found = {member: find(ctx, kind, given[member]) for member, kind in _KINDS.items() if given.get(member)}
    if "TrialName" in found and "ExperimentName" in found:
        require(
            found["TrialName"].parent == key(given["ExperimentName"]),
            f"The trial '{given['TrialName']}' belongs to the experiment "
            f"'{found['TrialName'].spec['ExperimentName']}', not to '{given['ExperimentName']}'",
        )


def of(spec: Doc) -> Doc:
    """The job's ExperimentConfig; {} where it has none."""
    found: Doc = spec.get("ExperimentConfig") or {}
    return found


def display_name(spec: Doc) -> Doc:
    """The member of the job's component that says how it is shown; {}: by its name."""
    shown = of(spec).get("TrialComponentDisplayName")
    return {"DisplayName": shown} if shown else {}
