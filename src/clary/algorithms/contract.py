"""The /opt/ml contract of a SageMaker container: where inputs stand, where outputs go, how it says why it failed."""

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

FAILURE_LIMIT = 1024
"""Characters of a reason that a job's owner sees in FailureReason."""


class ClientError(Exception):
    """The user can mend it: a wrong hyperparameter, bad data. The message says what to change."""


class AlgorithmError(Exception):
    """The user cannot mend it: the algorithm could not do what was asked."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One input channel, as inputdataconfig.json describes it."""

    name: str
    path: Path
    content_type: str | None
    input_mode: str

    def files(self) -> list[Path]:
        """Every data file of the channel, at any depth, sorted; hidden ones (a leading dot or underscore) and empty
        ones are left out."""
        return sorted(one for one in _walk(self.path) if one.stat().st_size > 0)


@dataclass(frozen=True, slots=True)
class Contract:
    """The places of one job or model server. `root` is /opt/ml, or what CLARY_ML_ROOT says."""

    root: Path

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Contract":
        return cls(Path(environ.get("CLARY_ML_ROOT") or "/opt/ml"))

    @property
    def model_dir(self) -> Path:
        return self.root / "model"

    @property
    def output_data_dir(self) -> Path:
        return self.root / "output" / "data"

    @property
    def checkpoint_dir(self) -> Path:
        return self.root / "checkpoints"

    @property
    def failure_file(self) -> Path:
        return self.root / "output" / "failure"

    def hyperparameters(self) -> dict[str, str]:
        """Every hyperparameter as the string that the user gave."""
        return {str(key): _text(value) for key, value in self._config("hyperparameters").items()}

    def channels(self) -> dict[str, Channel]:
        """The channels that the job declares. A directory below input/data that inputdataconfig.json does not mention
        is a channel too, without a content type."""
        data = self.root / "input" / "data"
        found: dict[str, Any] = (
            {one.name: {} for one in sorted(data.iterdir()) if one.is_dir()} if data.is_dir() else {}
        )
        found.update(self._config("inputdataconfig"))
        return {
            name: Channel(name, data / name, about.get("ContentType"), about.get("TrainingInputMode") or "File")
            for name, about in found.items()
        }

    def hosts(self) -> list[str]:
        """The names of all hosts of the job; one when resourceconfig.json is silent."""
        return list(self._config("resourceconfig").get("hosts") or ["algo-1"])

    def current_host(self) -> str:
        """The name of the host that this is."""
        return str(self._config("resourceconfig").get("current_host") or self.hosts()[0])

    def checkpoints(self) -> Path | None:
        """Where checkpoints are kept: what checkpointconfig.json says, or the directory in its usual place when there
        is one; None: the job keeps none."""
        local = self._config("checkpointconfig").get("LocalPath")
        if local:
            return self.root / Path(local).relative_to("/opt/ml") if local.startswith("/opt/ml/") else Path(local)
        return self.checkpoint_dir if self.checkpoint_dir.is_dir() else None

    def fail(self, reason: str) -> None:
        """The reason stands where the control plane reads it. Never raises: the exit code still tells of it."""
        try:
            self.failure_file.parent.mkdir(parents=True, exist_ok=True)
            self.failure_file.write_text(reason[:FAILURE_LIMIT], encoding="utf-8")
        except OSError as error:
            say(f"cannot write {self.failure_file}: {error}", level="ERROR")

    def _config(self, name: str) -> dict[str, Any]:
        path = self.root / "input" / "config" / f"{name}.json"
        try:
            value = json.loads(path.read_bytes() or b"{}")
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise AlgorithmError(f"{path} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise AlgorithmError(f"{path} holds {type(value).__name__}, not an object")
        return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _walk(root: Path) -> Iterator[Path]:
    """Files below `root`, following links: the runner may have linked inputs in place."""
    for folder, below, names in os.walk(root, followlinks=True):
        below[:] = [one for one in below if not one.startswith((".", "_"))]
        for name in names:
            path = Path(folder) / name
            if not name.startswith((".", "_")) and path.is_file():
                yield path


def say(text: str, *, level: str = "INFO") -> None:
    """One line in the job's log, in the form of AWS's containers."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"[{stamp}:{level}] {text}", flush=True)


class Stopped(BaseException):
    """SIGTERM came while there was nothing to keep."""


class Stop:
    """Set once SIGTERM has come: the job is asked to end, keeping what it has."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._at_once = False

    def __bool__(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        self._asked.set()

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Within, being asked raises Stopped, out of any reading or waiting: for what comes before there is anything to
        keep."""
        self._at_once = True
        try:
            if self:
                raise Stopped
            yield
        finally:
            self._at_once = False

    def listen(self) -> "Stop":
        """SIGTERM sets this from now on, instead of ending the process."""

        def heard(signum: int, frame: FrameType | None) -> None:
            self._asked.set()
            if self._at_once:
                raise Stopped

        signal.signal(signal.SIGTERM, heard)
        return self


def run_training(contract: Contract, train: Callable[[Contract, Stop], None]) -> int:
    """The exit code of one training run: 0, or 1 with the reason in output/failure and in the log."""
    stop = Stop().listen()
    try:
        train(contract, stop)
    except Stopped:
        say("Stopped before the training began: there is nothing to keep.", level="WARNING")
    except ClientError as error:
        return _failed(contract, f"ClientError: {_one_line(error)}")
    except AlgorithmError as error:
        return _failed(contract, _one_line(error))
    except MemoryError:
        return _failed(contract, "The algorithm ran out of memory. Use a larger instance type or less data.")
    except Exception as error:
        traceback.print_exc()
        return _failed(contract, f"{type(error).__name__}: {_one_line(error)}")
    finally:
        sys.stdout.flush()
    return 0


def _failed(contract: Contract, reason: str) -> int:
    say(reason, level="ERROR")
    contract.fail(reason)
    return 1


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__


def visible_cpus(environ: Mapping[str, str], cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """How many CPUs this process may really use, at least 1: OMP_NUM_THREADS when set, else the least of the affinity
    mask and the cgroup's quota."""
    wanted = environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(cgroup)
    return max(1, cpus if quota is None else min(cpus, round(quota)))


def _cgroup_quota(cgroup: Path) -> float | None:
    """CPUs that the cgroup allows (v2, then v1); None when it sets no limit."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        return None if quota == "max" or int(quota) <= 0 else int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
