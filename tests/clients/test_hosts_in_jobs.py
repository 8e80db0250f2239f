"""Jobs and model servers on a real server whose code names AWS's own hosts: Clary answers, as their role."""

import io
import json
import os
import pickle
import signal
import tarfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import xgboost
from botocore.exceptions import ClientError

from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"

# What all of them ask. No address of Clary stands in it.
ASKS = """
import json, os, time, urllib.error, urllib.request
import boto3
STS, S3 = "https://sts.us-east-1.amazonaws.com", "https://s3.us-east-1.amazonaws.com"

def who():
    return boto3.client("sts", endpoint_url=STS).get_caller_identity()["Arn"].split(":", 5)[5]

def client():
    return boto3.client("s3", endpoint_url=S3)

def status(url):
    try:
        return urllib.request.urlopen(url).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)

def there(key):
    try:
        return bool(client().head_object(Bucket="lake", Key=key))
    except Exception as error:  # while the server is down there is no answer, or a 502
        print("not yet:", error, flush=True)
        return False

def say(key, **said):
    client().put_object(Bucket="lake", Key=key, Body=json.dumps(said).encode())
"""
HARD_CODED = """
s3 = boto3.client("s3", config=boto3.session.Config(s3={"addressing_style": "virtual"}), endpoint_url=S3)
url = s3.generate_presigned_url("get_object", Params={"Bucket": "lake", "Key": "in/x"})
trusted = os.path.dirname(os.environ["AWS_CA_BUNDLE"])
say(OUT, who=who(), url=url.split("/")[2], signed=status(url),
    unsigned=status("https://lake.s3.us-east-1.amazonaws.com/in/x"), other=status("https://example.com/"),
    trusted=sorted(name.split("-")[0] for name in os.listdir(trusted)))
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    """A server that lets nothing but AWS's hosts pass, with a bucket and a role."""
    real = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLARY_OTHER_HOSTS", "refuse")
        real.up()
        real.role("worker")
        s3 = real.client("s3")
        s3.create_bucket(Bucket="lake")
        s3.put_object(Bucket="lake", Key="in/x", Body=b"x")
        yield real
        real.sweep()


def role(server: RealClary) -> str:
    arn: str = server.client("iam").get_role(RoleName="worker")["Role"]["Arn"]
    return arn


def processing(server: RealClary, name: str, code: str, **environment: str) -> None:
    """A processing job that runs the code behind ASKS; OUT is the key of what it has to say."""
    server.client("s3").put_object(Bucket="lake", Key=f"code/{name}.py", Body=f"{ASKS}\nOUT = 'said/{name}'\n{code}")
    local = {"S3DataType": "S3Prefix", "S3InputMode": "File", "LocalPath": "/opt/ml/processing/input/code"}
    script = f"/opt/ml/processing/input/code/{name}.py"
    server.client("sagemaker").create_processing_job(
        ProcessingJobName=name,
        RoleArn=role(server),
        Environment=environment,
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", script]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        ProcessingInputs=[{"InputName": "code", "S3Input": {"S3Uri": f"s3://lake/code/{name}.py", **local}}],
    )


def training(server: RealClary, name: str, code: str) -> None:
    server.client("s3").put_object(Bucket="lake", Key=f"code/{name}/x.py", Body=f"{ASKS}\nOUT = 'said/{name}'\n{code}")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://lake/code/{name}/"}
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=role(server),
        AlgorithmSpecification={
            "TrainingImage": SKLEARN,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/x.py"],
        },
        InputDataConfig=[{"ChannelName": "code", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://lake/models"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def completed(server: RealClary, name: str, family: str = "processing") -> None:
    """The job has ended well."""
    describe = getattr(server.client("sagemaker"), f"describe_{family}_job")
    word = family.capitalize()

    def ended() -> dict[str, Any] | None:
        said: dict[str, Any] = describe(**{f"{word}JobName": name})
        return said if said[f"{word}JobStatus"] in ("Completed", "Failed", "Stopped") else None

    said = until(ended, 90, f"the job {name} ends")
    assert said[f"{word}JobStatus"] == "Completed", said.get("FailureReason")


def said(server: RealClary, key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(server.client("s3").get_object(Bucket="lake", Key=key)["Body"].read())
    except ClientError:
        return None
    return found


def proxies(server: RealClary) -> list[int]:
    found = []
    for one in psutil.process_iter(["cmdline"]):
        line = one.info["cmdline"] or []
        if "clary.processes.intercept" in line and str(server.home) in line:
            found.append(one.pid)
    return found


@pytest.mark.parametrize("family", ["processing", "training"])
def test_a_job_s_hard_coded_hosts_are_clary_and_others_are_refused(lake: RealClary, family: str) -> None:
    name = f"hard-{family}"
    {"processing": processing, "training": training}[family](lake, name, HARD_CODED)
    completed(lake, name, family)
    assert said(lake, f"said/{name}") == {
        "who": "assumed-role/worker/SageMaker",
        "url": "lake.s3.us-east-1.amazonaws.com",
        "signed": 200,
        "unsigned": 403,
        "other": "<urlopen error Tunnel connection failed: 403 Forbidden>",
        "trusted": ["bundle", "ca.pem"],  # and nowhere the key
    }
    until(lambda: not proxies(lake), what="the proxy ends with the job")


def test_a_job_that_asks_nobody_has_no_proxy(lake: RealClary) -> None:
    waits = "s3 = boto3.client('s3')\nsay = s3.put_object\nsay(Bucket='lake', Key='quiet/begun', Body=b'{}')\n"
    waits += "client = lambda: s3\nwhile not there('quiet/go'): time.sleep(0.1)\n"
    processing(lake, "quiet", waits)
    until(lambda: said(lake, "quiet/begun") is not None, 60, "the job begins")
    assert proxies(lake) == []  # it spoke to S3 and did not need one
    lake.client("s3").put_object(Bucket="lake", Key="quiet/go", Body=b"")
    completed(lake, "quiet")


def test_what_a_job_s_own_environment_says_wins(lake: RealClary) -> None:
    code = "import os\ns3 = boto3.client('s3')\nclient = lambda: s3\n"
    code += "say(OUT, **{name: os.environ.get(name) for name in ('HTTPS_PROXY', 'https_proxy', 'NO_PROXY')})"
    processing(lake, "own", code, https_proxy="http://proxy.example:3128", NO_PROXY="intranet.example")
    completed(lake, "own")
    found = said(lake, "said/own")
    assert found is not None
    assert (found["HTTPS_PROXY"], found["https_proxy"]) == (None, "http://proxy.example:3128")
    assert found["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,.localhost"


AGAIN = """
say(OUT + "-1", who=who())
while not there("again/go"): time.sleep(0.1)
say(OUT + "-2", who=who())
"""


def test_it_answers_again_after_the_control_process_and_the_server_were_killed(lake: RealClary) -> None:
    processing(lake, "again", AGAIN)
    until(lambda: said(lake, "said/again-1"), 60, "the job asks for the first time")
    before = proxies(lake)
    assert len(before) == 1
    os.kill(control(lake), signal.SIGKILL)
    until(lambda: said(lake, "said/again-1"), 30, "the control process is back")
    lake.kill()
    assert proxies(lake) == before, "it belongs to the job, not to the server"
    lake.up()
    lake.client("s3").put_object(Bucket="lake", Key="again/go", Body=b"")
    completed(lake, "again")
    assert said(lake, "said/again-2") == {"who": "assumed-role/worker/SageMaker"}
    until(lambda: not proxies(lake), what="the proxy ends with the job")


def control(server: RealClary) -> int:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children()
    (found,) = [one.pid for one in children if "clary.processes.control" in one.cmdline()]
    return found


def test_a_model_server_finds_them_too_with_keys_that_are_lent(lake: RealClary) -> None:
    code = f"{ASKS}\nOUT = 'said/server'\ndef asks():\n" + "".join(f"    {line}\n" for line in AGAIN.splitlines())
    code += "import threading; threading.Thread(target=asks, daemon=True).start()\n"
    deploy(lake, "speaks", code.replace("again/go", "server/go"))
    until(lambda: said(lake, "said/server-1"), 60, "the model server asks")
    assert said(lake, "said/server-1") == {"who": "assumed-role/worker/SageMaker"}
    lake.kill()
    lake.up()
    lake.client("s3").put_object(Bucket="lake", Key="server/go", Body=b"")
    until(lambda: said(lake, "said/server-2"), 60, "the model server asks again")
    sagemaker = lake.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="speaks")
    until(lambda: not proxies(lake), 60, "the proxy ends with the model server")


def test_an_isolated_model_server_reaches_nobody(lake: RealClary) -> None:
    code = f"{ASKS}\nprint('keys', [n for n in os.environ if n.startswith('AWS_CONTAINER')], flush=True)\n"
    code += "print('reached', status('https://sts.us-east-1.amazonaws.com/'), flush=True)\n"
    deploy(lake, "isolated", code, EnableNetworkIsolation=True)
    sagemaker, logs = lake.client("sagemaker"), lake.client("logs")

    def lines() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/isolated")["events"]
        except ClientError:
            return []  # the group is made by the first line
        return [one["message"] for one in events]

    until(lambda: any(line.startswith("reached") for line in lines()), 60, "the model server tries")
    assert "keys []" in lines()
    assert not [line for line in lines() if line.startswith(("reached 2", "reached 4"))]
    sagemaker.delete_endpoint(EndpointName="isolated")


def deploy(server: RealClary, name: str, code: str, **model: Any) -> None:
    """An endpoint whose model runs the code when it is loaded, as any pickle may."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("xgboost-model")
        body = pickle.dumps(Speaks(code))
        member.size = len(body)
        tar.addfile(member, io.BytesIO(body))
    server.client("s3").put_object(Bucket="lake", Key=f"models/{name}.tar.gz", Body=packed.getvalue())
    sagemaker = server.client("sagemaker")
    # The compiler would load it too, without a network to ask in.
    environ = {"CLARY_COMPILE": "off"}
    container = {"Image": XGBOOST, "ModelDataUrl": f"s3://lake/models/{name}.tar.gz", "Environment": environ}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role(server), PrimaryContainer=container, **model)
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


class Speaks:
    """A pickle of this runs the code and is a Booster then."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        trained = pickle.dumps(xgboost.train({}, xgboost.DMatrix([[0.0], [1.0]], label=[0.0, 1.0]), 1))
        runs = f"exec(compile({self.code!r}, 'model', 'exec'), {{}})"
        return eval, (f"({runs}, __import__('pickle').loads({trained!r}))[1]",)
