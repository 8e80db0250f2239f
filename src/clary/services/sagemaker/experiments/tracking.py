"""Every job has a trial component, made and kept by who hears of the job: its request costs nothing more for it.

The component is called `<job>-aws-<kind of job>`, so that hearing of the same thing again finds it. What a client has
changed of it stays: only what the job is the source of is written.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from clary.jobs.turns import BY
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event, Store
from clary.kernel.telemetry import LogStore
from clary.services.sagemaker import experiment_config, training
from clary.services.sagemaker.experiments import facts, points, told
from clary.services.sagemaker.experiments.associations import associate
from clary.services.sagemaker.experiments.measures import folded
from clary.services.sagemaker.experiments.names import COMPONENT, EXPERIMENT, TRIAL, arn, key
from clary.services.sagemaker.experiments.pipelines import ensure

SUBSCRIBER: Final = "experiments"
KINDS: Final = tuple(facts.KINDS)
ENDED: Final = ("Completed", "Failed", "Stopped")
MOST_POINTS: Final = 50_000
"""Values of one job that are kept one by one; all of them are in its measures."""
MOST_SOURCES: Final = 100
"""Jobs that a run names as its sources."""

log = logging.getLogger(__name__)


def component_of(kind: str, job: str) -> str:
    """The name of a job's component, as AWS forms it."""
    return f"{job}-aws-{kind}"


class Tracking:
    """Hears of jobs."""

    def __init__(self, store: Store, logs: LogStore) -> None:
        self._store = store
        self._logs = logs

    async def __call__(self, event: Event) -> None:
        if event.type not in ("created", "moved"):
            return
        component = self._component(event)
        # Behind this line a crash leaves a component without its trial: it is heard again, and goes on from here.
        self._associate(event, component)
        if event.phase in ENDED and event.kind == training.KIND:
            await self._measure(event, component)

    def _component(self, event: Event) -> Resource:
        kind, told_of = facts.KINDS[event.kind], event.resource
        now_true = facts.true(kind, event.phase, told_of["spec"], told_of["status"])
        name = component_of(event.kind, event.name)
        while True:
            try:
                old = self._store.get(event.account, event.region, COMPONENT, key(name))
                if old.status.get("_job_uid") == event.uid:
                    outputs = {**(old.spec.get("OutputArtifacts") or {}), **now_true.get("OutputArtifacts", {})}
                    spec = {**old.spec, **now_true, **({"OutputArtifacts": outputs} if outputs else {})}
                    return self._store.update(old, spec=spec)
                # The name is that of a job that was deleted, or somebody's own: it is the job's from here on.
                self._store.delete(old)
                points.forget(self._store, old)
            except Missing:
                pass
            except Stale:
                continue  # it was written meanwhile: look again
            with suppress(Exists):
                return self._store.create(_made(event, kind, name, now_true))

    def _associate(self, event: Event, component: Resource) -> None:
        config = experiment_config.of(event.resource["spec"])
        trial = self._trial(event, config)
        if trial is not None:
            associate(self._store, trial, component)
        if config.get("RunName"):
            self._add_source(key(config["RunName"]), component)

    def _trial(self, event: Event, config: Doc) -> Resource | None:
        """The trial that the job asks for, or one of its own in the experiment that it asks for; None: neither is
        asked for, or there any more."""
        try:
            if config.get("TrialName"):
                return self._store.get(event.account, event.region, TRIAL, key(config["TrialName"]))
            if not config.get("ExperimentName"):
                return None
            experiment = self._store.get(event.account, event.region, EXPERIMENT, key(config["ExperimentName"]))
        except Missing:
            return None
        name = component_of("trial", event.name)
        spec = {"TrialName": name, "ExperimentName": experiment.spec["ExperimentName"]}
        return ensure(self._store, experiment, TRIAL, name, spec, {}, parent=experiment.name)

    def _add_source(self, run: str, component: Resource) -> None:
        """The run names the job among its sources."""
        source = component.status["Source"]
        while True:
            try:
                found = self._store.get(component.account, component.region, COMPONENT, run)
                sources = found.status.get("Sources") or []
                if source not in sources and len(sources) < MOST_SOURCES:
                    self._store.update(found, Sources=[*sources, source])
            except Missing:
                return
            except Stale:
                continue  # it was written meanwhile: look again
            return

    async def _measure(self, event: Event, component: Resource) -> None:
        """The metrics that the job's lines told are the component's."""
        job = _job(event)
        if not job.status.get("FinalMetricDataList"):
            return
        found = await asyncio.to_thread(told.points, self._logs, job)
        rows = points.keep(self._store, component, found[:MOST_POINTS])
        measures = folded({}, found)
        self._write(component, lambda _: {"_job": measures, "_job_rows": rows})

    def _write(self, component: Resource, status: Callable[[Resource], Doc]) -> None:
        while True:
            with suppress(Stale):  # somebody else wrote it: look again
                self._store.update(component, **status(component))
                return
            try:
                component = self._store.find(COMPONENT, component.uid)
            except Missing:
                return


def _made(event: Event, kind: facts.Kind, name: str, now_true: Doc) -> Resource:
    spec, job_arn = event.resource["spec"], event.resource["arn"]
    status: dict[str, Any] = {
        "Source": {"SourceArn": job_arn, "SourceType": kind.source},
        "_job_uid": event.uid,
        "_refers": [job_arn.lower()],
    }
    if maker := event.resource["status"].get(BY):
        status["CreatedBy"] = {"IamIdentity": {"Arn": maker}}
    if run := experiment_config.of(spec).get("RunName"):
        status["_run"] = run
    said = {"TrialComponentName": name, **experiment_config.display_name(spec), **facts.asked(kind, spec), **now_true}
    return Resource(
        COMPONENT,
        key(name),
        event.account,
        event.region,
        ids.new(),
        arn(event.account, event.region, COMPONENT, name),
        spec=said,
        status=status,
    )


def _job(event: Event) -> Resource:
    """As it was right after the change."""
    return Resource(
        event.kind,
        event.name,
        event.account,
        event.region,
        event.uid,
        event.resource["arn"],
        event.phase,
        spec=event.resource["spec"],
        status=event.resource["status"],
        created=event.created,
    )
