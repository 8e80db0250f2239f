"""What jobs say of bad input, on a real server: whose fault it is, what was wrong, and what to do.

Each row is a job that goes wrong in one way; all are created at once and run beside each other. What is left of such
jobs is in tests/crash/test_jobs_gone_wrong.py, archives that were made to do harm in tests/security."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import clary
from tests.jobs_house import PLACE, Jobs, archive, channel
from tests.real import RealClary
from tests.sagemaker_house import SKLEARN

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(180)]

MEMORY_BYTES = 400_000_000
LINEAR_LEARNER = "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
MANIFEST = "s3://lake/gone.manifest"
"""It names an object that is not there."""

BINARY = b"print('\xff')\n"
SYNTAX = "print('begun')\ndef f(:\n"
EXIT = "print('reading')\nprint('last words')\nraise SystemExit(3)\n"
MEMORY = "print('filling', flush=True)\nheld = []\nwhile True: held.append(b'x' * 10_000_000)\n"
DISK = "with open('/dev/full', 'w') as file: file.write('x')\n"
SAYS_IT_BY = 10  # seconds: more than a busy machine needs to start a program and read its first line
HANG = "import time\nprint('waiting', flush=True)\ntime.sleep(600)\n"
LINK = "import os; os.symlink('/etc/passwd', '{}/out')\n"
SERVE = "def model_fn(folder): return 1\ndef transform_fn(model, body, kind, accept): {}\n"
ECHO = SERVE.format("return body, accept")
RESTED = f"import time\n{SERVE.format('time.sleep(600)')}"


NO_OBJECT = ("ClientError: s3://lake/data/gone.csv is not there", "Put the object there, or correct what names it")
NO_PREFIX = ('ClientError: No S3 objects found under S3 URL "s3://lake/nothing/"', "ensure that objects exist there")
NO_BUCKET = ("ClientError: s3://nowhere/x/ could not be read: The specified bucket does not exist",)
NO_ARCHIVE = ("ClientError: ", ".tar.gz is not a readable .tar.gz: it is no archive")
EXPECTED = "; it was expected to end with 0. Its last lines:\n"
ENDED = "AlgorithmError: the container ended with exit code: "
SERVER = "AlgorithmError: the model's container ended with exit code: "
SCRIPT = "AlgorithmError: ExecuteUserScriptError:\nExitCode "
RUN = 'Command "python train.py", exit code: '
OUT_OF_MEMORY = (
    "ClientError: Please use an instance type with more memory, or reduce the size of training data",
    f"may use {MEMORY_BYTES:,} bytes (the setting CLARY_MAX_RUN_MEMORY_BYTES), exit code: 1",
    "Its last lines:\n",
    "filling",
)
ROOM = "The disk is full: make room on this machine, or write less"
FULL = "No space left on device"
ABSOLUTE = ("ClientError: ", "'/tmp/escaped' would be written outside of its directory: pack it under a relative path")
LINKED = ("ClientError: ", "'out' links to '/etc/passwd', outside of its directory: pack the file itself")
LEFT = ("ClientError: the ", "/out is a link that leads out of the job or nowhere", "Leave a copy of the file there")
UNKNOWN = (
    "ClientError: the image mine:1 is not one of the built-in images",
    "sagemaker-xgboost",
    "set CLARY_CONTAINER",
)
NO_READ = (
    "ClientError: Data download failed: AccessDenied (403) when reading s3://lake/",
    "to perform: s3:GetObject on",
)
NO_WRITE = ("ClientError: the ", "could not be stored: s3://lake/out/", "is not authorized to perform: s3:PutObject on")

Rows = dict[str, tuple[Callable[[Jobs, str], None], tuple[str, ...]]]
"""By name: how the job is asked for, and what its FailureReason says, in this order."""


def train(**more: Any) -> Callable[[Jobs, str], None]:
    return lambda jobs, name: jobs.train(name, **more)


def reading(uri: str, **more: str) -> Callable[[Jobs, str], None]:
    return train(InputDataConfig=[channel(uri, **more)])


def learn(image: str, **given: str) -> Callable[[Jobs, str], None]:
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    return train(AlgorithmSpecification=algorithm, HyperParameters=given)


def boost(**given: str) -> Callable[[Jobs, str], None]:
    return train(HyperParameters=given)


def script(source: bytes | str, **more: Any) -> Callable[[Jobs, str], None]:
    return lambda jobs, name: jobs.train_script(name, source, **more)


def process(text: bytes | str = "", uri: str = "", **more: Any) -> Callable[[Jobs, str], None]:
    return lambda jobs, name: jobs.process(name, text, uri, **more)


def transform(model: bytes | str, uri: str = "s3://lake/data/", **more: Any) -> Callable[[Jobs, str], None]:
    return lambda jobs, name: jobs.transform(name, model, uri, **more)


def may(role: str, make: Callable[..., None], *given: Any) -> Callable[[Jobs, str], None]:
    """The job with a role that is there already."""

    def asked(jobs: Jobs, name: str) -> None:
        make(jobs, name, *given, RoleArn=jobs.role.replace(":role/job", f":role/{role}"))

    return asked


UNPACKED = archive(("train.py", b""), ("/tmp/escaped", b"x"))
UNCOMPRESSED = {"S3OutputPath": "s3://lake/out", "CompressionType": "NONE"}
AT_ONCE = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}

TRAINING: Rows = {
    "no-object": (reading(MANIFEST, S3DataType="ManifestFile"), NO_OBJECT),
    "no-prefix": (reading("s3://lake/nothing/"), NO_PREFIX),
    "no-bucket": (reading("s3://nowhere/x/"), NO_BUCKET),
    "no-channel": (
        reading("s3://lake/data/", name="other"),
        ("ClientError: Channel other is not known; XGBoost reads train (required), validation", "exit code: 1"),
    ),
    "no-archive": (script(b"no archive"), NO_ARCHIVE),
    "no-program": (
        script(archive(("other.py", b""))),
        ("ClientError: The program train.py is not in the source directory: it holds other.py", "exit code: 1"),
    ),
    "binary": (script(archive(("train.py", BINARY))), (f"{SCRIPT}1", "Non-UTF-8 code", "/opt/ml/code", f"{RUN}1")),
    "syntax": (script(SYNTAX), (f"{SCRIPT}1", "train.py", "line 2", "SyntaxError: invalid syntax", f"{RUN}1")),
    "exit": (script(EXIT), (f'{SCRIPT}3\nErrorMessage ""', f"{RUN}3. Its last lines:\n", "reading\nlast words\n")),
    "memory": (script(MEMORY), OUT_OF_MEMORY),
    "disk": (script(DISK), ("ClientError: ExecuteUserScriptError:\nExitCode 1", FULL, ROOM, "exit code: 1")),
    "absolute": (script(UNPACKED), ABSOLUTE),
    "links": (script(archive(("train.py", b""), ("out", "/etc/passwd"))), LINKED),
    "left-link": (script(LINK.format("/opt/ml/model"), OutputDataConfig=UNCOMPRESSED), LEFT),
    "image": (learn("mine:1"), UNKNOWN),
    "range": (
        boost(num_round="1", eta="7"),
        ("ClientError: Hyperparameter eta: '7' is not allowed; it must be a number in [0, 1]", "exit code: 1"),
    ),
    "range-too": (
        learn(LINEAR_LEARNER, predictor_type="regressor", mini_batch_size="0"),
        ("ClientError: Hyperparameter mini_batch_size: '0' is not allowed; it must be an integer of at least 1",),
    ),
    "misspelt": (
        boost(num_round="1", max_dept="3"),
        ("ClientError: Extraneous hyperparameter found: max_dept. XGBoost has no", "Did you mean max_depth?"),
    ),
    "required": (
        learn(LINEAR_LEARNER, epochs="1"),
        ("ClientError: Missing required hyperparameter: predictor_type (one of ", "regressor"),
    ),
    "no-read": (may("writes", Jobs.train), NO_READ),
    "no-write": (may("reads", Jobs.train_script, "print()"), NO_WRITE),
}
PROCESSING: Rows = {
    "no-object": (process("", MANIFEST), NO_OBJECT),
    "no-prefix": (process("", "s3://lake/nothing/"), NO_PREFIX),
    "binary": (process(BINARY), (f"{ENDED}1{EXPECTED}", "Non-UTF-8 code", f"{PLACE}/code/binary.py on line 1")),
    "no-program": (
        process(AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["no-such-program"]}),
        (f"{ENDED}127 (there is no such program){EXPECTED}", "no-such-program"),
    ),
    "syntax": (process(SYNTAX), (f"{ENDED}1{EXPECTED}", f'{PLACE}/code/syntax.py", line 2', "SyntaxError: invalid")),
    "exit": (process(EXIT), (f"{ENDED}3{EXPECTED}reading\nlast words",)),
    "memory": (process(MEMORY), OUT_OF_MEMORY),
    "disk": (process(DISK), ("ClientError: the container ended with exit code: 1", ROOM, "Its last lines:\n", FULL)),
    "left-link": (process(LINK.format(f"{PLACE}/output")), LEFT),
    "image": (process(AppSpecification={"ImageUri": "mine:1"}), UNKNOWN),
    "no-read": (may("writes", Jobs.process), NO_READ),
    "no-write": (may("reads", Jobs.process, f"open('{PLACE}/output/a', 'w')"), NO_WRITE),
}
TRANSFORM: Rows = {
    "no-object": (transform(ECHO, MANIFEST), NO_OBJECT),
    "no-prefix": (transform(ECHO, "s3://lake/nothing/"), NO_PREFIX),
    "no-archive": (transform(b"no archive"), NO_ARCHIVE),
    "syntax": (transform(SYNTAX), (f"{SERVER}1{EXPECTED}", 'inference.py", line 2', "SyntaxError: invalid syntax")),
    "exit": (transform(EXIT), (f"{SERVER}1{EXPECTED}", "reading\nlast words\n", "SystemExit: 3")),
    "memory": (transform(MEMORY), OUT_OF_MEMORY),
    "disk": (transform(DISK), ("ClientError: the model's container ended with exit code: 1", ROOM, FULL)),
    "hangs": (
        transform(RESTED, ModelClientConfig=AT_ONCE),
        (
            "AlgorithmError: a.csv: Unable to get response from algorithm: none came within 1 s",
            "(InvocationsTimeoutInSeconds): allow more in ModelClientConfig, or send less in one request",
        ),
    ),
    "absolute": (transform(archive(("/tmp/escaped", b"x"))), ABSOLUTE),
    "links": (transform(archive(("out", "/etc/passwd"))), LINKED),
    "image": (transform(ECHO, image="mine:1"), UNKNOWN),
    "no-write": (may("reads", Jobs.transform, ECHO), NO_WRITE),
}
TABLE = {"Training": TRAINING, "Processing": PROCESSING, "Transform": TRANSFORM}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """A server on which every job of the table has been asked for."""
    server = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_MAX_RUN_MEMORY_BYTES", str(MEMORY_BYTES))
        patched.setenv("CLARY_INSTANCE_SCALE", "0.1")  # all beside each other: most of them end before they begin
        patched.setenv("CLARY_CONTAINER_ENGINE", "off")
        server.up()
    try:
        made = Jobs(server)
        made.put("gone.manifest", b'[{"prefix": "s3://lake/data/"}, "a.csv", "gone.csv"]')
        made.role_of("writes", ListBucket="", PutObject="/out/*")
        made.role_of("reads", ListBucket="", GetObject="/*")
        stops = {"StoppingCondition": {"MaxRuntimeInSeconds": SAYS_IT_BY}}
        made.train_script("hangs", HANG, **stops)
        made.process("hangs", HANG, **stops)
        made.train_script("link", LINK.format("/opt/ml/model"))
        for rows in TABLE.values():
            for name, (make, _) in rows.items():
                make(made, name)
        yield made
    finally:
        server.sweep()


def places(jobs: Jobs) -> list[str]:
    """Directories of this machine that no owner of a job needs to know."""
    return [str(jobs.server.home), sys.prefix, sys.base_prefix + "/lib", str(Path(clary.__file__).parents[1])]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, rows in TABLE.items() for name in rows])
def test_the_reason_says_what_was_wrong_and_what_to_do(jobs: Jobs, kind: str, name: str) -> None:
    said = jobs.ended(kind, name)
    assert said[f"{kind}JobStatus"] == "Failed", said
    why = said["FailureReason"]
    if name == "memory" and "MemoryError" in why:
        return  # where only the address space can be bounded, Python says it itself
    assert re.match(".*".join(map(re.escape, TABLE[kind][name][1])), why, re.DOTALL), why
    assert len(why) <= 1024
    assert not [place for place in places(jobs) if place in why], why


def test_a_training_job_that_hangs_is_stopped_and_its_lines_are_kept(jobs: Jobs) -> None:
    said = jobs.ended("Training", "hangs")
    assert (said["TrainingJobStatus"], said["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    last = said["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert last == "Training job runtime exceeded MaxRuntimeInSeconds provided"
    lines = jobs.server.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="hangs/", filterPattern="waiting"
    )
    assert [one["message"] for one in lines["events"]] == ["waiting"]


def test_a_processing_job_that_hangs_is_stopped_and_says_why(jobs: Jobs) -> None:
    said = jobs.ended("Processing", "hangs")
    assert said["ProcessingJobStatus"] == "Stopped"
    assert said["FailureReason"] == (
        f"ClientError: the job ran longer than MaxRuntimeInSeconds ({SAYS_IT_BY}) and was stopped: allow it more in "
        "StoppingCondition, or see what it waits for. Its last lines:\nwaiting"
    )


def test_a_model_of_links_is_stored_as_links_and_not_unpacked(jobs: Jobs) -> None:
    """What the link leads to on this machine is read by nobody; who unpacks the archive is told."""
    assert jobs.ended("Training", "link")["TrainingJobStatus"] == "Completed"
    body = jobs.s3.get_object(Bucket="lake", Key="out/link/output/model.tar.gz")["Body"].read()
    jobs.transform("link", body)
    why = jobs.ended("Transform", "link")["FailureReason"]
    assert "'out' links to '/etc/passwd', outside of its directory" in why


def test_a_role_that_cannot_be_had_is_refused_at_once(jobs: Jobs) -> None:
    nobody = f"{jobs.role}less"
    for make in (Jobs.train, Jobs.process):
        with pytest.raises(ClientError, match=f"Could not assume role {nobody}. Please ensure that the role exists"):
            make(jobs, "nobody", RoleArn=nobody)
    with pytest.raises(ClientError, match='Also ensure that the role has "s3:GetObject" permissions'):
        may("writes", Jobs.transform, ECHO)(jobs, "no-read")


FILL = """
with open({!r}, 'wb', 0) as file:
    while True: file.write(bytes(1 << 20))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give the runs a small disk of their own")
def test_a_disk_that_is_really_full_fails_its_job_alone(own_server: RealClary) -> None:
    runs = own_server.home / "runs"
    runs.mkdir(parents=True)
    small = f'mount -t tmpfs -o size=64m none "{runs}" && exec "$@"'
    if subprocess.run(["unshare", "-m", "sh", "-c", small, "sh", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    jobs = Jobs(own_server.up("unshare", "-m", "sh", "-c", small, "sh"))
    for name, place in (("model", "/opt/ml/model/a"), ("data", "/opt/ml/output/data/a")):
        jobs.train_script(name, FILL.format(place))
        why = jobs.ended("Training", name)["FailureReason"]
        assert why.startswith("ClientError: ") and ROOM in why and FULL in why and "exit code: 1" in why, why
    jobs.put("large/a", bytes(80 << 20))
    jobs.process("large", "", "s3://lake/large/")
    why = jobs.ended("Processing", "large")["FailureReason"]
    assert why.startswith("ClientError: the disk is full: there is no room for the run"), why
    jobs.process("after", f"open('{PLACE}/output/a', 'w')")
    assert jobs.ended("Processing", "after")["ProcessingJobStatus"] == "Completed"
