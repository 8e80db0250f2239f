"""What makes the run of a job true, one step at a time."""

import asyncio
import logging
import shutil
from dataclasses import replace
from typing import Any, Final

from clary.aws.acting import NotAssumable
from clary.aws.errors import ServiceError
from clary.engines.runners.base import Run, Runner, StartError
from clary.jobs import environments, lines, outputs
from clary.jobs.refusals import InputError
from clary.kernel.errors import Missing
from clary.kernel.reconcile import Step, again, gone, move, rest
from clary.kernel.resource import Resource
from clary.kernel.store import Where
from clary.kernel.telemetry import LogStreamName
from clary.services.glue.engines import Engines
from clary.services.glue.jobs import bookmarks, runs
from clary.services.glue.jobs.rows import JOB, LOG_GROUPS, MACHINE, RUN, SPARK, active, arguments, demand
from clary.services.glue.jobs.work import COMMITTED, FAILURE, STDERR, work_of
from clary.services.glue.triggers.hints import told

POLL_SECONDS: Final = 0.5
"""How often a run's new lines are shipped; its end is learnt at once by a hint."""
TURN_SECONDS: Final = 2.0
TIDY_SECONDS: Final = 0.05
CLEAN_SECONDS: Final = 300.0
"""How often the removal of an ended run is tried again when it cannot be removed."""
GRACE_SECONDS: Final = 120.0
"""From SIGTERM to SIGKILL of a run that is stopped."""
LONGEST_MESSAGE: Final = 4096
_MOST_BOOKMARK_BYTES: Final = 16 << 20

log = logging.getLogger(__name__)


class JobRunReconciler:
    """Desired: the run has run once to its end, or does not exist any more. Every step may be repeated after a crash at
    any line."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def __call__(self, run: Resource) -> Step:
        if MACHINE.settled(run.phase):
            return await self._clean(run)
        if run.phase == "WAITING":
            return self._waiting(run)
        seen = await self._runner(run).observe(run.uid)
        stopping = run.phase == "STOPPING" or run.status.get("_too_long")
        if stopping and not self._ended_by_itself(run, seen):
            return await self._stopping(run, seen)
        match seen.phase:
            case "absent":
                return await self._absent(run)
            case "running":
                return await self._running(run, seen)
            case "ended":
                return await self._ended(run, seen)
            case "lost":
                await self._ship(run, seen, final=True)
                self._commit(run, seen)
                return self._failed(run, seen, "the run was lost: the machine went down, or its process was killed")

    def give_up(self, run: Resource, error: Exception) -> Step:
        if MACHINE.settled(run.phase) or run.phase == "WAITING":
            return again(CLEAN_SECONDS)  # it is tried for ever, but not often
        if lines.disk_is_full(error):
            return self._failed(run, None, "Clary could not go on: the disk is full. Make room on this machine")
        return self._failed(
            run, None, f"Clary could not go on with the run ({type(error).__name__}). Please try again."
        )

    def _waiting(self, run: Resource) -> Step:
        """The oldest goes when there is room: looked at and answered without giving way, so two never go for one."""
        where = Where(account=run.account, region=run.region, parent=run.parent, phase="WAITING")
        (first,) = self._engines.store.page(RUN, where, order="created", limit=1) or [run]
        job = replace(run, uid=run.parent)
        most = run.spec["_job"]["ExecutionProperty"].get("MaxConcurrentRuns", 1)
        if first.uid == run.uid and active(self._engines.store, job) < most:
            return move("STARTING", after=0.0, StateDetail=None)
        why = f"Waiting since the job has reached its maximum of concurrent runs ({most})"
        return again(TURN_SECONDS, StateDetail=why)

    async def _absent(self, run: Resource) -> Step:
        if run.status.get("_running"):
            return self._failed(run, None, "the run is gone from this machine")
        if "_granted_at" not in run.status:
            wanted = demand(run, self._engines.instance_scale)
            why = self._engines.turns.ask(run, wanted)
            if why is not None:
                return again(TURN_SECONDS, StateDetail=why)
            now = self._engines.clock.now()
            return again(0.0, StateDetail=None, _granted_at=now, **wanted.granted())
        try:
            work = await work_of(self._engines, run)
            # A crash behind this line finds the run at the next look; a second start of one uid starts nothing.
            await self._runner(run).start(run.uid, work)
        except environments.Making as making:
            why = await environments.follow(self._engines, making, self._stream(run, "output"))
            return again(POLL_SECONDS) if why is None else self._failed(run, None, why)
        except NotAssumable as error:
            why = f"{error} Glue runs the job as this role."
            return self._failed(run, None, why)
        except (InputError, StartError) as error:
            return self._failed(run, None, str(error))
        except ServiceError as error:
            return self._failed(run, None, error.message)
        return move("RUNNING", after=0.0, _running=True)

    async def _running(self, run: Resource, seen: Run) -> Step:
        await self._ship(run, seen, final=False)
        if run.phase == "STARTING":
            return move("RUNNING", after=0.0, _running=True)
        now = self._engines.clock.now()
        lasted = 0.0 if seen.started is None else now - seen.started
        if lasted > 60.0 * run.spec["Timeout"]:
            return again(0.0, _too_long=True, _stop_asked=now)
        notify = (run.spec.get("NotificationProperty") or {}).get("NotifyDelayAfter")
        if notify is not None and lasted > 60.0 * notify and not run.status.get("_late"):
            return again(POLL_SECONDS, emit=True, _late=True)
        return again(POLL_SECONDS)

    async def _ended(self, run: Resource, seen: Run) -> Step:
        await self._ship(run, seen, final=True)
        self._engines.turns.leave(run)  # it holds nothing any more: who waits need not wait for the clean-up
        committed = self._commit(run, seen)
        if seen.exit_code == 0:
            return self._finish(run, seen, "SUCCEEDED", **committed)
        return self._failed(run, seen, self._why(run, seen), **committed)

    async def _stopping(self, run: Resource, seen: Run) -> Step:
        if seen.phase == "running":
            await self._runner(run).stop(run.uid, GRACE_SECONDS)
            await self._ship(run, seen, final=False)
            return again(POLL_SECONDS)
        await self._ship(run, seen, final=True)
        committed = self._commit(run, seen)
        if run.status.get("_too_long"):
            minutes = run.spec["Timeout"]
            why = f"The run took longer than its Timeout of {minutes} min and was stopped"
            return self._finish(run, seen, "TIMEOUT", ErrorMessage=self._with_lines(run, why), **committed)
        return self._finish(run, seen, "STOPPED", **committed)

    def _commit(self, run: Resource, seen: Run) -> dict[str, Any]:
        """What the script has committed is the job's bookmark; the status member that says so."""
        if seen.root is None:
            return {}
        text = outputs.text(seen.root, COMMITTED, _MOST_BOOKMARK_BYTES + 1)
        if not text:
            return {}
        if len(text) > _MOST_BOOKMARK_BYTES:
            log.warning("a bookmark is too large to be kept", extra={"run": run.name})
            return {}
        job = replace(run, uid=run.spec["_job_uid"], name=run.spec["JobName"])
        return {bookmarks.ENTRY: bookmarks.keep(self._engines.store, job, run, text)}

    def _why(self, run: Resource, seen: Run) -> str:
        said = outputs.text(seen.root, FAILURE, 2 * LONGEST_MESSAGE) if seen.root is not None else ""
        if seen.out_of_memory:
            most = self._engines.max_memory_bytes
            may = f"{most:,} bytes" if most else "all of this machine's memory"
            return f"Out of memory: a run may use {may} (the setting CLARY_MAX_RUN_MEMORY_BYTES)"
        if said:
            return lines.shown(said)
        if seen.broken is not None:
            return seen.broken
        return f"The script ended with exit code {seen.exit_code}{lines.meaning(seen.exit_code)}; 0 means success"

    def _with_lines(self, run: Resource, why: str) -> str:
        for kind in ("error", "output"):
            last = lines.last(self._engines.logs, self._stream(run, kind))
            if last:
                room = LONGEST_MESSAGE - len(why) - 40
                return f"{why}\nLast lines of the log:\n{last[-room:]}" if room > 0 else why[:LONGEST_MESSAGE]
        return why[:LONGEST_MESSAGE]

    def _failed(self, run: Resource, seen: Run | None, why: str, **status: Any) -> Step:
        retries = run.spec["_job"].get("MaxRetries", 0)
        stopped = run.phase == "STOPPING"
        if run.spec["Attempt"] < retries and not stopped and not run.status.get("_gone"):
            status["_retry"] = True
        return self._finish(run, seen, "FAILED", ErrorMessage=self._with_lines(run, why), **status)

    def _finish(self, run: Resource, seen: Run | None, phase: str, **status: Any) -> Step:
        now = self._engines.clock.now()
        if seen is not None and seen.started is not None:
            status["ExecutionTime"] = max(0, round((seen.ended or now) - seen.started))
        # What follows is done by the next look, once this is written: a crash in between loses nothing.
        return move(phase, after=TIDY_SECONDS, CompletedOn=now, StateDetail=None, **status)

    async def _clean(self, run: Resource) -> Step:
        """The next attempt is there, who waits for this end has heard of it, and nothing is left on this machine."""
        store = self._engines.store
        self._engines.turns.leave(run)
        there = self._job_stands(run)
        if run.status.get("_retry") and there:
            runs.next_attempt(store, run, self._engines.clock.now())
        told(store, run.account, run.region, f"job/{run.spec['JobName']}")
        await self._runner(run).remove(run.uid)
        await asyncio.to_thread(shutil.rmtree, self._engines.scratch / run.uid, True)
        return rest() if there else gone()

    def _job_stands(self, run: Resource) -> bool:
        try:
            self._engines.store.find(JOB, run.parent)
        except Missing:
            return False
        return True

    async def _ship(self, run: Resource, seen: Run, *, final: bool) -> None:
        """What it has printed is in the log store."""
        uid = run.uid
        await lines.ship(self._engines, self._stream(run, "output"), uid, seen, final=final)
        continuous = arguments(run).get("--enable-continuous-cloudwatch-log", "").lower() == "true"
        if continuous:
            await lines.ship(self._engines, self._stream(run, "logs-v2"), f"{uid}-v2", seen, final=final)
        if seen.root is None:
            return
        # Its owner may have made anything of it: a link is followed no further than the run's own directory.
        found = await asyncio.to_thread(outputs.resolve, seen.root, STDERR)
        if found is not None and found.is_file():
            part = replace(seen, log=found)
            await lines.ship(self._engines, self._stream(run, "error"), f"{uid}-error", part, final=final)
            if continuous:
                await lines.ship(self._engines, self._stream(run, "logs-v2"), f"{uid}-v2-error", part, final=final)

    def _stream(self, run: Resource, kind: str) -> LogStreamName:
        group = LOG_GROUPS[run.spec["_job"]["Command"]["Name"]]
        return LogStreamName(run.account, run.region, f"{group}/{kind}", run.name)

    def _runner(self, run: Resource) -> Runner:
        spark = run.spec["_job"]["Command"]["Name"] == SPARK
        return self._engines.spark if spark else self._engines.runner

    def _ended_by_itself(self, run: Resource, seen: Run) -> bool:
        """It ended before anybody asked it to stop."""
        asked = run.status.get("_stop_asked")
        return seen.phase == "ended" and (asked is None or (seen.ended is not None and seen.ended < asked))
