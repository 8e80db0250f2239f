"""Virtual environments of the clients that must work unmodified: made once by pip, kept in `build/envs`, used again."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLACE = ROOT / "build/envs"
INSTALL_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Environment:
    """One client and what pip is asked for. A change of either makes a new environment."""

    name: str
    requirements: tuple[str, ...]

    @property
    def directory(self) -> Path:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        digest = sha256("\n".join((version, *self.requirements)).encode()).hexdigest()[:12]
        return PLACE / f"{self.name}-{digest}"

    @property
    def ready(self) -> Path:
        return self.directory / "ready"

    def program(self, name: str) -> Path:
        return self.directory / "bin" / name


SDK2 = Environment("sagemaker-2", ("sagemaker>=2.257,<2.258",))
SDK3 = Environment("sagemaker-3", ("sagemaker>=3.27,<4",))
TODAY = Environment("today", ("awscli>=1.46,<2", "boto3>=1.44,<2"))
OLD = Environment("boto3-2023", ("boto3>=1.26,<1.27",))
ALL = (SDK3, SDK2, TODAY, OLD)
"""The longest install first: they run side by side."""


def make(wanted: Sequence[Environment] = ALL) -> None:
    """Every environment is there. Whoever comes first installs, all at once; the others wait for the lock, and a
    run that was killed leaves no `ready` behind, so the next one begins that environment anew."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [one for one in wanted if not one.ready.exists()]
        installs = [(one, _install(one)) for one in missing]
        try:
            for one, process in installs:
                code = process.wait(INSTALL_SECONDS)
                said = (one.directory / "install.log").read_text()
                assert code == 0, f"pip could not make {one.name}:\n{said[-3000:]}"
                one.ready.touch()
        finally:
            for _, process in installs:
                process.kill()
                process.wait()


def _install(one: Environment) -> "subprocess.Popen[bytes]":
    shutil.rmtree(one.directory, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(one.directory)], check=True, timeout=60)
    # Byte code is made at the first import, of what is imported: compiling everything takes as long as the download.
    command = [sys.executable, "-m", "pip", "--python", str(one.program("python")), "install", "--no-compile"]
    command += ["--quiet", "--disable-pip-version-check", *one.requirements]
    with (one.directory / "install.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_quiet())


def _quiet() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


if __name__ == "__main__":
    make()
