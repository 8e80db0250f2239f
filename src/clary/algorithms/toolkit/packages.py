"""The packages that a program asks for in its requirements.txt: installed by pip in a run of their own, from which
nothing but the environment is kept.

`python -m clary.algorithms.toolkit.packages <requirements file> <where the environment will stand>`"""

import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from clary.algorithms.contract import ClientError, Contract, say

PLACE: Final = "environment"
"""The directory below /opt/ml that holds what was made."""
OWN: Final = "packages"
"""The directory below /opt/ml of what a run installs itself."""
PREPARED: Final = "CLARY_PACKAGES"
"""The variable that says that the packages are in the environment already."""
_LAST_LINES: Final = 12


def main(arguments: Sequence[str]) -> int:
    """The environment stands at PLACE; 1 and the reason in output/failure when pip does not succeed."""
    contract = Contract.read(os.environ)
    requirements, final = Path(arguments[0]), Path(arguments[1])
    place = contract.root / PLACE
    began = time.monotonic()
    say(f"Installing the packages of {requirements.name}; the environment is kept for later jobs and endpoints.")
    shutil.copytree(sys.prefix, place, symlinks=True)
    lines = install(place / "bin" / "python", requirements)
    if lines is not None:
        contract.fail(refusal(requirements.name, lines))
        return 1
    _move_scripts(place, final)
    say(f"Installed the packages in {time.monotonic() - began:.1f} s.")
    return 0


def install(python: Path, requirements: Path, prefix: Path | None = None) -> list[str] | None:
    """None: the packages are there; else the last lines that pip said. Everything it says goes to the log. They go to
    the Python's own environment, or below `prefix`."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUSERBASE"}
    if subprocess.run([python, "-c", "import pip"], env=env, capture_output=True, check=False).returncode:
        subprocess.run([python, "-m", "ensurepip"], env=env, check=False)
    words = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    words += ["--root-user-action", "ignore", "-r", str(requirements)]
    words += ["--prefix", str(prefix)] if prefix is not None else []
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        words,
        cwd=requirements.parent,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            print(line, end="", flush=True)
            last.append(line.rstrip())
    return list(last) if pip.returncode else None


def missing(contract: Contract, requirements: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The packages of that file, where nobody has installed them before this run, are installed into the run's own
    directory: the variables by which programs find them. Raises ClientError with pip's last words."""
    if environ.get(PREPARED) or not requirements.is_file():
        return {}
    place = contract.root / OWN
    say(f"Installing the packages of {requirements.name} for this run alone.")
    lines = install(Path(sys.executable), requirements, place)
    if lines is not None:
        raise ClientError(refusal(requirements.name, lines).removeprefix("ClientError: "))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = str(place / "lib" / version / "site-packages")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (found, environ.get("PYTHONPATH"))))}


def refusal(name: str, lines: Sequence[str]) -> str:
    """The reason of a job whose packages could not be installed."""
    said = "\n".join(lines)
    return f"ClientError: the packages of {name} could not be installed. pip says:\n{said[-800:]}"


def _move_scripts(place: Path, final: Path) -> None:
    """Console scripts name the Python at its final place."""
    for path in (place / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            head, newline, rest = data[:4096].partition(b"\n")
            if os.fsencode(place) in data[:4096] and head.startswith(b"#!"):
                start = (head + newline + rest).replace(os.fsencode(place), os.fsencode(final))
                path.write_bytes(start + data[4096:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
