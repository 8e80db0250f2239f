"""One look at an update that is on its way, or at its way back: what is seen, what is published, how far it got.

Where it stands is written in the endpoint's status, so a look that is cut short is repeated as it was:

    _rollout  {"config": the DeploymentConfig, "by": who asked, packed, "began": epoch seconds,
               "step": number of the stage, "stage": one of the words below, "since": when it entered it,
               "reached": the stage to which the traffic had got when it was taken back}
    _undone   the deployment that is taken back (RollingBack, UpdateRollbackFailed); else `_target` is the new one
"""

from dataclasses import dataclass, replace
from typing import Final

from clary.engines.serving.base import Route
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker.endpoints import rollout, routing
from clary.services.sagemaker.endpoints.fleet import Fleet
from clary.services.sagemaker.endpoints.rollout import Stage

CREATING: Final = "Creating"
"""The stage's instances come up; the traffic is as in the stage before."""
ACTIVATING: Final = "ActivatingTraffic"
"""They are ready; the fronts are told of its share of the traffic."""
BAKING: Final = "Baking"
"""Every front goes by it; alarms are watched for the interval."""
DELETING: Final = "Deleting"
"""The last stage has baked; the old instances are kept a while longer."""


@dataclass(frozen=True, slots=True)
class Shift:
    """An update between two deployments, as far as it has got."""

    endpoint: Resource
    old: Doc
    new: Doc
    config: Doc
    back: bool
    began: float
    step: int
    stage: str
    since: float
    by: Doc
    reached: int

    def stages(self) -> list[Stage]:
        if self.back:
            return rollout.stages_back(self.config, self.old, self.new, self.reached)
        return rollout.stages(self.config, self.old, self.new)

    @property
    def current(self) -> Stage:
        found = self.stages()
        return found[min(self.step, len(found) - 1)]

    @property
    def last(self) -> bool:
        return self.step >= len(self.stages()) - 1

    def asked(self) -> list[Doc]:
        """The two deployments with as many instances as they shall have in this stage."""
        stage = self.current
        return [rollout.scaled(self.old, stage.old), rollout.scaled(self.new, stage.new)]

    def share(self) -> dict[str, float]:
        """Of each variant's traffic, which the new instances shall get now."""
        if self.stage != CREATING:
            return dict(self.current.share)
        if self.step > 0:
            return dict(self.stages()[self.step - 1].share)
        if self.back and self.reached >= 0:
            return dict(rollout.stages(self.config, self.old, self.new)[self.reached].share)
        return dict.fromkeys(self.current.share, 0.0)

    def route(self, fleet: Fleet) -> Route:
        old, new = self.asked()
        return routing.mixed(self.endpoint, old, fleet.ready(old), new, fleet.ready(new), self.share())

    def ready(self, fleet: Fleet) -> bool:
        """Everybody is there to whom this stage gives traffic."""
        old, new = self.asked()
        return fleet.complete(old if self.back else new)

    def enter(self, stage: str, now: float, *, step: int | None = None) -> "Shift":
        return replace(self, stage=stage, since=now, step=self.step if step is None else step)

    def taken_back(self, now: float) -> "Shift":
        """The same, on its way back from where its traffic has got."""
        reached = self.step - 1 if self.stage == CREATING else self.step
        return replace(self, back=True, reached=reached, step=0, stage=CREATING, since=now, began=now)

    def doc(self) -> Doc:
        """As `_rollout` holds it."""
        return {
            "config": self.config,
            "by": self.by,
            "began": self.began,
            "step": self.step,
            "stage": self.stage,
            "since": self.since,
            "reached": self.reached,
        }


def begun(config: Doc, by: Doc, now: float) -> Doc:
    """The `_rollout` of an update that is asked for now."""
    return {"config": config, "by": by, "began": now, "step": 0, "stage": CREATING, "since": now, "reached": -1}


def shift_of(endpoint: Resource) -> Shift | None:
    """The update that is on its way, or on its way back; None: there is none, or only counts and weights change."""
    status = endpoint.status
    live, target, undone = status.get("_live"), status.get("_target"), status.get("_undone")
    new = target if target is not None else undone
    if live is None or new is None or new["generation"] == live["generation"]:
        return None
    said = status.get("_rollout") or begun({}, {}, new["started"])  # of an older version of Clary, all at once
    return Shift(
        endpoint,
        live,
        new,
        said["config"],
        target is None,
        said["began"],
        said["step"],
        said["stage"],
        said["since"],
        said["by"],
        said["reached"],
    )
