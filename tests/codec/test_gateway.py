"""The front door: who is let in, what is refused in which words, and what state the connection is left in."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from clary.aws.credentials import Keys, Principal
from clary.aws.errors import ServiceError
from clary.aws.gateway import DOCUMENT_BYTES
from clary.aws.service import Context, Service
from clary.kernel.clock import ManualClock, SystemClock
from tests.inprocess import ROOT_KEYS, URL, InProcess, drive, serving

Doc = dict[str, Any]


class ResourceNotFound(ServiceError):
    """No such thing."""


class NoSuchKey(ServiceError):
    status = 404


class NoSuchEntity(ServiceError):
    """IAM's model calls the shape NoSuchEntityException, and the code NoSuchEntity."""


def services(seen: list[Any]) -> list[Service]:
    """A small service of each protocol that writes down what its handlers got."""
    sagemaker, s3, sts, iam = Service("sagemaker"), Service("s3"), Service("sts"), Service("iam")
    runtime, logs = Service("sagemaker-runtime"), Service("logs")

    @sagemaker.operation("DescribeModel")
    async def describe_model(ctx: Context, req: Doc) -> Doc:
        seen.append((ctx, req))
        match req["ModelName"]:
            case "missing":
                raise ResourceNotFound("Could not find model.")
            case "broken":
                raise RuntimeError("a secret detail")
            case "wrong":
                return {"ModelName": "wrong", "Colour": "red", "VpcConfig": {}}
        return {"ModelName": req["ModelName"], "ModelArn": ctx.arn("sagemaker", "model/m"), "CreationTime": 1.5e9}

    @sagemaker.operation("DeleteModel")
    async def delete_model(ctx: Context, req: Doc) -> Doc:
        return {}

    @sagemaker.operation("ListModels")
    async def list_models(ctx: Context, req: Doc) -> Doc:
        return await ctx.call("logs", "DescribeLogGroups", {"limit": 51})

    @logs.operation("DescribeLogGroups")
    async def describe_log_groups(ctx: Context, req: Doc) -> Doc:
        return {}

    @sts.operation("GetCallerIdentity")
    async def get_caller_identity(ctx: Context, req: Doc) -> Doc:
        return {"Arn": ctx.principal.arn, "UserId": ctx.principal.user_id, "Account": ctx.account}

    @iam.operation("GetRole")
    async def get_role(ctx: Context, req: Doc) -> Doc:
        raise NoSuchEntity(f"The role with name {req['RoleName']} cannot be found.")

    @runtime.operation("InvokeEndpoint")
    async def invoke_endpoint(ctx: Context, req: Doc) -> Doc:
        seen.append((ctx, req))
        return {"Body": req["Body"].upper(), "ContentType": "text/csv"}

    @s3.operation("GetObject")
    async def get_object(ctx: Context, req: Doc) -> Doc:
        if req["Key"] == "missing":
            raise NoSuchKey("The specified key does not exist.", Key=req["Key"])
        if req["Key"] == "same":
            return {"_status": 304, "ETag": '"e"'}
        closed = asyncio.Event()
        seen.append(closed)

        async def body() -> AsyncIterator[bytes]:
            try:
                yield b"abc"
                yield b"def"
            finally:
                closed.set()

        return {
            "_status": 206,
            "_headers": {"x-amz-note": "é"},
            "Body": body(),
            "ContentLength": 6,
            "ContentRange": "bytes 0-5/9",
            "Metadata": {"colour": "red"},
            "LastModified": 1.7e9,
        }

    @s3.operation("HeadObject")
    async def head_object(ctx: Context, req: Doc) -> Doc:
        if req["Key"] == "missing":
            raise NoSuchKey("The specified key does not exist.")
        return {"ContentLength": 12345, "ETag": '"e"'}

    @s3.operation("GetBucketLocation")
    async def get_bucket_location(ctx: Context, req: Doc) -> Doc:
        return {"LocationConstraint": "eu-west-1"} if req["Bucket"] == "europe" else {}

    @s3.operation("DeleteObjects")
    async def delete_objects(ctx: Context, req: Doc) -> Doc:
        return {"Deleted": req["Delete"]["Objects"]}

    return [sagemaker, s3, sts, iam, runtime, logs]


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def app(tmp_path: Path, seen: list[Any]) -> Iterator[InProcess]:
    with serving(tmp_path, services(seen)) as made:
        yield made


def refusal(call: Any, **params: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as error:
        call(**params)
    said = error.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"], said["Error"].get("Message", "")


def test_a_handler_gets_a_context_and_a_checked_request(app: InProcess, seen: list[Any]) -> None:
    answer = app.client("sagemaker", region="eu-west-1").describe_model(ModelName="car")
    ctx, req = seen[0]
    assert req == {"ModelName": "car"}
    assert (ctx.region, ctx.account, ctx.principal.kind) == ("eu-west-1", "123456789012", "root")
    assert answer["ModelArn"] == "arn:aws:sagemaker:eu-west-1:123456789012:model/m"
    assert answer["CreationTime"].timestamp() == 1.5e9
    assert answer["ResponseMetadata"]["RequestId"] == ctx.request_id
    assert (
        app.client("sagemaker").delete_model(ModelName="car")["ResponseMetadata"]["HTTPHeaders"]["content-length"]
        == "0"
    )


@pytest.mark.parametrize(
    ("keys", "codes"),
    [
        (Keys(ROOT_KEYS.access_key_id, "wrong"), ("SignatureDoesNotMatch",) * 3),
        (Keys("AKIAUNKNOWN", "x"), ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId")),
        (Keys("ASIAUNKNOWN", "x", "tok"), ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken")),
    ],
)
def test_who_is_not_known_is_refused_in_each_protocols_words(
    app: InProcess, keys: Keys, codes: tuple[str, ...]
) -> None:
    found = (
        refusal(app.client("sagemaker", keys=keys).describe_model, ModelName="m")[0],
        refusal(app.client("sts", keys=keys).get_caller_identity)[0],
        refusal(app.client("s3", keys=keys).get_object, Bucket="b", Key="k")[0],
    )
    assert found == codes


def test_a_request_of_yesterday_is_refused(tmp_path: Path, seen: list[Any]) -> None:
    with serving(tmp_path, services(seen), clock=ManualClock(SystemClock().now() + 86_400)) as app:
        code, status, words = refusal(app.client("sagemaker").describe_model, ModelName="m")
        assert (code, status) == ("SignatureDoesNotMatch", 403)
        assert words.startswith("Signature expired: ")
        assert refusal(app.client("s3").get_object, Bucket="b", Key="k")[0] == "RequestTimeTooSkewed"


def test_an_expired_session_is_refused(app: InProcess) -> None:
    keys = app.ring.issue(Principal("123456789012", "arn:x", "id", "assumed-role"), SystemClock().now() - 1)
    assert refusal(app.client("sagemaker", keys=keys).describe_model, ModelName="m")[0] == "ExpiredTokenException"
    assert refusal(app.client("s3", keys=keys).get_object, Bucket="b", Key="k")[0] == "ExpiredToken"


def test_another_account_is_not_authorized(app: InProcess) -> None:
    keys = app.ring.issue(Principal("999999999999", "arn:aws:iam::999999999999:root", "x", "root"), 5e9)
    code, status, words = refusal(app.client("sagemaker", keys=keys).describe_model, ModelName="m")
    assert (code, status) == ("AccessDeniedException", 403)
    assert "is not authorized to perform: sagemaker:DescribeModel" in words


def test_a_signature_for_one_service_does_not_open_another(app: InProcess) -> None:
    request = AWSRequest(
        "POST", f"{URL}/", headers={"X-Amz-Target": "SageMaker.DescribeModel"}, data=b'{"ModelName":"m"}'
    )
    credentials = Credentials(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key)
    SigV4Auth(credentials, "logs", "us-east-1").add_auth(request)
    status, _, body = app.request("POST", "/", dict(request.headers.items()), request.data)
    assert (status, orjson.loads(body)["__type"]) == (403, "SignatureDoesNotMatch")
    assert b"Credential should be scoped to correct service: 'sagemaker'" in body


@pytest.mark.parametrize("version", [None, "s3v4"])
@pytest.mark.parametrize("session", [False, True])
def test_presigned_urls_of_both_kinds_open_what_they_name(app: InProcess, version: str | None, session: bool) -> None:
    keys = ROOT_KEYS
    if session:
        keys = app.ring.issue(Principal("123456789012", "arn:aws:iam::123456789012:root", "id", "root"), 5e9)
    config = {"signature_version": version} if version else {}
    url = app.client("s3", keys=keys, **config).generate_presigned_url(
        "get_object", Params={"Bucket": "b", "Key": "a k/é", "ResponseContentType": "text/csv"}, ExpiresIn=60
    )
    path = url.removeprefix(URL)
    status, _, body = app.request("GET", path)
    assert (status, body) == (206, b"abcdef")
    for changed in (path.replace("a%20k", "b"), path.replace("csv", "html")):
        status, _, body = app.request("GET", changed)
        assert status == 403
        assert b"SignatureDoesNotMatch" in body
    assert app.request("PUT", path)[0] in (403, 501)


def test_a_presigned_url_lapses(tmp_path: Path, seen: list[Any]) -> None:
    clock = ManualClock(SystemClock().now())
    with serving(tmp_path, services(seen), clock=clock) as app:
        url = app.client("s3").generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"}, ExpiresIn=60)
        assert app.request("GET", url.removeprefix(URL))[0] == 206
        clock.advance(62)
        status, _, body = app.request("GET", url.removeprefix(URL))
        assert status == 403
        assert b"Request has expired" in body


def test_unsigned_requests_are_refused(app: InProcess) -> None:
    status, _, body = app.request("POST", "/", {"x-amz-target": "SageMaker.DescribeModel"}, b"{}")
    assert (status, orjson.loads(body)["__type"]) == (403, "MissingAuthenticationTokenException")
    status, _, body = app.request("GET", "/b/k")
    assert status == 403
    assert b"<Code>AccessDenied</Code>" in body


def test_errors_come_with_the_modelled_code_and_status(app: InProcess) -> None:
    assert refusal(app.client("sagemaker").describe_model, ModelName="missing") == (
        "ResourceNotFound",
        400,
        "Could not find model.",
    )
    assert refusal(app.client("iam").get_role, RoleName="r")[:2] == ("NoSuchEntity", 404)
    assert refusal(app.client("s3").get_object, Bucket="b", Key="missing")[:2] == ("NoSuchKey", 404)
    assert refusal(app.client("s3").head_object, Bucket="b", Key="missing") == ("404", 404, "Not Found")


def test_an_unexpected_error_tells_nothing(app: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    code, status, words = refusal(app.client("sagemaker").describe_model, ModelName="broken")
    assert (code, status) == ("InternalFailure", 500)
    assert "secret" not in words
    assert "a secret detail" in caplog.text


def test_an_answer_that_is_not_of_its_shape_fails_in_tests(app: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal(app.client("sagemaker").describe_model, ModelName="wrong")[0] == "InternalFailure"
    assert "DescribeModel.Colour: is no member of DescribeModelOutput" in caplog.text
    assert "DescribeModel.VpcConfig: is present and empty" in caplog.text


def test_violations_go_by_their_protocols_name(app: InProcess) -> None:
    client = app.client("sagemaker", parameter_validation=False)
    assert refusal(client.describe_model, ModelName="no good") == (
        "ValidationException",
        400,
        "1 validation error detected: Value 'no good' at 'modelName' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?",
    )
    assert refusal(app.client("iam", parameter_validation=False).get_role)[0] == "ValidationError"
    runtime = app.client("sagemaker-runtime")
    assert refusal(runtime.invoke_endpoint, EndpointName="a_b", Body=b"")[0] == "ValidationError"


def test_what_aws_has_and_clary_does_not_is_named(app: InProcess) -> None:
    assert refusal(app.client("sagemaker").list_endpoints) == (
        "NotImplemented",
        501,
        "sagemaker ListEndpoints is not served by Clary yet.",
    )
    assert refusal(app.client("glue").get_jobs)[2] == "glue GetJobs is not served by Clary yet."
    assert refusal(app.client("sts").get_session_token)[2] == "sts GetSessionToken is not served by Clary yet."
    assert refusal(app.client("sns").list_topics)[2] == "sns ListTopics is not served by Clary yet."
    assert refusal(app.client("s3").get_bucket_versioning, Bucket="b")[:2] == ("NotImplemented", 501)
    status, _, body = app.request("POST", "/", {"x-amz-target": "SageMaker.MakeCoffee"}, b"{}")
    assert (status, orjson.loads(body)["__type"]) == (501, "UnknownOperationException")
    assert b"sagemaker has no operation MakeCoffee" in body


def test_what_is_no_document_is_refused(app: InProcess) -> None:
    client = app.client("sagemaker")

    def send(body: bytes) -> tuple[str, int, str]:
        def change(request: Any, **_: Any) -> None:
            request.data = body

        client.meta.events.register_last("request-created.sagemaker.DescribeModel", change, unique_id="change")
        client.meta.events.register_first("before-sign.sagemaker.DescribeModel", change, unique_id="change2")
        return refusal(client.describe_model, ModelName="m")

    assert send(b"{not json")[:2] == ("SerializationException", 400)
    client.meta.events.unregister("before-sign.sagemaker.DescribeModel", unique_id="change2")


def test_a_long_document_is_refused_before_it_is_read(app: InProcess) -> None:
    headers = {"x-amz-target": "SageMaker.DescribeModel", "content-length": str(DOCUMENT_BYTES + 1)}

    def never() -> Iterator[bytes]:
        raise AssertionError("the body has been read")
        yield b""

    status, found, body = app.request("POST", "/", headers, never())
    assert (status, orjson.loads(body)["__type"]) == (413, "RequestEntityTooLarge")
    assert found["connection"] == "close"


def test_a_client_that_waits_to_send_is_not_asked_to(app: InProcess) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("the body has been read")
        yield b""

    headers = {"expect": "100-continue", "content-length": "10"}
    status, found, _ = app.request("PUT", "/b/k", headers, never())
    assert (status, found["connection"]) == (501, "close")


def test_a_short_unread_body_is_drained_so_the_connection_lives(app: InProcess) -> None:
    status, found, _ = app.request("PUT", "/b/k", {}, b"x" * 1000)
    assert status == 501
    assert "connection" not in found


def test_a_stream_is_sent_as_it_comes_and_closed(app: InProcess, seen: list[Any]) -> None:
    answer = app.client("s3").get_object(Bucket="b", Key="k")
    assert answer["Body"].read() == b"abcdef"
    found = answer["ResponseMetadata"]
    assert found["HTTPStatusCode"] == 206
    assert found["HTTPHeaders"]["x-amz-note"].encode("latin-1").decode() == "é"
    assert answer["Metadata"] == {"colour": "red"}
    assert seen[0].is_set()


def test_a_client_that_goes_away_ends_the_stream(app: InProcess, seen: list[Any]) -> None:
    client = app.client("s3")
    caught: list[Any] = []
    client.meta.events.register_first("before-send.s3.GetObject", lambda request, **_: caught.append(request))
    client.get_object(Bucket="b", Key="k")

    async def cut() -> set[Any]:
        from tests.inprocess import scope_of

        messages = iter([{"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(messages)

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)
            await asyncio.sleep(0)

        before = asyncio.all_tasks()
        await app.gateway(scope_of(caught[0]), receive, send)
        assert not any(message.get("more_body") is False for message in sent[1:])
        await asyncio.sleep(0)
        return asyncio.all_tasks() - before

    assert app.run(cut()) == set()
    assert seen[-1].is_set()


def test_head_and_not_modified_have_no_body_but_head_has_its_length(app: InProcess) -> None:
    assert app.client("s3").head_object(Bucket="b", Key="k")["ContentLength"] == 12345
    with pytest.raises(ClientError) as error:
        app.client("s3").get_object(Bucket="b", Key="same")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    assert "content-length" not in error.value.response["ResponseMetadata"]["HTTPHeaders"]


def test_the_location_of_a_bucket_is_a_bare_root(app: InProcess) -> None:
    assert app.client("s3").get_bucket_location(Bucket="europe")["LocationConstraint"] == "eu-west-1"
    assert app.client("s3").get_bucket_location(Bucket="b")["LocationConstraint"] is None


def test_a_bucket_may_stand_in_the_host(app: InProcess) -> None:
    client = app.client("s3", s3={"addressing_style": "virtual"})
    client.meta.events.register_first(
        "before-sign.s3", lambda request, **_: setattr(request, "url", "http://europe.s3.localhost:4810/?location")
    )
    assert client.get_bucket_location(Bucket="x")["LocationConstraint"] == "eu-west-1"


def test_xml_may_not_declare_entities(app: InProcess) -> None:
    client = app.client("s3")
    bomb = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>'
    client.meta.events.register_last("before-call.s3.DeleteObjects", lambda params, **_: _swap(params, bomb))
    code, status, words = refusal(client.delete_objects, Bucket="b", Delete={"Objects": [{"Key": "k"}]})
    assert (code, status) == ("MalformedXML", 400)
    assert "document type declarations are not allowed" in words


def _swap(params: Any, body: bytes) -> None:
    import base64
    import hashlib

    params["body"] = body
    headers = params["headers"]
    for name in [name for name in headers if name.lower().startswith("x-amz-checksum")]:
        del headers[name]
    headers["Content-MD5"] = base64.b64encode(hashlib.md5(body).digest()).decode()


def test_calls_from_inside_go_through_the_same_check(app: InProcess) -> None:
    assert app.call("sts", "GetCallerIdentity", {})["Account"] == "123456789012"
    code, _, words = refusal(app.client("sagemaker").list_models)
    assert code == "InvalidParameterException"
    assert "Member must have value less than or equal to 50" in words
    with pytest.raises(ServiceError) as error:
        app.call("sagemaker", "ListPipelines", {})
    assert error.value.http_status == 501


def test_a_streamed_answer_that_fails_midway_is_not_ended(app: InProcess) -> None:
    """The connection must break: a well-ended short body would be taken for the whole object."""
    service = Service("s3")

    @service.operation("GetObject")
    async def get_object(ctx: Context, req: Doc) -> Doc:
        async def body() -> AsyncIterator[bytes]:
            yield b"abc"
            raise OSError("the disk is gone")

        return {"Body": body(), "ContentLength": 6}

    caught: list[Any] = []
    client = app.client("s3")
    client.meta.events.register_first("before-send.s3.GetObject", lambda request, **_: caught.append(request))
    client.get_object(Bucket="b", Key="k")
    app.gateway.router._services["s3"].handlers["GetObject"] = service.handlers["GetObject"]
    app.gateway.router._calls.clear()
    with pytest.raises(OSError, match="the disk is gone"):
        app.run(drive(app.gateway, caught[0]))
