"""Script mode of training: the program, its command line, its environment, its end."""

import json
import signal
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from clary.algorithms.contract import ClientError, Contract
from clary.algorithms.pytorch.__main__ import PYTORCH
from clary.algorithms.sklearn.__main__ import SCIKIT_LEARN
from clary.algorithms.toolkit import command, script, train
from tests.algorithms.conftest import PATIENCE, OptMl, wait_until
from tests.wheels import write_wheel


def _job(ml: OptMl, program: str, source: str | None = None, **given: Any) -> OptMl:
    """A job whose hyperparameters are encoded as SDK v2 does it."""
    ml.job({"sagemaker_program": json.dumps(program)} | {name: json.dumps(value) for name, value in given.items()})
    code = ml.root / "code"
    code.mkdir(exist_ok=True)
    if source is not None:
        (code / program).parent.mkdir(parents=True, exist_ok=True)
        (code / program).write_text(source)
    return ml


def _read(ml: OptMl, *, torch: bool = False, **environ: str) -> script.Script:
    return script.read(Contract(ml.root), environ, torch=torch)


def test_a_program_runs_in_its_directory_with_its_hyperparameters(ml: OptMl) -> None:
    source = (
        "import json, os, sys, helper\n"
        "print(json.dumps([sys.argv[1:], os.getcwd(), helper.VALUE]))\n"
        "print('warned', file=sys.stderr)\n"
    )
    _job(ml, "train.py", source, **{"epochs": 3, "learning-rate": 0.5, "n": "a b", "on": True, "sagemaker_region": "x"})
    (ml.root / "code" / "helper.py").write_text("VALUE = 7\n")
    assert ml.start("clary.algorithms.sklearn", "train", CLARY_IMAGE="x/y:1.2-1").wait(PATIENCE) == 0
    said = ml.log.read_text()
    words = ["--epochs", "3", "--learning-rate", "0.5", "-n", "a b", "--on", "True"]
    assert json.dumps([words, str(ml.root / "code"), 7]) in said
    assert "warned" in said
    assert "scikit-learn " in said and "the tag 1.2-1" in said
    assert "Invoking script with the following command: python" in said
    assert not (ml.root / "output" / "failure").exists()


def test_the_stack_of_a_program_is_the_reason(ml: OptMl) -> None:
    _job(ml, "train.py", "import sys\ndef f():\n    raise KeyError('no such column')\nf()\n", lr=1)
    assert ml.start("clary.algorithms.xgboost", "train").wait(PATIENCE) == 1
    said = ml.failure
    assert said.startswith('ExecuteUserScriptError:\nExitCode 1\nErrorMessage "Traceback (most recent call last):')
    assert "KeyError: 'no such column'\"\nCommand \"python" in said
    assert said.endswith('train.py --lr 1"')
    assert ml.log.read_text().count("KeyError: 'no such column'") == 1, "the log has the stack once"


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("raise SystemExit(7)", 7, 'ExitCode 7\nErrorMessage ""'),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "ExitCode 137"),
        ("def f(:\n", 1, "SyntaxError: invalid syntax"),
        ("import no_such_module", 1, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("print('x' * 100_000); 1 / 0", 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_every_end_is_told(ml: OptMl, source: str, code: int, said: str) -> None:
    _job(ml, "train.py", source)
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == code
    assert said in ml.failure
    assert len(ml.failure) <= 1024


def test_shell_scripts_and_modules_run_too(ml: OptMl) -> None:
    _job(ml, "run.sh", '#!/bin/sh\necho "shell $* in $(pwd)"\n', epochs=2, words="a 'b'")
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == 0
    assert f"shell --epochs 2 --words a 'b' in {ml.root}/code" in ml.log.read_text()
    _job(ml, "pack", epochs=2)
    (ml.root / "code" / "pack").mkdir()
    (ml.root / "code" / "pack" / "__main__.py").write_text("import sys; print('module', sys.argv[1:])")
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == 0
    assert "module ['--epochs', '2']" in ml.log.read_text()


def test_a_program_is_asked_to_end(ml: OptMl) -> None:
    source = (
        "import signal, sys, threading\n"
        "ended = threading.Event()\n"
        "signal.signal(signal.SIGTERM, lambda *_: ended.set())\n"
        "print('begun', flush=True)\nended.wait(60)\nprint('saved', flush=True)\n"
    )
    process = _job(ml, "train.py", source).start("clary.algorithms.sklearn", "train")
    wait_until(lambda: "begun" in ml.log.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert "saved" in ml.log.read_text()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "holds nothing"),
        ({"sagemaker_mpi_enabled": True}, r"MPI \(sagemaker_mpi_enabled\) is not served"),
        ({"sagemaker_parameter_server_enabled": True}, "parameter server"),
        ({"sagemaker_torch_distributed_enabled": True}, "PyTorch images only"),
    ],
)
def test_what_cannot_run_is_named(ml: OptMl, given: dict[str, Any], said: str) -> None:
    _job(ml, "train.py", **given)
    with pytest.raises(ClientError, match=said):
        _read(ml).command(Contract(ml.root))
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == 1
    assert ml.failure.startswith("ClientError: ")


def test_a_job_without_a_program_is_told_what_to_set(ml: OptMl) -> None:
    with pytest.raises(ClientError, match="sagemaker_program and sagemaker_submit_directory"):
        _read(ml.job({}))
    assert _read(ml.job({}), SAGEMAKER_PROGRAM="a.py").program == "a.py"


def test_the_source_may_stand_in_a_channel(ml: OptMl) -> None:
    _job(ml, "train.py", sagemaker_submit_directory="file:///opt/ml/input/data/code")
    assert _read(ml).folder == Path("/opt/ml/input/data/code")
    _job(ml, "train.py", sagemaker_submit_directory="s3://bucket/sourcedir.tar.gz")
    assert _read(ml).folder == ml.root / "code"


def test_torch_starts_one_process_a_host(ml: OptMl) -> None:
    _job(ml, "train.py", "pass", sagemaker_torch_distributed_enabled=True, epochs=1)
    config = ml.root / "input" / "config" / "resourceconfig.json"
    config.write_text(json.dumps({"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]}))
    assert _read(ml, torch=True).command(Contract(ml.root)) == [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1"),
        *("--node_rank=1", "--master_addr=algo-1", "--master_port=7777", "train.py", "--epochs", "1"),
    ]
    config.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    assert "--nnodes=1" in _read(ml, torch=True).command(Contract(ml.root))


def test_a_framework_that_is_missing_is_named(
    ml: OptMl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _job(ml, "train.py", "pass")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert train.main(PYTORCH, {"CLARY_ML_ROOT": str(ml.root)}) == 1
    assert ml.failure.startswith("ClientError: PyTorch is not installed beside Clary on this machine: pip install")


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(SCIKIT_LEARN, []) == 2
    assert "usage: " in capsys.readouterr().err


def test_the_source_may_be_an_archive_in_a_channel(ml: OptMl) -> None:
    channel = ml.root / "input" / "data" / "code"
    channel.mkdir(parents=True)
    (ml.root / "train.py").write_text("print('from the archive')")
    with tarfile.open(channel / "sourcedir.tar.gz", "w:gz") as tar:
        tar.add(ml.root / "train.py", "train.py")
    _job(ml, "train.py", sagemaker_submit_directory=f"{channel}/sourcedir.tar.gz")
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == 0
    assert "from the archive" in ml.log.read_text()
    (channel / "sourcedir.tar.gz").write_bytes(b"no archive")
    assert ml.start("clary.algorithms.sklearn", "train").wait(PATIENCE) == 1
    assert "cannot be unpacked" in ml.failure


@pytest.mark.slow
def test_packages_that_nobody_prepared_are_installed_for_the_run(ml: OptMl) -> None:
    _job(ml, "train.py", "import tinything; print('value', tinything.VALUE)")
    (ml.root / "code" / "requirements.txt").write_text("./tinything-1.0-py3-none-any.whl\n")
    write_wheel(ml.root / "code")
    assert ml.start("clary.algorithms.sklearn", "train", PIP_NO_INDEX="1").wait(PATIENCE) == 0
    assert "value 42" in ml.log.read_text()
    # Where they are said to be prepared, nothing is installed.
    assert ml.start("clary.algorithms.sklearn", "train", CLARY_PACKAGES="requirements.txt").wait(PATIENCE) == 1
    assert "No module named 'tinything'" in ml.failure
