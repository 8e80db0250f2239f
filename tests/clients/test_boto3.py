"""boto3 against a real `clary up`."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests.real import TRUST, RealClary

pytestmark = pytest.mark.server


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_who_am_i(server: RealClary) -> None:
    account = json.loads((server.home / "credentials.json").read_text())["AccountId"]
    said = server.client("sts").get_caller_identity()
    assert said["Account"] == account
    assert said["Arn"] == f"arn:aws:iam::{account}:root"


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("sagemaker", "list_training_jobs", {}),
        ("sts", "get_caller_identity", {}),
        ("s3", "list_buckets", {}),
        ("logs", "describe_log_groups", {}),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "any", "Body": b"1"}),
    ],
)
def test_a_wrong_secret_is_refused_by_every_protocol(server: RealClary, service, operation, request_) -> None:
    client = server.client(service, aws_secret_access_key="wrong" * 8)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**request_)
    assert code(refused) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("sagemaker", "list_training_jobs", "UnrecognizedClientException"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
    ],
)
def test_an_unknown_key_is_refused_in_the_words_of_its_protocol(server, service, operation, expected) -> None:
    client = server.client(service, aws_access_key_id="AKIAUNKNOWNUNKNOWN00")
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)()
    assert code(refused)[0] == expected


def send(server: RealClary, *, signed: bytes, sent: bytes) -> tuple[int, dict]:
    keys = json.loads((server.home / "credentials.json").read_text())
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "SageMaker.ListModels"}
    request = AWSRequest("POST", f"http://127.0.0.1:{server.port}/", headers=headers, data=signed)
    SigV4Auth(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"]), "sagemaker", "us-east-1").add_auth(request)
    prepared = request.prepare()
    prepared.body = sent
    prepared.headers["Content-Length"] = str(len(sent))
    session = URLLib3Session()
    try:
        answer = session.send(prepared)
        return answer.status_code, json.loads(answer.content)
    finally:
        session.close()


def test_a_changed_body_is_refused(server: RealClary) -> None:
    assert send(server, signed=b'{"MaxResults":5}', sent=b'{"MaxResults":5}')[0] == 200
    status, said = send(server, signed=b'{"MaxResults":5}', sent=b'{"MaxResults":9}')
    assert status == 403
    assert "signature" in said["message"].lower()


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_over_15_minutes_off_is_refused(server: RealClary, minutes: int) -> None:
    shifted = datetime.now(UTC) + timedelta(minutes=minutes)
    with (
        patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: shifted.replace(tzinfo=None)),
        pytest.raises(ClientError) as refused,
    ):
        server.client("sagemaker").list_models()
    assert code(refused) == ("SignatureDoesNotMatch", 403)
    assert "Signature" in str(refused.value)


def test_an_operation_that_is_not_served_is_named(server: RealClary) -> None:
    with pytest.raises(ClientError) as refused:
        server.client("sagemaker").list_hubs()
    assert code(refused)[1] == 501
    assert "ListHubs" in str(refused.value)


def test_session_keys_of_a_role_work_until_they_are_tampered_with(server: RealClary) -> None:
    iam = server.client("iam")
    role = iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=TRUST)
    keys = server.client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="here")["Credentials"]
    as_role = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    assert server.client("sts", **as_role).get_caller_identity()["Arn"].endswith(":assumed-role/visitor/here")
    as_role["aws_session_token"] = keys["SessionToken"][:-8] + "AAAAAAA="
    with pytest.raises(ClientError) as refused:
        server.client("sts", **as_role).get_caller_identity()
    assert code(refused)[1] == 403


def test_objects_of_20_mb_go_and_come_in_parts(server: RealClary, tmp_path) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="parts")
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * 80_000)
    s3.upload_file(str(sent), "parts", "deep/er/object.bin")
    s3.download_file("parts", "deep/er/object.bin", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == sent.read_bytes()
    assert s3.head_object(Bucket="parts", Key="deep/er/object.bin")["ETag"].endswith('-3"')


def test_the_same_connection_serves_control_plane_and_inference(server: RealClary) -> None:
    """A client that mixes both over one kept-alive connection is answered by whoever holds the connection."""
    from http.client import HTTPConnection

    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    seen = []
    for path in ("/", "/endpoints/none/invocations", "/", "/endpoints/none/invocations"):
        connection.request("POST", path, body=b"{}")
        answer = connection.getresponse()
        seen.append((answer.status, bool(answer.read())))
    connection.close()
    assert all(400 <= status < 500 and said for status, said in seen)
    assert seen[1] == seen[3] == (403, True)


def test_nothing_listens_beyond_loopback(server: RealClary) -> None:
    import psutil

    family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    addresses = {
        one.laddr.ip for process in family for one in process.net_connections("inet") if one.status == "LISTEN"
    }
    assert addresses == {"127.0.0.1"}


def test_a_region_of_its_own(server: RealClary) -> None:
    for region in ("us-east-1", "eu-central-1"):
        server.client("sagemaker", region_name=region).create_model(
            ModelName="here",
            PrimaryContainer={"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
        )
    there = server.client("sagemaker", region_name="eu-central-1").list_models()["Models"]
    assert [one["ModelArn"].split(":")[3] for one in there] == ["eu-central-1"]
