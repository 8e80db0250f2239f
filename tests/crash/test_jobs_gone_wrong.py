"""Jobs and endpoints that go wrong in every way their owners know, on a real server: what is told, what is left."""

import pickle
import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.engines.serving.paths import socket_dir
from tests.jobs_house import archive
from tests.real import RealClary, until
from tests.sagemaker_house import SKLEARN, XGBOOST

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

MEMORY_BYTES = 500_000_000
OUT = "/opt/ml/processing/output"

SCRIPTS: dict[str, tuple[str, str, str]] = {
    # name: (script, status, what the reason says)
    "syntax": ("def f(:\n", "Failed", "AlgorithmError: the container ended with exit code: 1.*SyntaxError"),
    "text": ("print('\0')\n", "Failed", "AlgorithmError: .*exit code: 1.*null bytes"),
    "module": ("import nowhere\n", "Failed", "AlgorithmError: .*No module named 'nowhere'"),
    "exit": ("print('last words'); raise SystemExit(3)", "Failed", "AlgorithmError: .*exit code: 3.*last words"),
    "kill": ("import os; os.kill(os.getpid(), 9)", "Failed", r"AlgorithmError: .*137 \(SIGKILL\) and printed nothing"),
    "killall": (
        "import os\nfor pid in range(1, 70000):\n  try: os.kill(pid, 9)\n  except OSError: pass\n",
        "Failed",
        "AlgorithmError: .*137",
    ),
    "memory": (
        "held = []\nwhile True: held.append(b'x' * 10_000_000)",
        "Failed",
        "Please use an instance type with more memory|MemoryError",
    ),
    "daemon": ("import os, time\nif os.fork() == 0: os.setsid(); time.sleep(600)\n", "Completed", ""),
    "binary": ("import os\nos.write(1, bytes(range(256)) + b'\\xff\\xfe')\n", "Completed", ""),
    "chatty": ("import sys\nfor _ in range(100): sys.stdout.write(('y' * 99 + '\\n') * 10_000)\n", "Completed", ""),
    "passwd": (f"import os; os.symlink('/etc/passwd', '{OUT}/p')", "Failed", "ClientError: .*leads out of the job"),
    "name": (f"open(b'{OUT}/\\xff', 'w')", "Failed", "ClientError: .*is not UTF-8"),
    "deep": (
        f"import os\nos.chdir('{OUT}')\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\nopen('f', 'w')",
        "Failed",
        "ClientError: .*deeper than a path may be",
    ),
    "closed": (
        f"import os\nopen('{OUT}/a', 'w')\nfor p in ('{OUT}/a', '{OUT}', '/opt/ml'): os.chmod(p, 0)",
        "Completed",
        "",
    ),
    "socket": (f"import socket; socket.socket(1).bind('{OUT}/s'); open('{OUT}/a', 'w')", "Completed", ""),
    "long": ("import time; time.sleep(600)", "Stopped", "ran longer than MaxRuntimeInSeconds"),
}


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = RealClary(tmp_path_factory.mktemp("wrong") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLARY_MAX_RUN_MEMORY_BYTES", str(MEMORY_BYTES))
        made.up()
    s3 = made.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="data/a.csv", Body=b"1,2,3\n0,1,1\n" * 20)
    made.role("job")
    yield made
    made.sweep()


def role_of(clary: RealClary) -> str:
    return f"arn:aws:iam::{clary.client('sts').get_caller_identity()['Account']}:role/job"


def process(clary: RealClary, name: str, script: str, output: str = "s3://lake/out") -> None:
    clary.client("s3").put_object(Bucket="lake", Key=f"code/{name}/x.py", Body=script.encode())
    code = {"S3Uri": f"s3://lake/code/{name}/", "LocalPath": "/opt/ml/processing/input/code"}
    clary.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=role_of(clary),
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", f"{code['LocalPath']}/x.py"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        ProcessingInputs=[{"InputName": "c", "S3Input": {**code, "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "o",
                    "S3Output": {"S3Uri": f"{output}/{name}", "LocalPath": OUT, "S3UploadMode": "EndOfJob"},
                }
            ]
        },
        StoppingCondition={"MaxRuntimeInSeconds": 3 if name == "long" else 600},
    )


def ended(clary: RealClary, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        said: dict[str, Any] = clary.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        return said if said["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    found: dict[str, Any] = until(look, 90, name)
    return found


def train(clary: RealClary, name: str, prefix: str = "data/") -> dict[str, Any]:
    client = clary.client("sagemaker")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/{prefix}"}
    client.create_training_job(
        TrainingJobName=name,
        RoleArn=role_of(clary),
        AlgorithmSpecification={"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        HyperParameters={"num_round": "2"},
        InputDataConfig=[
            {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}},
        ],
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )

    def look() -> dict[str, Any] | None:
        said: dict[str, Any] = client.describe_training_job(TrainingJobName=name)
        return said if said["TrainingJobStatus"] not in ("InProgress", "Stopping") else None

    found: dict[str, Any] = until(look, 90, name)
    return found


def nothing_is_left(clary: RealClary) -> bool:
    """No run, whole or half deleted, and no process but the server's own."""
    own = (".keeper", ".etc", ".scratch", ".spark")
    runs = [path for path in (clary.home / "runs").iterdir() if not path.name.startswith(own)]
    server = 3  # supervisor, control process, front
    return not runs and len(clary.left_behind()) == server


def test_every_way_to_fail_is_told_and_leaves_nothing(clary: RealClary) -> None:
    for name, (script, _, _) in SCRIPTS.items():
        process(clary, name, script)
    process(clary, "nowhere", f"open('{OUT}/a', 'w')", "s3://never-there/out")
    for name, (_, status, words) in SCRIPTS.items():
        said = ended(clary, name)
        why = said.get("FailureReason", "")
        assert (name, said["ProcessingJobStatus"]) == (name, status), why
        assert re.search(words, why, re.DOTALL), (name, why)
        assert str(clary.home) not in why
    why = ended(clary, "nowhere")["FailureReason"]
    assert why.startswith("ClientError: ") and "s3://never-there/out/nowhere/a" in why
    logs = clary.client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    shown = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="exit/")["events"]
    assert [one["message"] for one in shown] == ["last words"]
    chatty = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="chatty/")["logStreams"][0]
    last = logs.get_log_events(logGroupName=group, logStreamName=chatty["logStreamName"], startFromHead=False, limit=1)
    assert last["events"][0]["message"] == "y" * 99
    keys = [one["Key"] for one in clary.client("s3").list_objects_v2(Bucket="lake", Prefix="out/")["Contents"]]
    assert keys == ["out/closed/a", "out/socket/a"]
    until(lambda: nothing_is_left(clary), 30)


MODELS = {
    "no-tar": (b"this is no archive", "is not a readable .tar.gz: it is no archive$"),
    "climbs": (archive(("../../evil", b"x")), r"'../../evil' would be written outside"),
    "links": (archive(("xgboost-model", "/etc/passwd")), "links to '/etc/passwd', outside"),
    "not-a-model": (archive(("xgboost-model", pickle.dumps(7))), "exit code 1.*holds a pickled int"),
}


def test_endpoints_on_broken_models_fail_with_the_reason_and_a_good_one_outlives_them(clary: RealClary) -> None:
    sagemaker, s3 = clary.client("sagemaker"), clary.client("s3")
    good = train(clary, "good")
    assert good["TrainingJobStatus"] == "Completed"

    def config(name: str, url: str) -> None:
        sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=role_of(clary), PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": url}
        )
        variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])

    def status(name: str, *wanted: str, seconds: float = 60) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            said: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
            return said if said["EndpointStatus"] in wanted else None

        found: dict[str, Any] = until(look, seconds, f"{name} {wanted}")
        return found

    config("good", good["ModelArtifacts"]["S3ModelArtifacts"])
    sagemaker.create_endpoint(EndpointName="good", EndpointConfigName="good")
    for name, (body, _) in MODELS.items():
        s3.put_object(Bucket="lake", Key=f"m/{name}.tar.gz", Body=body)
        config(name, f"s3://lake/m/{name}.tar.gz")
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    for name, (_, words) in MODELS.items():
        why = status(name, "Failed")["FailureReason"]
        assert re.search(words, why, re.DOTALL), (name, why)

    status("good", "InService")
    sagemaker.update_endpoint(EndpointName="good", EndpointConfigName="not-a-model")
    runtime = clary.client("sagemaker-runtime")
    deadline = time.monotonic() + 60
    while sagemaker.describe_endpoint(EndpointName="good")["EndpointStatus"] != "InService":
        assert time.monotonic() < deadline
        runtime.invoke_endpoint(EndpointName="good", ContentType="text/csv", Body=b"2,3")
    said = sagemaker.describe_endpoint(EndpointName="good")
    assert said["EndpointConfigName"] == "good" and "holds a pickled int" in said["FailureReason"]

    sagemaker.create_endpoint(EndpointName="hasty", EndpointConfigName="good")
    for name in ("hasty", "good", *MODELS):
        sagemaker.delete_endpoint(EndpointName=name)
    until(lambda: not sagemaker.list_endpoints()["Endpoints"], 60)
    until(lambda: nothing_is_left(clary), 30)


def test_a_job_that_is_stopped_while_it_starts_is_stopped(clary: RealClary) -> None:
    sagemaker = clary.client("sagemaker")
    process(clary, "hasty", "import time; time.sleep(600)")
    sagemaker.stop_processing_job(ProcessingJobName="hasty")
    assert ended(clary, "hasty")["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_processing_job(ProcessingJobName="hasty")


@pytest.mark.parametrize(
    ("name", "prefix", "key", "words"),
    [
        ("none", "nothing/", None, 'No S3 objects found under S3 URL "s3://lake/nothing/"'),
        ("long", "long/", "n" * 300, "it is too long"),
        ("dots", "dots/", "../../up", "cannot be a file name inside the job"),
        ("empty", "empty/", "a.csv", "ClientError: "),
    ],
)
def test_a_bad_input_is_named_without_a_path_of_this_machine(
    clary: RealClary, name: str, prefix: str, key: str | None, words: str
) -> None:
    if key is not None:
        clary.client("s3").put_object(Bucket="lake", Key=prefix + key, Body=b"")
    said = train(clary, f"input-{name}", prefix)
    assert said["FailureReason"].startswith("ClientError: ") and words in said["FailureReason"]
    assert str(clary.home) not in said["FailureReason"]


def test_the_sockets_go_with_the_server(own_server: RealClary) -> None:
    own_server.up()
    sockets = socket_dir(own_server.home)
    assert list(sockets.iterdir())
    own_server.down()
    assert not sockets.exists()
