"""What makes one step come true: its arguments are resolved, its kind makes what they ask for and says what became of
it, and what has failed is repeated as its policies say."""

import logging
from dataclasses import dataclass
from typing import Any, Final

from clary.aws.errors import ServiceError
from clary.kernel.errors import Missing
from clary.kernel.reconcile import Step, again, gone, move, rest
from clary.kernel.resource import Doc, Resource
from clary.pipeline.language import expressions
from clary.pipeline.language.problems import Unresolved
from clary.services.sagemaker import jobs, roles
from clary.services.sagemaker.engines import Engines
from clary.services.sagemaker.pipelines import caching, machine, retrying, selective
from clary.services.sagemaker.pipelines.machine import EXECUTION, STEP_MACHINE, step_name
from clary.services.sagemaker.pipelines.plans import Plans
from clary.services.sagemaker.pipelines.retrying import FIRST, REPEATS
from clary.services.sagemaker.pipelines.scope import PROPERTIES, StepScope
from clary.services.sagemaker.pipelines.seen import ENDS, ROUND, Seen
from clary.services.sagemaker.pipelines.steps.base import (
    Failed,
    Outcome,
    Running,
    StepKind,
    StepRun,
    Stopped,
    Succeeded,
)
from clary.services.sagemaker.pipelines.steps.failures import LONGEST, refused
from clary.services.sagemaker.pipelines.steps.table import KINDS
from clary.services.sagemaker.roles import NotAssumable

ARGUMENTS: Final = "_arguments"
EXTRA: Final = "_extra"
_ENGINE: Final = frozenset({"_execution", ROUND, FIRST, REPEATS})
"""Members of a row's status that outlive an attempt; all others that begin with "_" are forgotten with it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Attempt:
    run: StepRun
    kind: StepKind
    fresh: bool
    """Its arguments have just been resolved: nothing of it is written down yet."""


class StepReconciler:
    """Desired: the step has succeeded. Every look may be repeated after a crash at any line: what an attempt makes is
    named by its token, which follows from the execution, the step and the number of the attempt."""

    def __init__(self, engines: Engines, plans: Plans, seen: Seen) -> None:
        self._engines = engines
        self._plans = plans
        self._seen = seen

    async def __call__(self, row: Resource) -> Step:
        if STEP_MACHINE.settled(row.phase):
            self._tell(row)
            return rest()
        try:
            attempt = await self._attempt(row)
        except Missing:
            return gone()  # Its execution is gone, and this goes with it.
        except (Unresolved, NotAssumable) as error:
            return self._unstarted(row, error)
        if row.phase == "Stopping":
            return await self._stopping(row, attempt)
        if attempt.fresh and attempt.run.step.cache is not None and (found := await self._cached(row, attempt)):
            return found
        try:
            outcome = await attempt.kind.look(attempt.run)
        except ServiceError as error:
            outcome = refused(error, f"the service that the step {step_name(row)} needs")
        return await self._came(row, attempt, outcome)

    def give_up(self, row: Resource, error: Exception) -> Step:
        if STEP_MACHINE.settled(row.phase):
            return again(1.0)
        return self._ended(row, "Failed", FailureReason=jobs.give_up_reason(error))

    def _tell(self, row: Resource) -> None:
        uid = row.status["_execution"]
        self._seen.touch(uid, step_name(row))
        self._engines.store.hasten(uid)

    async def _attempt(self, row: Resource) -> _Attempt:
        """Raises Missing, Unresolved, NotAssumable."""
        execution = self._engines.store.find(EXECUTION, row.status["_execution"])
        definition = self._plans.of(execution).definition
        step = definition.steps[step_name(row)]
        ctx = roles.context(self._engines, execution, execution.status["_role"])
        token = machine.token(execution, step.name, int(row.status["AttemptCount"]))
        pipeline_arn = execution.arn.rpartition("/execution/")[0]
        scope = StepScope(self._engines.store, execution, pipeline_arn, row, token)
        fresh = ARGUMENTS not in row.status
        if fresh:
            written: Doc = {ARGUMENTS: step.arguments, EXTRA: step.extra}
            await scope.read(ctx, written, definition)
            said = expressions.resolve(written, scope, definition)
        else:
            said = row.status
        run = StepRun(
            ctx=ctx,
            engines=self._engines,
            definition=definition,
            step=step,
            arguments=said[ARGUMENTS],
            extra=said[EXTRA],
            execution=execution,
            row=row,
            token=token,
            resolve=lambda value: expressions.resolve(value, scope, definition),
        )
        return _Attempt(run, KINDS[step.type], fresh)

    def _unstarted(self, row: Resource, error: Unresolved | NotAssumable) -> Step:
        """An attempt that cannot go on: its arguments have no values, or the role is gone. What the role once made runs
        to its end by itself."""
        if row.phase == "Stopping":
            return self._ended(row, "Stopped")
        said = error.message if isinstance(error, NotAssumable) else f"the arguments cannot be resolved: {error}"
        return self._ended(row, "Failed", FailureReason=f"ClientError: {said}"[:LONGEST])

    async def _cached(self, row: Resource, attempt: _Attempt) -> Step | None:
        """The result of an earlier execution stands for this one; None: it is not known yet, or there is none."""
        run = attempt.run
        known = await caching.key(run, attempt.kind)
        if known is None:
            return None
        found = await caching.hit(run, known)
        if found is None:
            # Written down before the step makes anything: what is found from now on does not stand for it.
            return again(0.0, _cache_key=known, **self._kept(run))
        taken = {name: found.status[name] for name in ("Metadata", PROPERTIES, "_outcome") if name in found.status}
        source = {"SourcePipelineExecutionArn": selective.execution_of(found)}
        return self._ended(row, "Succeeded", **self._kept(run), **taken, CacheHitResult=source)

    async def _stopping(self, row: Resource, attempt: _Attempt) -> Step:
        try:
            outcome = await attempt.kind.stop(attempt.run)
        except ServiceError as error:
            log.warning("a step could not be stopped yet", extra={"step": row.name, "reason": error.message})
            outcome = Running(after=30.0)
        return await self._came(row, attempt, outcome)

    async def _came(self, row: Resource, attempt: _Attempt, outcome: Outcome) -> Step:
        """What the row says of the outcome."""
        kept = self._kept(attempt.run) if attempt.fresh else {}
        match outcome:
            case Running():
                return self._running(row, outcome, kept)
            case Succeeded(properties, metadata, known):
                result: Doc = {PROPERTIES: properties, **({"_outcome": known} if known else {}), "_refers": None}
                if key := row.status.get("_cache_key"):
                    result |= await caching.kept(attempt.run, attempt.kind, key, properties)
                return self._ended(row, "Succeeded", **kept, **_shown(metadata), **result)
            case Stopped(metadata) if row.phase == "Stopping":
                return self._ended(row, "Stopped", **kept, **_shown(metadata), _refers=None)
            case Stopped(metadata):
                why = "ClientError: what the step ran was stopped, and not by this execution"
                return self._failed(row, attempt, Failed(why, metadata=metadata), kept)
            case Failed():
                return self._failed(row, attempt, outcome, kept)

    def _running(self, row: Resource, outcome: Running, kept: Doc) -> Step:
        said = {**kept, **_shown(outcome.metadata), **outcome.keep}
        if outcome.hears is not None:
            said["_refers"] = [outcome.hears]
        if FIRST not in row.status:
            said[FIRST] = self._engines.clock.now()
        if row.phase == "Starting":
            return move("Executing", after=outcome.after, **said)
        return again(outcome.after, **said)

    def _failed(self, row: Resource, attempt: _Attempt, outcome: Failed, kept: Doc) -> Step:
        now = self._engines.clock.now()
        known = {**kept, **_shown(outcome.metadata), "_refers": None}
        if row.phase != "Stopping":
            repeat = retrying.again(attempt.run.step, row, outcome.kind, now)
            if repeat is not None:
                wait, counted = repeat
                # A new number is a new token: the next attempt makes something of its own.
                number = int(row.status["AttemptCount"]) + 1
                said = {**_forgotten(row), **counted, "AttemptCount": number, FIRST: row.status.get(FIRST, now)}
                return move("Starting", after=wait, **said)
        ends = {ENDS: True} if outcome.ends_execution else {}
        return self._ended(row, "Failed", **known, **ends, FailureReason=outcome.reason[:LONGEST])

    def _kept(self, run: StepRun) -> Doc:
        return {ARGUMENTS: run.arguments, EXTRA: run.extra}

    def _ended(self, row: Resource, phase: str, **status: Any) -> Step:
        # The execution is due in the transaction that says so: no crash comes between, and no further look is needed.
        # That it reads this row anew is a hint, given before the row is written: should that fail, it reads it in vain.
        execution = row.status["_execution"]
        self._seen.touch(execution, step_name(row))
        return move(phase, hastens=execution, EndTime=self._engines.clock.now(), **status)


def _shown(metadata: Doc) -> Doc:
    return {"Metadata": metadata} if metadata else {}


def _forgotten(row: Resource) -> Doc:
    """Status members that end with an attempt."""
    return {name: None for name in row.status if name.startswith("_") and name not in _ENGINE}
