"""A log group's own file: read once and kept for as long as it stands."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import orjson

from clary.engines.telemetry.stream import write_whole
from clary.kernel.errors import Missing
from clary.kernel.telemetry import LogGroup

_NAME = "group.json"


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: tuple[int, int, int]
    group: LogGroup


class GroupFiles:
    """What groups are, by directory. Safe from threads. A file is written whole under a new inode, so a look at its
    inode and time tells whether it is still the one that was read: other processes may write it, too."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: OrderedDict[tuple[Path, str, str], _Kept] = OrderedDict()

    def read(self, directory: Path, account: str, region: str) -> LogGroup:
        """The same object for as long as nobody writes the file. Raises Missing."""
        file, key = directory / _NAME, (directory, account, region)
        try:
            seen = file.stat()
            stamp = (seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns)
            kept = self._kept.get(key)
            if kept is not None and kept.stamp == stamp:
                return kept.group
            said = orjson.loads(file.read_bytes())
        except FileNotFoundError:
            raise Missing(f"there is no log group in {directory.name!r}") from None
        group = LogGroup(account, region, said["name"], said["created"], said["retention_days"], said["settings"])
        with self._lock:
            # Written between the look and the reading: then the stamp is the older one, and the next look reads again.
            self._kept[key] = _Kept(stamp, group)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return group

    def write(self, directory: Path, group: LogGroup) -> None:
        """Raises Missing."""
        said = {
            "name": group.name,
            "created": group.created,
            "retention_days": group.retention_days,
            "settings": group.settings,
        }
        try:
            write_whole(directory / _NAME, orjson.dumps(said))
        except FileNotFoundError:
            raise Missing(f"there is no log group {group.name!r}") from None
