"""Streamed bodies of S3: plain and aws-chunked, signed or not, with trailers or without, whole and changed."""

import base64
import hashlib
import hmac
import io
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from clary.aws.service import Context, Service
from clary.aws.sigv4 import EMPTY, derive
from tests.inprocess import ROOT_KEYS, URL, InProcess, serving

DATA = random.Random(7).randbytes(300_000)
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = SIGNED + "-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class Stored:
    """What a handler was given, and whether it would have committed it."""

    def __init__(self) -> None:
        self.committed: list[tuple[bytes, int | None, dict[str, str]]] = []

    def service(self) -> Service:
        s3 = Service("s3")

        @s3.operation("PutObject")
        async def put_object(ctx: Context, req: dict[str, Any]) -> dict[str, Any]:
            body = req["Body"]
            data = await body.read()
            assert body.done
            self.committed.append((data, body.length, body.checksums))
            return {"ETag": '"e"'}

        @s3.operation("CompleteMultipartUpload")
        async def complete(ctx: Context, req: dict[str, Any]) -> dict[str, Any]:
            self.committed.append((b"", None, {"CRC32": req["ChecksumCRC32"]}))
            return {"ETag": '"e"'}

        return s3


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def app(tmp_path: Path, stored: Stored) -> Iterator[InProcess]:
    with serving(tmp_path, [stored.service()]) as made:
        yield made


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def chunks(
    signed: AWSRequest | None, data: bytes, size: int, trailers: dict[str, str], *, trailer_signature: bool = False
) -> bytes:
    """`data` as aws-chunked; with `signed`, each chunk signed in the chain that its signature began."""
    out, date, scope, key, last = b"", "", "", b"", ""
    if signed is not None:
        date = signed.headers["X-Amz-Date"]
        scope = f"{date[:8]}/us-east-1/s3/aws4_request"
        key = derive(ROOT_KEYS.secret_access_key, date[:8], "us-east-1", "s3")
        last = signed.headers["Authorization"].rpartition("Signature=")[2]
    for at in range(0, len(data) + size, size):
        piece = data[at : at + size]
        extension = b""
        if signed is not None:
            text = f"AWS4-HMAC-SHA256-PAYLOAD\n{date}\n{scope}\n{last}\n{EMPTY}\n{hashlib.sha256(piece).hexdigest()}"
            last = hmac.digest(key, text.encode(), "sha256").hex()
            extension = b";chunk-signature=" + last.encode()
        out += b"%x%s\r\n" % (len(piece), extension)
        if not piece:
            break
        out += piece + b"\r\n"
    lines = "".join(f"{name}:{value}\n" for name, value in trailers.items())
    out += b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers.items())
    if trailer_signature:
        text = f"AWS4-HMAC-SHA256-TRAILER\n{date}\n{scope}\n{last}\n{hashlib.sha256(lines.encode()).hexdigest()}"
        out += b"x-amz-trailer-signature:" + hmac.digest(key, text.encode(), "sha256").hex().encode() + b"\r\n"
    return out + b"\r\n"


def put(
    app: InProcess,
    payload: str,
    *,
    data: bytes = DATA,
    size: int = 65_536,
    trailers: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    change: Any = None,
) -> tuple[int, bytes]:
    """A chunked PUT; `change` is done to the body after it was signed."""
    trailers = trailers or {}
    request = AWSRequest("PUT", f"{URL}/bucket/key", headers=headers or {})
    request.headers["x-amz-decoded-content-length"] = str(len(data))
    if trailers:
        request.headers["x-amz-trailer"] = ",".join(trailers)
    request.headers["X-Amz-Content-SHA256"] = payload

    class Signer(S3SigV4Auth):
        def payload(self, request: Any) -> str:
            return payload

        def _modify_request_before_signing(self, request: Any) -> None:
            super()._modify_request_before_signing(request)
            del request.headers["X-Amz-Content-SHA256"]
            request.headers["X-Amz-Content-SHA256"] = payload

    Signer(Credentials(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key), "s3", "us-east-1").add_auth(request)
    signed = None if payload == UNSIGNED_TRAILER else request
    body = chunks(signed, data, size, trailers, trailer_signature=payload == SIGNED_TRAILER)
    if change is not None:
        body = change(body)
    found = app.request("PUT", urlsplit(request.url).path, dict(request.headers.items()), io.BytesIO(body))
    return found[0], found[2]


@pytest.mark.parametrize("size", [8192, 65_536, 1_000_000])
def test_signed_chunks_come_out_whole(app: InProcess, stored: Stored, size: int) -> None:
    assert put(app, SIGNED, size=size)[0] == 200
    assert stored.committed == [(DATA, len(DATA), {})]


@pytest.mark.parametrize("payload", [SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_a_trailing_checksum_is_verified_and_told(app: InProcess, stored: Stored, payload: str) -> None:
    assert put(app, payload, trailers={"x-amz-checksum-crc32": crc32(DATA)}) == (200, b"")
    assert stored.committed == [(DATA, len(DATA), {"CRC32": crc32(DATA)})]


def test_nothing_at_all_is_a_body_too(app: InProcess, stored: Stored) -> None:
    assert put(app, SIGNED, data=b"")[0] == 200
    assert put(app, UNSIGNED_TRAILER, data=b"", trailers={"x-amz-checksum-crc32": crc32(b"")})[0] == 200
    app.client("s3").put_object(Bucket="bucket", Key="key")
    assert [one[0] for one in stored.committed] == [b"", b"", b""]


def flipped(body: bytes) -> bytes:
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


GOOD_TRAILER = {"x-amz-checksum-crc32": crc32(DATA)}


@pytest.mark.parametrize(
    ("payload", "trailers", "change", "code"),
    [
        (SIGNED, None, flipped, b"SignatureDoesNotMatch"),
        (SIGNED, None, lambda body: body[:-10], b"IncompleteBody"),
        (SIGNED, None, lambda body: body[: len(body) // 2], b"IncompleteBody"),
        (SIGNED, None, lambda body: body + b"more", b"InvalidRequest"),
        (SIGNED, None, lambda body: b"zz" + body, b"InvalidRequest"),
        (SIGNED, None, lambda body: b"f" * 9000, b"InvalidRequest"),
        (
            SIGNED_TRAILER,
            GOOD_TRAILER,
            lambda body: body.replace(crc32(DATA).encode(), b"AAAAAA=="),
            b"SignatureDoesNotMatch",
        ),
        (UNSIGNED_TRAILER, {"x-amz-checksum-crc32": "AAAAAA=="}, None, b"BadDigest"),
        (UNSIGNED_TRAILER, GOOD_TRAILER, flipped, b"BadDigest"),
        (
            UNSIGNED_TRAILER,
            GOOD_TRAILER,
            lambda body: body[: body.index(b"0\r\nx-amz")] + b"0\r\n\r\n",
            b"InvalidRequest",
        ),
        ("STREAMING-SOMETHING-ELSE", None, None, b"NotImplemented"),
    ],
)
def test_what_was_changed_on_the_way_is_never_committed(
    app: InProcess, stored: Stored, payload: str, trailers: Any, change: Any, code: bytes
) -> None:
    status, body = put(app, payload, trailers=trailers, change=change)
    assert status >= 400
    assert b"<Code>" + code + b"</Code>" in body
    assert stored.committed == []


def sabotaged(app: InProcess, body: bytes) -> Any:
    """A client whose signed requests get another body just before they leave."""
    client = app.client("s3")
    client.meta.events.register_first("before-send.*", lambda request, **_: setattr(request, "body", body))
    return client


def test_a_plain_body_is_held_against_its_signature(app: InProcess, stored: Stored) -> None:
    with pytest.raises(ClientError, match="XAmzContentSHA256Mismatch"):
        sabotaged(app, body=b"evil").put_object(Bucket="bucket", Key="key", Body=b"good")
    assert stored.committed == []


def test_a_body_shorter_than_announced_is_not_committed(app: InProcess, stored: Stored) -> None:
    with pytest.raises(ClientError, match="IncompleteBody"):
        sabotaged(app, body=b"goo").put_object(Bucket="bucket", Key="key", Body=b"good")
    assert stored.committed == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"ContentMD5": base64.b64encode(b"0" * 16).decode()}, "BadDigest"),
        ({"ContentMD5": "short"}, "InvalidDigest"),
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ({"ChecksumSHA256": base64.b64encode(b"0" * 32).decode()}, "BadDigest"),
        ({"ChecksumSHA1": base64.b64encode(b"0" * 20).decode()}, "BadDigest"),
    ],
)
def test_a_wrong_checksum_in_a_header_is_found(
    app: InProcess, stored: Stored, given: dict[str, str], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        app.client("s3").put_object(Bucket="bucket", Key="key", Body=b"good", **given)
    assert error.value.response["Error"]["Code"] == code
    assert stored.committed == []


def test_good_checksums_in_headers_are_told(app: InProcess, stored: Stored) -> None:
    sums = {
        "SHA1": base64.b64encode(hashlib.sha1(b"good").digest()).decode(),
        "SHA256": base64.b64encode(hashlib.sha256(b"good").digest()).decode(),
        "CRC32": crc32(b"good"),
    }
    for name, value in sums.items():
        app.client("s3").put_object(Bucket="bucket", Key="key", Body=b"good", **{f"Checksum{name}": value})
    assert [one[2] for one in stored.committed] == [{name: value} for name, value in sums.items()]


def test_a_checksum_that_cannot_be_made_here_is_named(app: InProcess) -> None:
    client = app.client("s3")
    client.meta.events.register(
        "before-sign.s3.PutObject", lambda request, **_: request.headers.add_header("x-amz-checksum-crc99", "AAAA")
    )
    with pytest.raises(ClientError) as error:
        client.put_object(Bucket="bucket", Key="key", Body=b"good")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "CRC99" in error.value.response["Error"]["Message"]


def test_the_checksum_of_a_whole_upload_is_not_that_of_the_request(app: InProcess, stored: Stored) -> None:
    app.client("s3").complete_multipart_upload(
        Bucket="bucket", Key="key", UploadId="u", ChecksumCRC32="AAAAAA==", MultipartUpload={"Parts": []}
    )
    assert stored.committed == [(b"", None, {"CRC32": "AAAAAA=="})]


def test_what_boto3_sends_over_https_is_understood(app: InProcess, stored: Stored) -> None:
    session = boto3.Session(ROOT_KEYS.access_key_id, ROOT_KEYS.secret_access_key, region_name="us-east-1")
    client = session.client("s3", endpoint_url="https://127.0.0.1:4810")
    sent: list[str] = []

    def send(request: AWSPreparedRequest, **_: Any) -> Any:
        sent.append(request.headers["X-Amz-Content-SHA256"].decode())
        return app._send(request)

    client.meta.events.register("before-send.s3", send)
    client.put_object(Bucket="bucket", Key="key", Body=io.BytesIO(DATA))
    assert sent == [UNSIGNED_TRAILER]
    assert stored.committed == [(DATA, len(DATA), {"CRC32": crc32(DATA)})]
