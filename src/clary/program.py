"""How the person at the terminal calls this program, so that the commands it prints can be copied as they are."""

import os
import sys
from pathlib import Path


def program() -> str:
    """`clary` where the shell finds this one under that name; else the path that was typed, or `python -m clary`."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_shown(Path(sys.executable))} -m clary"
    found = next((one for one in (Path(place) / "clary" for place in os.get_exec_path()) if one.is_file()), None)
    if called.name != "clary" or not called.exists() or (found is not None and found.samefile(called)):
        return "clary"
    return _shown(called)


def _shown(path: Path) -> str:
    """From here, or the whole path when it lies elsewhere."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
