"""Bookmarks: what a job has read already, as its script's `job.commit()` says it.

The state of the last commit stands in one row a job; what each run committed stands in the run's own row, so that a
bookmark can be taken back to any of them."""

from typing import Any, Final

from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Store
from clary.services.glue.api import service
from clary.services.glue.errors import EntityNotFoundException
from clary.services.glue.jobs.rows import BOOKMARK, find_job, find_run

ENTRY: Final = "_bookmark"
"""The status member of a run in which its entry stands once it has committed."""


@service.operation("GetJobBookmark")
async def get_job_bookmark(ctx: Context, req: Doc) -> Doc:
    """What the job's last run has committed, or the run that is named. Errors: EntityNotFoundException."""
    job = find_job(ctx, req["JobName"])
    entry = _of_run(ctx, job, req["RunId"]) if "RunId" in req else _current(ctx.store, job)
    if entry is None:
        raise EntityNotFoundException(f"Continuation for job {job.name} not found")
    return {"JobBookmarkEntry": entry}


@service.operation("ResetJobBookmark")
async def reset_job_bookmark(ctx: Context, req: Doc) -> Doc:
    """The next run reads everything, or with a RunId all that was not read by then. Errors: EntityNotFoundException."""
    job = find_job(ctx, req["JobName"])
    said: Doc = {"JobName": job.name, "Run": 0, "Attempt": 0, "RunId": "", "JobBookmark": "{}"}
    if "RunId" in req:
        entry = _of_run(ctx, job, req["RunId"])
        if entry is None:
            raise EntityNotFoundException(f"Continuation for job {job.name} and run {req['RunId']} not found")
        said = entry
    elif _current(ctx.store, job) is None:
        raise EntityNotFoundException(f"Continuation for job {job.name} not found")
    return {"JobBookmarkEntry": _write(ctx.store, job, said)}


def state(store: Store, job: Resource) -> str | None:
    """What the job's next run is told; None: nothing, it reads everything."""
    entry = _current(store, job)
    return None if entry is None or entry["JobBookmark"] == "{}" else str(entry["JobBookmark"])


def keep(store: Store, job: Resource, run: Resource, text: str) -> Doc:
    """The job's bookmark is what this run has committed; the entry. Safe to repeat."""
    current = _current(store, job)
    if current is not None and (current["RunId"], current["JobBookmark"]) == (run.name, text):
        return current  # a crash came between this row and the run's
    attempt = run.spec.get("Attempt", 0)
    number = (0 if current is None else current["Run"]) + 1
    entry: Doc = {"JobName": job.name, "Run": number, "Attempt": attempt, "RunId": run.name, "JobBookmark": text}
    if current is not None and current["RunId"]:
        entry["PreviousRunId"] = current["RunId"]
    return _write(store, job, entry)


def forget(store: Store, job: Resource) -> None:
    """The job has no bookmark any more."""
    try:
        store.delete(store.get(job.account, job.region, BOOKMARK, job.uid))
    except (Missing, Stale):
        return


def _current(store: Store, job: Resource) -> Doc | None:
    try:
        return dict(store.get(job.account, job.region, BOOKMARK, job.uid).spec)
    except Missing:
        return None


def _of_run(ctx: Context, job: Resource, run_id: str) -> Doc | None:
    entry: Doc | None = find_run(ctx, job, run_id).status.get(ENTRY)
    return entry


def _write(store: Store, job: Resource, entry: Doc) -> Doc:
    """The row is there, a version on; what stands in it."""
    while True:
        said: dict[str, Any] = {**entry, "Version": 1}
        try:
            try:
                old = store.get(job.account, job.region, BOOKMARK, job.uid)
            except Missing:
                store.create(Resource(BOOKMARK, job.uid, job.account, job.region, uid=ids.new(), spec=said))
            else:
                said["Version"] = old.spec["Version"] + 1
                store.update(old, spec=said)
        except (Exists, Stale):  # another run of the job was first: look again
            continue
        return said
