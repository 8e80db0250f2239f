"""What several hosts have left, as one directory: hard links, so that nothing is copied. Blocks: call in a thread."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from clary.jobs import outputs


def merge(roots: Sequence[Path], paths: Sequence[str], together: Path) -> None:
    """`together` stands for /opt/ml with all that the roots have below these paths. Of one name, that of the first root
    counts. Made from empty, so that what a crash left half done does not matter. Links are taken over as they are."""
    shutil.rmtree(together, ignore_errors=True)
    together.mkdir(parents=True)
    for root in roots:
        for path in paths:
            top = outputs.resolve(root, path)
            if top is not None and top.is_dir():
                _lay(top, together / path.removeprefix(f"{outputs.ROOT}/"))


def _lay(top: Path, below: Path) -> None:
    """What is not there yet is there."""
    if below.is_symlink() or (below.exists() and not below.is_dir()):
        return
    below.mkdir(parents=True, exist_ok=True)
    waiting = [(top, below)]
    while waiting:
        source, target = waiting.pop()
        mode = source.stat().st_mode
        if mode & stat.S_IRWXU != stat.S_IRWXU:  # closed by its program, to its own user, who is ours
            source.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
        with os.scandir(source) as listed:
            entries = list(listed)
        for entry in entries:
            place = target / entry.name
            if not entry.is_dir(follow_symlinks=False):
                if not os.path.lexists(place):
                    os.link(entry.path, place, follow_symlinks=False)
            elif not place.is_symlink() and (place.is_dir() or not place.exists()):
                place.mkdir(exist_ok=True)
                waiting.append((Path(entry.path), place))
