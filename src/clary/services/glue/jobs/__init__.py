"""Jobs of Glue, their runs and their bookmarks.

rows        how they are kept and shown
checks      what a request is refused for
special     the arguments that Glue itself consumes
operations  CreateJob and the others
runs        StartJobRun and the others
bookmarks   what a job has read already
work        from a run to what a runner starts
reconcile   the life of a run
"""

from clary.services.glue.jobs import bookmarks, operations, runs
from clary.services.glue.jobs.rows import JOB, MACHINE, RUN

__all__ = ["JOB", "MACHINE", "RUN", "bookmarks", "operations", "runs"]
