"""Asynchronous and serverless endpoints of a real server: nothing that was asked is lost, whoever dies."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.real import RealClary, until
from tests.serverless_house import BUCKET, deploy, instances, prepare

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]

IDLE_SECONDS = "2"


@pytest.fixture(scope="module")
def clary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    made = RealClary(tmp_path_factory.mktemp("serverless"))
    os.environ["CLARY_SERVERLESS_IDLE_SECONDS"] = IDLE_SECONDS
    try:
        prepare(made.up())
        yield made
    finally:
        del os.environ["CLARY_SERVERLESS_IDLE_SECONDS"]
        made.sweep()


def keys(clary: RealClary, prefix: str) -> set[str]:
    listed = clary.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {one["Key"] for one in listed.get("Contents", [])}


def scale(clary: RealClary, name: str, count: int) -> None:
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    sagemaker = clary.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")


def results(clary: RealClary) -> tuple[str, str]:
    """(a topic, a queue that hears it)."""
    sns, sqs = clary.client("sns"), clary.client("sqs")
    topic: str = sns.create_topic(Name="results")["TopicArn"]
    queue: str = sqs.create_queue(QueueName="results")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return topic, queue


def test_what_was_accepted_is_done_once_the_server_is_back(clary: RealClary) -> None:
    topic, queue = results(clary)
    output = {
        "S3OutputPath": f"s3://{BUCKET}/out",
        "S3FailurePath": f"s3://{BUCKET}/bad",
        "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
    }
    one = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    deploy(clary, "later", one, AsyncInferenceConfig={"OutputConfig": output})
    s3, runtime = clary.client("s3"), clary.client("sagemaker-runtime")
    s3.put_object(Bucket=BUCKET, Key="in/good", Body=b"hello")
    s3.put_object(Bucket=BUCKET, Key="in/bad", Body=b"fail")

    def ask(name: str, kind: str) -> None:
        runtime.invoke_endpoint_async(
            EndpointName="later", InputLocation=f"s3://{BUCKET}/in/{kind}", InferenceId=name, ContentType="text/plain"
        )

    with pytest.raises(ClientError, match="InvokeEndpointAsync"):
        runtime.invoke_endpoint(EndpointName="later", Body=b"x")
    for n in range(20):
        ask(f"n{n}", "bad" if n == 7 else "good")
    clary.kill()  # some are done, some are under way, some wait
    clary.up()
    good = {f"out/n{n}.out" for n in range(20) if n != 7}
    until(lambda: keys(clary, "out/") == good and keys(clary, "bad/") == {"bad/n7-error.out"}, 60.0)
    assert s3.get_object(Bucket=BUCKET, Key="out/n0.out")["Body"].read() == b"hello!"
    assert b"no such column" in s3.get_object(Bucket=BUCKET, Key="bad/n7-error.out")["Body"].read()
    told: set[str] = set()
    sqs = clary.client("sqs")

    def hear() -> bool:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            told.add(json.loads(message["Body"])["inferenceId"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(told) == 20

    until(hear, 30.0)
    # Down to no instance: requests wait; up again: they are done.
    scale(clary, "later", 0)
    ask("patient", "good")
    assert "out/patient.out" not in keys(clary, "out/")
    scale(clary, "later", 1)
    until(lambda: "out/patient.out" in keys(clary, "out/"))
    clary.client("sagemaker").delete_endpoint(EndpointName="later")


def control_process(home: Path) -> int:
    """The pid of the server's control process."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"clary.processes.control" in words and os.fsencode(home) in words:
                return int(entry.name)
    raise AssertionError("no control process")


def test_a_sleeping_endpoint_answers_every_request_whoever_dies(clary: RealClary) -> None:
    deploy(clary, "asleep", {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 40}})

    def ask(n: int) -> Any:
        client = clary.client("sagemaker-runtime")
        answer = client.invoke_endpoint(EndpointName="asleep", Body=b"sleep 0.05", ContentType="text/plain")
        return answer["Body"].read()

    def asleep() -> bool:
        return instances(clary, "asleep") == 0

    until(asleep, 30.0)
    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, range(32))) == {b"sleep 0.05!"}
        until(asleep, 30.0)
        # The control process dies while requests wait for the instance that it was to start.
        calls = [pool.submit(ask, n) for n in range(16)]
        os.kill(control_process(clary.home), signal.SIGKILL)
        assert {call.result(90) for call in calls} == {b"sleep 0.05!"}
    until(asleep, 30.0)
    clary.client("sagemaker").delete_endpoint(EndpointName="asleep")
