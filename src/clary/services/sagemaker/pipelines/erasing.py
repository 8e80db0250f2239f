"""A deleted pipeline goes with all that belongs to it, a bite at a time so that nobody waits for it."""

import asyncio
from contextlib import suppress
from typing import Final

from clary.kernel.errors import Missing, Stale
from clary.kernel.reconcile import Step, again, gone, rest
from clary.kernel.resource import Resource
from clary.kernel.store import Store, Where
from clary.services.sagemaker import tags
from clary.services.sagemaker.pipelines import callbacks
from clary.services.sagemaker.pipelines.machine import EXECUTION, PIPELINE, STEP, VERSION

BITE: Final = 200
TAKEN_UP_SECONDS: Final = 30.0
"""When the reconciler goes on with a deletion whose operation was cut short."""


async def erase(store: Store, pipeline: Resource) -> None:
    """Executions with their steps, then versions, then tags, then the pipeline itself. Safe to repeat after a crash at
    any line: what is left is found by the pipeline, which goes last."""
    here = (pipeline.account, pipeline.region)
    while executions := store.page(EXECUTION, Where(*here, parent=pipeline.name), limit=BITE):
        for one in executions:
            for kind in (STEP, callbacks.KIND):
                while rows := store.page(kind, Where(*here, parent=one.name), limit=BITE):
                    await _delete(store, rows)
        await _delete(store, executions)
    while versions := store.page(VERSION, Where(*here, parent=pipeline.uid), limit=BITE):
        await _delete(store, versions)
    tags.forget(store, pipeline)
    with suppress(Missing, Stale):
        store.delete(store.find(PIPELINE, pipeline.uid))


async def _delete(store: Store, rows: list[Resource]) -> None:
    for row in rows:
        with suppress(Stale):  # Somebody wrote it meanwhile: it is found again.
            store.delete(row)
    await asyncio.sleep(0)


class PipelineReconciler:
    """Desired: a pipeline that was deleted is gone."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, pipeline: Resource) -> Step:
        if pipeline.phase != "Deleting":
            return rest()
        await erase(self._store, pipeline)
        return gone()

    def give_up(self, pipeline: Resource, error: Exception) -> Step:
        return again(TAKEN_UP_SECONDS)
