"""Queues and topics on a real server: long polls, kills, webhooks of which one is slow, mail."""

import http.server
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.queues_house import allowing
from tests.real import RealClary, until

pytestmark = [pytest.mark.server, pytest.mark.slow]


class Hook:
    """A web address; while `held`, it takes what comes and does not answer."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.kinds: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.url = ""


@contextmanager
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.kinds.append(self.headers["x-amz-sns-message-type"])
            made.heard.append(body)
            made.open.wait(30)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield made
    finally:
        made.open.set()
        server.shutdown()
        server.server_close()


def open_queue(sqs: Any, name: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = allowing("sns.amazonaws.com", "sqs:SendMessage", arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def test_a_long_poll_over_the_wire(server: RealClary) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="polled")["QueueUrl"]
    assert url.startswith(f"http://127.0.0.1:{server.port}/")
    found: list[Any] = []

    def poll() -> None:
        found.append(server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))

    thread = threading.Thread(target=poll)
    thread.start()
    sqs.send_message(QueueUrl=url, MessageBody="there")
    thread.join(10)
    assert [one["Body"] for one in found[0]["Messages"]] == ["there"]


def test_a_client_that_hangs_up_takes_no_message_with_it(server: RealClary) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="hung-up")["QueueUrl"]
    keys = json.loads((server.home / "credentials.json").read_text())
    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    request = AWSRequest("POST", server.url + "/", headers=headers, data=body)
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])
    SigV4Auth(credentials, "sqs", "us-east-1").add_auth(request)
    lines = ["POST / HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    with socket.create_connection(("127.0.0.1", server.port)) as wire:
        wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    log = server.home / "server.log"
    until(lambda: '"gone":true' in log.read_text(), what="the server to notice")
    sqs.send_message(QueueUrl=url, MessageBody="there")
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]] == ["there"]


def test_a_kill_loses_no_message_and_no_receipt(own_server: RealClary) -> None:
    own_server.up()
    sqs = own_server.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    (one,) = sqs.receive_message(QueueUrl=url)["Messages"]
    own_server.kill()
    own_server.up()
    sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    (other,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert {one["Body"], other["Body"]} == {"a", "b"}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == {names[0]: "0", names[1]: "1"}


def test_a_slow_webhook_holds_up_nobody_else(server: RealClary) -> None:
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="hooks")["TopicArn"]
    url, queue = open_queue(sqs, "beside")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    with hook() as slow, hook() as quick:
        for one in (slow, quick):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=one.url)
            until(lambda one=one: one.heard, what="the confirmation")
            with urllib.request.urlopen(one.heard[0]["SubscribeURL"]) as answer:
                assert b"<SubscriptionArn>" in answer.read()
        slow.open.clear()
        ids = [sns.publish(TopicArn=topic, Message=str(number))["MessageId"] for number in range(20)]
        until(lambda: len(quick.heard) == 21, what="20 notifications at the quick address")
        assert sorted(one["MessageId"] for one in quick.heard[1:]) == sorted(ids)
        assert len(slow.heard) < 21
        received: list[str] = []
        while len(received) < 20:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            received += [json.loads(one["Body"])["MessageId"] for one in answer["Messages"]]
        assert sorted(received) == sorted(ids)
        slow.open.set()
        until(lambda: len(slow.heard) >= 21, what="the rest at the slow address")
        assert {one["MessageId"] for one in slow.heard[1:]} == set(ids)
        assert set(slow.kinds) == {"SubscriptionConfirmation", "Notification"}


def test_mail_lies_in_the_home(server: RealClary) -> None:
    sns = server.client("sns")
    topic = sns.create_topic(Name="mail")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="me@example.com")
    outbox = Path(server.home / "outbox")
    (mail,) = until(lambda: list(outbox.glob("*.eml")), what="a confirmation")
    assert f"http://127.0.0.1:{server.port}/?Action=ConfirmSubscription" in mail.read_text()
