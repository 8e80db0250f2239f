"""What jobs and their runs ask of the policies: `glue:<Operation>` on the job. Who names a role must be allowed to pass
it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue import roles, tags
from clary.services.glue.jobs.rows import job_arn

_OF_ONE: Final = {
    "CreateJob": "Name",
    "UpdateJob": "JobName",
    "GetJob": "JobName",
    "DeleteJob": "JobName",
    "StartJobRun": "JobName",
    "GetJobRun": "JobName",
    "GetJobRuns": "JobName",
    "BatchStopJobRun": "JobName",
    "GetJobBookmark": "JobName",
    "ResetJobBookmark": "JobName",
}


def _of(operation: str, member: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = job_arn(ctx, req[member])
        found = [Ask(f"glue:{operation}", arn, {}, req.get("Tags") or None, lambda: tags.of_arn(ctx, arn))]
        role = req.get("Role") or (req.get("JobUpdate") or {}).get("Role")
        if role:
            found.append(roles.pass_role(ctx.account, role))
        return found

    return asks


def _several(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [Ask("glue:BatchGetJobs", job_arn(ctx, name)) for name in req["JobNames"]]


ASKS: Final[Mapping[str, Asks]] = {
    **{operation: _of(operation, member) for operation, member in _OF_ONE.items()},
    "BatchGetJobs": _several,
}
