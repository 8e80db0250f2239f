"""What makes an execution come true: the steps whose time has come are given rows, and their own reconciler runs them.

An execution goes on as long as nothing fails. After a failure no step starts any more; those that run go to their end,
and then the execution has failed. A Fail step, and StopPipelineExecution, also ask what runs to end.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.reconcile import Step, again, move, rest
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.pipeline.language import definition as language
from clary.services.sagemaker import jobs
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.pipelines import selective
from clary.services.sagemaker.pipelines.machine import EXECUTION_MACHINE, STEP, STEP_MACHINE, row_name
from clary.services.sagemaker.pipelines.plans import Plan, Plans
from clary.services.sagemaker.pipelines.seen import ROUND, Glimpse, Seen, glimpse

LOOK_SECONDS: Final = 60.0
"""How often a running execution is looked at; that one of its steps has ended is told at once by a hint."""
MOST_AT_ONCE: Final = 200
"""Steps of one execution that run at the same time where nothing says otherwise: AWS's quota."""
LONGEST_REASON: Final = 1300
_SIDES: Final = {"True": "IfSteps", "False": "ElseSteps"}


@dataclass(frozen=True, slots=True)
class _View:
    """One look at an execution."""

    execution: Resource
    plan: Plan
    rows: dict[str, Glimpse]
    runs: frozenset[str]
    """The steps that are to run, if their branches are chosen."""

    @property
    def live(self) -> list[Glimpse]:
        return [one for one in self.rows.values() if one.live]

    def failed(self) -> list[Glimpse]:
        return [one for one in self.rows.values() if one.phase in ("Failed", "Stopped")]


class ExecutionReconciler:
    """Desired: every step that is to run has succeeded. Every step of this may be repeated after a crash at any line:
    rows are named by their steps, so none is made twice."""

    def __init__(self, engines: Engines, plans: Plans, seen: Seen) -> None:
        self._store: Store = engines.store
        self._clock = engines.clock
        self._plans = plans
        self._seen = seen

    async def __call__(self, execution: Resource) -> Step:
        if EXECUTION_MACHINE.settled(execution.phase):
            self._seen.forget(execution.uid)
            return rest()
        try:
            plan = self._plans.of(execution)
        except Missing:
            return rest()  # The pipeline is being deleted, and this goes with it.
        status = execution.status
        runs = frozenset(status.get("_runs", plan.definition.steps))
        self._take_over(execution)
        view = _View(execution, plan, self._seen.of(execution), runs)
        self._begin_round(view)
        if execution.phase == "Stopping" or "_ending" in status:
            return self._end(view)
        failed = view.failed()
        if any(one.ends for one in failed):
            return again(0.0, _ending={"why": _why(failed)})
        if failed:
            return self._waited(view) or self._over(execution, "Failed", FailureReason=_why(failed))
        self._start(view)
        return self._waited(view) or self._over(execution, "Succeeded")

    def give_up(self, execution: Resource, error: Exception) -> Step:
        if EXECUTION_MACHINE.settled(execution.phase):
            return rest()
        self._seen.forget(execution.uid)
        if "_ending" in execution.status or execution.phase == "Stopping":
            return self._over(execution, "Failed", FailureReason=jobs.give_up_reason(error))
        return again(0.0, _ending={"why": jobs.give_up_reason(error)})

    def _start(self, view: _View) -> None:
        """The steps that wait for nothing any more have rows, as many as may run at once."""
        asked: Doc = view.execution.status.get("ParallelismConfiguration") or {}
        free = int(asked.get("MaxParallelExecutionSteps", MOST_AT_ONCE)) - len(view.live)
        if free <= 0:
            return
        skipped: set[str] = set()
        for name, step in view.plan.definition.steps.items():
            if name not in view.runs or name in view.rows:
                continue
            needs = view.plan.needs[name] & view.runs
            if _left_out(step, needs, view.rows, skipped):
                skipped.add(name)
            elif free > 0 and all(one in view.rows and view.rows[one].phase == "Succeeded" for one in needs):
                row = self._begin(view.execution, step)
                view.rows[name] = glimpse(row)
                free -= 1

    def _begin(self, execution: Resource, step: language.Step) -> Resource:
        """The step has a row, due at once; one that is there stays as it is."""
        said = {"StepDisplayName": step.display_name, "StepDescription": step.description}
        now = self._clock.now()
        row = _row(
            execution,
            step.name,
            phase=STEP_MACHINE.initial,
            spec={"StepType": step.type, **{name: value for name, value in said.items() if value}},
            status={
                "_execution": execution.uid,
                ROUND: execution.status.get(ROUND, 0),
                "AttemptCount": 1,
                "StartTime": now,
            },
            due=now,
        )
        try:
            return self._store.create(row)
        except Exists:
            return self._store.get(execution.account, execution.region, STEP, row.name)

    def _take_over(self, execution: Resource) -> None:
        """The rows of steps whose results are those of an earlier execution stand in this one."""
        source = execution.status.get("_source")
        if source is None or execution.status.get("_taken"):
            return
        for name in execution.status["_reused"]:
            found = self._store.get(execution.account, execution.region, STEP, f"{source}/{name}")
            said = {**selective.taken_over(found), "_execution": execution.uid, ROUND: 0}
            with suppress(Exists):
                self._store.create(_row(execution, name, phase="Succeeded", spec=found.spec, status=said))

    def _begin_round(self, view: _View) -> None:
        """After RetryPipelineExecution, what has not succeeded begins anew."""
        number = int(view.execution.status.get(ROUND, 0))
        for one in view.failed():
            if one.round >= number:
                continue
            row = self._row(view.execution, one.name)
            now, attempt = self._clock.now(), int(row.status.get("AttemptCount", 1)) + 1
            fresh = {name: None for name in row.status if name.startswith("_") and name != "_execution"}
            ended = dict.fromkeys(("EndTime", "FailureReason", "Metadata", "CacheHitResult"))
            began: dict[str, Any] = {**fresh, **ended, ROUND: number, "AttemptCount": attempt, "StartTime": now}
            with suppress(Stale):  # Somebody wrote it: the next look begins it.
                written = self._store.update(row, phase=STEP_MACHINE.initial, due=now, **began)
                view.rows[one.name] = glimpse(written)

    def _end(self, view: _View) -> Step:
        """What runs has been asked to end; when it has, the execution is over."""
        for one in view.live:
            if one.phase == "Stopping":
                continue
            row = self._row(view.execution, one.name)
            with suppress(Stale):  # It has gone on meanwhile: the next look asks it.
                if not STEP_MACHINE.settled(row.phase):
                    row = self._store.update(row, phase="Stopping", due=self._clock.now())
            view.rows[one.name] = glimpse(row)
        if view.live:
            return again(1.0 if any(one.phase != "Stopping" for one in view.live) else LOOK_SECONDS)
        if view.execution.phase == "Stopping":
            return self._over(view.execution, "Stopped")
        return self._over(view.execution, "Failed", FailureReason=view.execution.status["_ending"]["why"])

    def _waited(self, view: _View) -> Step | None:
        """None: nothing is left to wait for."""
        return again(LOOK_SECONDS, _taken=True) if view.live else None

    def _over(self, execution: Resource, phase: str, **status: Any) -> Step:
        self._seen.forget(execution.uid)
        return move(phase, **status)

    def _row(self, execution: Resource, step: str) -> Resource:
        return self._store.get(execution.account, execution.region, STEP, row_name(execution, step))


def _row(execution: Resource, step: str, **more: Any) -> Resource:
    return Resource(
        STEP,
        row_name(execution, step),
        execution.account,
        execution.region,
        uid=ids.new(),
        arn=f"{execution.arn}/step/{step}",
        parent=execution.name,
        **more,
    )


def _left_out(step: language.Step, needs: Iterable[str], rows: Mapping[str, Glimpse], skipped: set[str]) -> bool:
    """The step will not run: it stands in a branch that was not chosen, or waits for a step that will not run."""
    needs = list(needs)
    if any(one in skipped for one in needs):
        return True
    if step.parent is None or step.parent not in needs or step.parent not in rows:
        return False
    chosen = rows[step.parent].chosen
    return chosen is not None and _SIDES[chosen] != step.branch


def _why(failed: list[Glimpse]) -> str:
    """FailureReason of the execution: AWS's sentence, then what failed and why."""
    first = sorted(failed, key=lambda one: (not one.ends, one.phase != "Failed"))
    said = " ".join(f"Step {one.name}: {one.reason or f'it was {one.phase.lower()}'}" for one in first)
    return f"Step failure: One or multiple steps failed. {said}"[:LONGEST_REASON]
