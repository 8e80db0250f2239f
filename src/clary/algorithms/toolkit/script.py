"""The user's program: where it stands, and the command line that runs it."""

import json
import shlex
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clary.algorithms.contract import ClientError, Contract

OWN: Final = "sagemaker_"
_DISTRIBUTED: Final = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
_REFUSED: Final = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_parameter_server_enabled": "A parameter server",
    "sagemaker_distributed_dataparallel_enabled": "SageMaker's own data parallel library (smdistributed)",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch XLA",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "TensorFlow's mirrored strategy",
}
_MASTER_PORT: Final = 7777


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be run, and where."""

    program: str
    folder: Path
    arguments: tuple[str, ...]
    distributed: bool
    requirements: Path
    """The file of its packages, which need not be there."""

    def command(self, contract: Contract) -> list[str]:
        """The words to execute in `folder`. Raises ClientError when the program is not there."""
        path = self.folder / self.program
        if self.program.endswith(".py"):
            if not path.is_file():
                raise ClientError(f"The program {self.program} is not in the source directory: it holds {self._held()}")
            return [*self._launcher(contract), self.program, *self.arguments]
        if path.is_file():
            line = " ".join(map(shlex.quote, (f"./{self.program}", *self.arguments)))
            return ["/bin/sh", "-c", f"chmod +x {shlex.quote(self.program)} && {line}"]
        if self._is_module():
            return [*self._launcher(contract), "-m", self.program, *self.arguments]
        raise ClientError(
            f"The program {self.program} is neither a file nor a module of the source directory: "
            f"it holds {self._held()}"
        )

    def _launcher(self, contract: Contract) -> list[str]:
        if not self.distributed:
            return [sys.executable]
        hosts = sorted(contract.hosts())
        words = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={len(hosts)}", "--nproc_per_node=1"]
        if len(hosts) > 1:
            rank = hosts.index(contract.current_host())
            words += [f"--node_rank={rank}", f"--master_addr={hosts[0]}", f"--master_port={_MASTER_PORT}"]
        return words

    def _is_module(self) -> bool:
        place = self.folder.joinpath(*self.program.split("."))
        return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file()

    def _held(self) -> str:
        names = sorted(one.name for one in self.folder.iterdir()) if self.folder.is_dir() else []
        return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "nothing"


def asked(given: Mapping[str, str], environ: Mapping[str, str]) -> bool:
    """The job brings a program of its own."""
    return bool(_decoded(given.get("sagemaker_program", "")) or environ.get("SAGEMAKER_PROGRAM"))


def read(contract: Contract, environ: Mapping[str, str], *, torch: bool) -> Script:
    """The program that the hyperparameters name, or else the environment. Raises ClientError for what is missing and
    for ways of distribution that are not served. `torch`: torch.distributed may start it on several hosts."""
    given = {name: _decoded(text) for name, text in contract.hyperparameters().items()}
    program = str(given.get("sagemaker_program") or environ.get("SAGEMAKER_PROGRAM") or "")
    if not program:
        raise ClientError(
            "This image runs a program of yours and the job names none: set the hyperparameters sagemaker_program and "
            "sagemaker_submit_directory, as the SageMaker SDK does for entry_point and source_dir, or "
            "AlgorithmSpecification.ContainerEntrypoint."
        )
    for name, what in _REFUSED.items():
        if given.get(name) is True:
            raise ClientError(f"{what} ({name}) is not served here; PyTorch jobs distribute by torch_distributed.")
    distributed = any(given.get(name) is True for name in _DISTRIBUTED)
    if distributed and not torch:
        raise ClientError("torch_distributed is served in the PyTorch images only.")
    mine = {name: value for name, value in given.items() if not name.startswith(OWN)}
    place = folder(contract, given, environ)
    packages = place / str(given.get("sagemaker_requirements") or "requirements.txt")
    return Script(program, place, tuple(_arguments(mine)), distributed, packages)


def folder(contract: Contract, given: Mapping[str, Any], environ: Mapping[str, str]) -> Path:
    """Where the source stands: where it was unpacked, or the directory that the job names inside of itself, or an
    archive there (jobs without a network bring it as a channel). Raises ClientError."""
    named = str(given.get("sagemaker_submit_directory") or environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or "")
    place = named.removeprefix("file://")
    if not place.startswith("/"):
        return contract.root / "code"
    if not place.endswith(".tar.gz"):
        return Path(place)
    try:
        with tarfile.open(place) as tar:
            tar.extractall(contract.root / "code", filter="data")
    except (OSError, tarfile.TarError) as error:
        raise ClientError(f"The source {place} cannot be unpacked: {error}") from None
    return contract.root / "code"


def _arguments(given: Mapping[str, Any]) -> list[str]:
    """`--name value` for each hyperparameter in the order of their names; `-n value` where the name is one letter."""
    words = []
    for name in sorted(given):
        words += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(given[name])]
    return words


def _argument(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={value[name]}" for name in sorted(value))
    return "" if value is None else str(value)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
