"""What makes a tuning job come true: it follows the trials that run, and launches others until there were enough."""

from collections.abc import Sequence
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.engines.search.base import SearchError
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import jobs
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.tuning import criteria, followed, machine, stopping, strategies, warm
from clary.services.sagemaker.tuning.curves import Curves, definition_of
from clary.services.sagemaker.tuning.definitions import Definition, definitions, metric_definitions, of_number, static
from clary.services.sagemaker.tuning.machine import TUNING_JOB
from clary.services.sagemaker.tuning.strategies import Known

POLL_SECONDS: Final = 5.0
"""How often running trials are looked at; that one has ended is told at once by a hint."""
WATCH_SECONDS: Final = 1.0
"""The same where trials may be stopped early, so their curves must be seen."""


class TuningJobReconciler:
    """Desired: as many trials as were asked have run, so many at a time. Every step may be repeated after a crash at
    any line: what is to be tried is written down before it is launched, under a name that follows from its number."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._curves = Curves(engines.logs)

    async def __call__(self, job: Resource) -> Step:
        if TUNING_JOB.settled(job.phase):
            self._curves.forget(job)
            return rest()
        among = definitions(job.spec)
        ctx = followed.acting(self._engines, job)
        ending = job.status.get("_ending") or ({"phase": "Stopped"} if job.phase == "Stopping" else None)
        try:
            trials = await self._followed(ctx, job, among, ending)
            if ending is not None:
                return await self._end(ctx, job, trials, among, ending)
            if (over := self._over(job, trials, among)) is not None:
                return again(0.0, **self._told(job, trials, among), _ending=over)
            await self._stop_early(ctx, job, trials, among)
            trials += await self._launch(ctx, job, trials, among)
        except ServiceError as error:
            if ending is not None:
                raise  # It is ending already: tried again, each time later.
            return again(0.0, _ending={"phase": "Failed", "why": followed.why(error)})
        except SearchError as error:
            # It is asked again; after some attempts the job is given up with what is missing.
            raise RuntimeError(str(error)) from error
        return again(self._pause(job), **self._told(job, trials, among))

    def give_up(self, job: Resource, error: Exception) -> Step:
        if TUNING_JOB.settled(job.phase):
            return rest()
        if "_ending" in job.status:
            return move("Failed", FailureReason=jobs.give_up_reason(error), **self._ended())
        return again(0.0, _ending={"phase": "Failed", "why": jobs.give_up_reason(error)})

    async def _followed(
        self, ctx: Context, job: Resource, among: tuple[Definition, ...], ending: Doc | None
    ) -> list[Resource]:
        """All trials, those that have ended since the last look with what became of them."""
        store, now = self._engines.store, []
        for trial in machine.trials(store, job):
            if machine.settled(trial):
                now.append(trial)
                continue
            definition = among[trial.spec["Definition"]]
            found = followed.link(store, job, trial)
            if found is None and "_launched" in trial.status:
                now.append(followed.gone(store, trial))
            elif found is None and ending is not None:
                store.delete(trial)  # It was intended and never launched: it will not be.
            elif found is None:
                await followed.launch(ctx, job, definition, trial)
                now.append(store.update(trial, _launched=True))
            elif followed.ended(found):
                now.append(followed.settle(store, trial, found, definition))
            else:
                now.append(trial if "_launched" in trial.status else store.update(trial, _launched=True))
        return now

    def _over(self, job: Resource, trials: Sequence[Resource], among: tuple[Definition, ...]) -> Doc | None:
        """How it ends, when there are to be no more trials."""
        config, minimizes = job.spec["HyperParameterTuningJobConfig"], among[0].minimizes
        done = len(trials) >= most_trials(config, among) and all(machine.settled(trial) for trial in trials)
        if (why := criteria.hopeless(trials, last=done)) is not None:
            return {"phase": "Failed", "why": why}
        longest = config["ResourceLimits"].get("MaxRuntimeInSeconds")
        late = longest is not None and self._engines.clock.now() - job.created >= longest
        return {"phase": "Completed"} if done or late or criteria.enough(config, trials, minimizes) else None

    async def _launch(
        self, ctx: Context, job: Resource, trials: Sequence[Resource], among: tuple[Definition, ...]
    ) -> list[Resource]:
        """The trials that are launched now: as many as may run beside those that do."""
        config, store, made = job.spec["HyperParameterTuningJobConfig"], self._engines.store, list(trials)
        while len(made) < most_trials(config, among) and _running(made) < most_at_once(config):
            number = machine.number(made[-1]) + 1 if made else 1
            definition = of_number(number, among)
            own = [trial for trial in made if trial.spec["Definition"] == definition.index]
            known = Known(definition, own, warm.tried_before(store, job, definition, own))
            tuned = await strategies.choose(config["Strategy"], known, job, number, self._engines.search)
            # Written down first: after a crash behind this line the same trial is launched, not another one beside it.
            trial = machine.intend(store, job, number, definition.index, tuned)
            await followed.launch(ctx, job, definition, trial)
            made.append(store.update(trial, _launched=True))
        return made[len(trials) :]

    async def _end(
        self, ctx: Context, job: Resource, trials: Sequence[Resource], among: tuple[Definition, ...], ending: Doc
    ) -> Step:
        """No trial is left running, then the job is at its end."""
        if not _running(trials):
            why = {"FailureReason": ending["why"]} if "why" in ending else {}
            return move(ending["phase"], after=0.0, **self._told(job, trials, among), **self._ended(), **why)
        for trial in trials:
            if not machine.settled(trial):
                await followed.stop(ctx, trial)
        return again(WATCH_SECONDS, **self._told(job, trials, among))

    async def _stop_early(
        self, ctx: Context, job: Resource, trials: Sequence[Resource], among: tuple[Definition, ...]
    ) -> None:
        """Trials that are not worth going on are asked to end."""
        config = job.spec["HyperParameterTuningJobConfig"]
        for definition in among if watches(config) else ():
            metric = definition_of(definition.metric, metric_definitions(definition.said))
            own = [trial for trial in trials if trial.spec["Definition"] == definition.index]
            if metric is None or not _running(own):
                continue
            curves = {trial.name: self._curve(job, trial, definition, metric) for trial in own}
            for trial in own:
                if not machine.settled(trial) and self._not_worth_it(job, trial, own, curves, definition):
                    await followed.stop(ctx, trial)

    def _curve(self, job: Resource, trial: Resource, definition: Definition, metric: Doc) -> list[float]:
        found = followed.training_job(self._engines.store, trial)
        values = [] if found is None else self._curves.of(job, found, metric)
        return values if definition.minimizes else [-one for one in values]

    def _not_worth_it(
        self,
        job: Resource,
        trial: Resource,
        own: Sequence[Resource],
        curves: dict[str, list[float]],
        definition: Definition,
    ) -> bool:
        config, curve = job.spec["HyperParameterTuningJobConfig"], curves[trial.name]
        if config["Strategy"] != "Hyperband":
            before = [curves[one.name] for one in own if machine.settled(one) and machine.value(one) is not None]
            return stopping.below_median(curve, before)
        least, most = stopping.resources(config, static(definition))
        assert most is not None  # Create refuses what does not tell it.
        levels = stopping.rungs(least, most, strategies.seed_of(job), machine.number(trial))
        others = [curves[one.name] for one in own if one.name != trial.name]
        return stopping.out_of_band(curve, others, levels, most)

    def _told(self, job: Resource, trials: Sequence[Resource], among: tuple[Definition, ...]) -> dict[str, Any]:
        """The status members that follow from the trials."""
        store, minimizes = self._engines.store, among[0].minimizes
        told: Doc = criteria.counters(trials)
        leader = criteria.best(trials, minimizes)
        if leader is not None:
            told["BestTrainingJob"] = followed.summary(store, job, leader)
            details: Doc = dict(job.status.get("TuningJobCompletionDetails") or {})
            details["NumberOfTrainingJobsObjectiveNotImproving"] = criteria.not_improving(trials, minimizes)
            if criteria.converged(trials, minimizes):
                details.setdefault("ConvergenceDetectedTime", self._engines.clock.now())
            told["TuningJobCompletionDetails"] = details
        if (job.spec.get("WarmStartConfig") or {}).get("WarmStartType") == warm.IDENTICAL:
            told |= self._best_of_all(job, leader, minimizes)
        return told

    def _best_of_all(self, job: Resource, leader: Resource | None, minimizes: bool) -> Doc:
        store = self._engines.store
        found = [] if leader is None else [(job, leader)]
        for parent in warm.parents(store, job):
            its = criteria.best(machine.trials(store, parent), minimizes)
            found += [] if its is None else [(parent, its)]
        leading = criteria.best((trial for _, trial in found), minimizes)
        if leading is None:
            return {}
        owner = next(owner for owner, trial in found if trial is leading)
        return {"OverallBestTrainingJob": followed.summary(store, owner, leading)}

    def _ended(self) -> dict[str, Any]:
        return {"HyperParameterTuningEndTime": self._engines.clock.now()}

    def _pause(self, job: Resource) -> float:
        config = job.spec["HyperParameterTuningJobConfig"]
        pause = WATCH_SECONDS if watches(config) else POLL_SECONDS
        longest = config["ResourceLimits"].get("MaxRuntimeInSeconds")
        if longest is not None:
            pause = min(pause, max(0.0, job.created + longest - self._engines.clock.now()))
        return pause


def watches(config: Doc) -> bool:
    """Running trials may be stopped early."""
    return config["Strategy"] == "Hyperband" or config.get("TrainingJobEarlyStoppingType") == "Auto"


def most_trials(config: Doc, among: tuple[Definition, ...]) -> int:
    if config["Strategy"] == "Grid":
        return strategies.combinations(among[0].axes)
    most: int = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", machine.MOST_TRIALS)
    return most


def most_at_once(config: Doc) -> int:
    most: int = config["ResourceLimits"]["MaxParallelTrainingJobs"]
    return most


def _running(trials: Sequence[Resource]) -> int:
    return sum(not machine.settled(trial) for trial in trials)
