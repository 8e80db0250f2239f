"""The Python of programs in a framework's image: a virtual environment over Clary's own, so that they have its packages
and may install others. It is made of a few links and small files, once for a home.

Nothing can be installed into it from inside, where it is read-only; pip then takes the user's directory, which is the
run's own (PACKAGES) and comes before everything that is installed here."""

import hashlib
import os
import shutil
import site
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = "/opt/ml/packages"
"""Where a run keeps what it installs itself."""
_VERSION: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_SHEBANG: Final = b"#!"
_SCRIPT: Final = '#!/bin/sh\nexec "${{0%/*}}/python" "{}" "$@"\n'
"""A console script of the Python below, run by this one, wherever this one was copied to."""


def executable(place: Path) -> Path:
    """The python of the environment at that place."""
    return place / "bin" / "python"


def packages(place: Path) -> Path:
    """Where the packages of an environment of this Python stand."""
    return place / "lib" / f"python{_VERSION}" / "site-packages"


def beneath() -> list[str]:
    """The directories of packages that every environment stands on, in the order in which they are searched."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [path for path in (*user, *site.getsitepackages()) if Path(path).is_dir()]


def fingerprint() -> str:
    """What an environment depends on: another Python, or packages that come and go below it, make it another one."""
    seen = [sys.version, sys.executable, sys.base_prefix]
    seen += [f"{path}\0{Path(path).stat().st_mtime_ns}" for path in beneath()]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def environment() -> dict[str, str]:
    """The variables of programs that run with such a Python."""
    return {"PYTHONUSERBASE": PACKAGES}


def base(root: Path, over: Path | None = None) -> Path:
    """The plain environment below `root`; made when it is not there, whole or not at all. The packages in `over` come
    before Clary's own. Blocks."""
    known = hashlib.sha256(f"{fingerprint()}{over or ''}".encode()).hexdigest() if over is not None else fingerprint()
    place = root / f"base-{known[:16]}"
    if not place.is_dir():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".new-", dir=root))
        _fill(made, over)
        made.chmod(0o755)
        try:
            made.rename(place)
        except OSError:  # another process was first: what it made is the same
            shutil.rmtree(made)
    return place


def _fill(place: Path, over: Path | None) -> None:
    own = packages(place)
    own.mkdir(parents=True)
    (place / "bin").mkdir()
    # The executable of the Python at the very bottom: that of a virtual environment would find its own pyvenv.cfg.
    real = Path(getattr(sys, "_base_executable", None) or sys.executable)
    executable(place).symlink_to(real)
    for name in ("python3", f"python{_VERSION}"):
        (place / "bin" / name).symlink_to("python")
    (place / "pyvenv.cfg").write_text(f"home = {real.parent}\ninclude-system-site-packages = false\n")
    # The user's directory would be off in a virtual environment; it is where pip goes when it may not write here.
    words = ["import site; site.ENABLE_USER_SITE = True; site.addsitedir(site.getusersitepackages())"]
    words += [f"site.addsitedir({path!r})" for path in (*([str(over)] if over is not None else []), *beneath())]
    (own / "_clary.pth").write_text("; ".join(words) + "\n")
    for script in _scripts():
        path = place / "bin" / script.name
        path.write_text(_SCRIPT.format(script))
        path.chmod(0o755)


def _scripts() -> Iterator[Path]:
    """Console scripts of the Python below (pip, torchrun): of all its packages where it is a virtual environment, else
    of those that a job needs, since then its directory is that of the whole machine."""
    directory = Path(sys.executable).parent
    virtual = sys.prefix != sys.base_prefix
    for path in sorted(directory.iterdir()):
        if path.name.startswith("python") or not (virtual or path.name in ("pip", "pip3", "torchrun")):
            continue
        if path.is_file() and os.access(path, os.X_OK):
            with path.open("rb") as file:
                first = file.readline(256)
            if first.startswith(_SHEBANG) and b"python" in first:
                yield path
