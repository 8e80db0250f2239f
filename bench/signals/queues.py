"""Queues and topics over HTTP: signed sends and receives a second, what 100,000 waiting messages change of a receive,
and how long a published message takes to stand in a queue.

Each answered send is durable across a kill of the server. The cost of a receive is CPU time of the server, so that it
can be compared on a busy machine: with 100,000 messages waiting it must be that with 10,000. A notification is signed
with RSA unless the subscription is raw; both are measured.
"""

import json
import time
from typing import Any

import boto3
from botocore.config import Config

from bench import load, report, servers

CONNECTIONS = 8
FEW, MANY = 10_000, 100_000


def client(server: servers.Server, service: str) -> Any:
    keys = {"aws_access_key_id": server.access_key_id, "aws_secret_access_key": server.secret_access_key}
    plain = Config(proxies={}, retries={"max_attempts": 0})
    return boto3.client(service, endpoint_url=server.url, region_name="us-east-1", config=plain, **keys)


def request(server: servers.Server, operation: str, **body: Any) -> bytes:
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{operation}"}
    return load.signed(server, "/", json.dumps(body).encode(), headers, "sqs")


def sends(server: servers.Server, url: str, count: int, batch: int) -> load.Measured:
    body = "x" * 200
    if batch == 1:
        made = [request(server, "SendMessage", QueueUrl=url, MessageBody=body)] * count
    else:
        entries = [{"Id": str(number), "MessageBody": body} for number in range(batch)]
        made = [request(server, "SendMessageBatch", QueueUrl=url, Entries=entries)] * (count // batch)
    return load.run(server, made, CONNECTIONS)


def receives(server: servers.Server, url: str, count: int) -> load.Measured:
    made = [request(server, "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600)] * count
    return load.run(server, made, CONNECTIONS)


def queues(server: servers.Server, smoke: bool) -> dict[str, Any]:
    few, many, times = (100, 1_000, 10) if smoke else (FEW, MANY, 900)
    sqs = client(server, "sqs")
    url = sqs.create_queue(QueueName="bench")["QueueUrl"]
    sends(server, url, 100, 10)
    found: dict[str, Any] = {"send": sends(server, url, few // 5, 1).figures()}
    filled = sends(server, url, few, 10)
    found["send_batches_of_10_messages_per_second"] = round(few / filled.seconds)
    run = receives(server, url, times)
    found["receive_10_of_10000"] = {**run.figures(), "server_cpu_us": round(run.cpu_seconds / times * 1e6)}
    sends(server, url, many, 10)
    run = receives(server, url, times)
    found["receive_10_of_100000"] = {**run.figures(), "server_cpu_us": round(run.cpu_seconds / times * 1e6)}
    return found


def published(server: servers.Server, raw: bool, count: int) -> dict[str, Any]:
    """From Publish being sent to the message standing in the queue, one after the other every few milliseconds."""
    sqs, sns = client(server, "sqs"), client(server, "sns")
    name = f"{'raw' if raw else 'signed'}-{count}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": {**allowed, "Resource": arn}}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    topic = sns.create_topic(Name=name)["TopicArn"]
    attributes = {"RawMessageDelivery": "true" if raw else "false"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    waits = []
    before = server.cpu_seconds()
    for number in range(count):
        began = time.time()
        sns.publish(TopicArn=topic, Message=str(number))
        asked = {"QueueUrl": url, "WaitTimeSeconds": 5, "AttributeNames": ["SentTimestamp"]}
        (one,) = sqs.receive_message(**asked)["Messages"]
        waits.append(int(one["Attributes"]["SentTimestamp"]) / 1000 - began)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    waits.sort()
    return {
        "p50_ms": round(waits[len(waits) // 2] * 1e3, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1e3, 1),
        "server_cpu_us_of_publish_receive_delete": round((server.cpu_seconds() - before) / count * 1e6),
    }


def main(smoke: bool) -> None:
    count = 20 if smoke else 500
    found: dict[str, Any] = {}
    with servers.clary() as server:
        found["queues"] = queues(server, smoke)
        published(server, False, 5)  # the key is made
        found["topic_to_queue_raw"] = published(server, True, count)
        found["topic_to_queue_signed"] = published(server, False, count)
    notes = ["SentTimestamp has whole milliseconds, rounded down"]
    ratios: dict[str, float] = {}
    some, all_ = found["queues"]["receive_10_of_10000"], found["queues"]["receive_10_of_100000"]
    ratios["receive_cpu_100000_over_10000"] = round(all_["server_cpu_us"] / max(some["server_cpu_us"], 1), 2)
    if servers.has_moto():
        with servers.moto() as server:
            url = client(server, "sqs").create_queue(QueueName="bench")["QueueUrl"]
            found["moto_send"] = sends(server, url, 100 if smoke else 1_000, 1).figures()
        ratios["send_over_moto"] = round(found["queues"]["send"]["per_second"] / found["moto_send"]["per_second"], 1)
    else:
        notes.append("moto is not installed here, so there is nothing to compare with: make bench installs it")
    report.keep("signals.queues", found, ratios, smoke=smoke, notes=notes)
