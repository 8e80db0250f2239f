"""What a job has read already: per `transformation_ctx`, the objects up to a time, and by name those around it.

An object counts as read when it was last changed before `low`, or stands in `recent` as it is now. `low` lies some
minutes before
the moment of the listing: an object whose upload began then and ended later has an older time than others that were
read."""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .objects import Found

WINDOW: Final = 900.0
"""Seconds before a listing in which objects are kept by name. AWS keeps fifteen minutes too."""

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one source has been read."""

    low: float = 0.0
    """Seconds since 1970: everything last changed up to here has been read."""
    recent: Mapping[str, str] = field(default_factory=dict)
    """Path to its time and tag, of what was read and is younger than `low`."""

    def fresh(self, found: Iterable[Found]) -> list[Found]:
        """Those that are new or changed, oldest first."""
        chosen = [one for one in found if one.modified > self.low and self.recent.get(one.path) != one.stamp()]
        return sorted(chosen, key=lambda one: (one.modified, one.path))

    def after(self, found: Iterable[Found], left: Iterable[Found], listed: float) -> "Mark":
        """The mark once all of `found` but `left` have been read, in a listing of the time `listed`."""
        waiting = {one.path: one.modified for one in left}
        low = max(self.low, listed - WINDOW)
        if waiting:
            low = max(self.low, min([low, *(one - 0.001 for one in waiting.values())]))
        recent = {one.path: one.stamp() for one in found if one.path not in waiting and one.modified > low}
        return Mark(low, recent)


@dataclass(slots=True)
class Bookmarks:
    """The bookmark of one job. `mode` is Glue's --job-bookmark-option."""

    mode: str = "job-bookmark-disable"
    marks: dict[str, Mark] = field(default_factory=dict)
    reached: dict[str, Mark] = field(default_factory=dict)

    def active(self, context: str) -> bool:
        return bool(context) and self.mode in {"job-bookmark-enable", "job-bookmark-pause"}

    def unread(self, context: str, found: list[Found], listed: float | None = None) -> list[Found]:
        """Those of `found` that this source has not read before. Without bookmarks, or without a transformation_ctx,
        all of them. `listed` is when the listing began."""
        if not self.active(context):
            return found
        mark = self.marks.get(context, Mark())
        self.reached[context] = mark.after(found, [], time.time() if listed is None else listed)
        return mark.fresh(found)

    def postponed(self, context: str, found: list[Found], left: list[Found], listed: float) -> None:
        """`left` were not read after all (a bound was set): they stay unread."""
        if self.active(context):
            self.reached[context] = self.marks.get(context, Mark()).after(found, left, listed)

    def text(self) -> str:
        """The state after this run, as it is stored."""
        marks = {**self.marks, **self.reached}
        contexts = {name: {"low": one.low, "recent": dict(one.recent)} for name, one in sorted(marks.items())}
        return json.dumps({"version": VERSION, "contexts": contexts}, separators=(",", ":"))


def read(text: str, mode: str) -> Bookmarks:
    """The bookmarks that `text` holds. Raises ValueError if it is none."""
    try:
        state: Any = json.loads(text)
        marks = {
            name: Mark(float(one["low"]), {str(path): str(stamp) for path, stamp in one["recent"].items()})
            for name, one in state["contexts"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"the job's bookmark cannot be read ({type(error).__name__}: {error}): reset it with ResetJobBookmark"
        ) from error
    return Bookmarks(mode, marks)


def store(path: Path, text: str) -> None:
    """`path` holds `text`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
