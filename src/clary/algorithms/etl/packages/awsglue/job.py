"""`Job`: the run's beginning and the commit of its bookmark."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from . import bookmarks
from .bookmarks import Bookmarks

if TYPE_CHECKING:
    from .context import GlueContext


class Job:
    """One job a process. What `init` begins `commit` ends: only then does the next run pass over what this one has
    read."""

    name: ClassVar[str] = ""
    bookmarks: ClassVar[Bookmarks] = Bookmarks()
    begun: ClassVar[bool] = False

    def __init__(self, glue_context: "GlueContext | None" = None) -> None:
        self.glue_context = glue_context

    @classmethod
    def init(cls, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """The run has begun, with what runs before it have read."""
        values = args or {}
        config = _config()
        mode = config.get("bookmark") or values.get("job_bookmark_option") or "job-bookmark-disable"
        if values.get("job_bookmark_from") or values.get("job_bookmark_to"):
            raise NotImplementedError(
                "--job-bookmark-from and --job-bookmark-to are not offered: only the state of the last commit is kept"
            )
        state = _root() / "input" / "config" / "bookmark.json"
        if mode != "job-bookmark-disable" and state.is_file():
            cls.bookmarks = bookmarks.read(state.read_text(encoding="utf-8"), mode)
        else:
            cls.bookmarks = Bookmarks(mode)
        cls.name, cls.begun = job_name or config.get("job", {}).get("JobName", ""), True

    @classmethod
    def commit(cls) -> None:
        """What this run has read counts as read. With bookmarks paused or off nothing changes."""
        if not cls.begun:
            raise RuntimeError("job.commit() comes after job.init(args['JOB_NAME'], args)")
        if cls.bookmarks.mode == "job-bookmark-enable":
            bookmarks.store(_root() / "output" / "bookmark.json", cls.bookmarks.text())

    @classmethod
    def isInitialized(cls) -> bool:
        return cls.begun


def _root() -> Path:
    return Path(os.environ.get("CLARY_ML_ROOT") or "/opt/ml")


def _config() -> dict[str, Any]:
    try:
        found = json.loads((_root() / "input" / "config" / "etl.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}
