"""What a hostile client may send to a real server: each is refused in bounded time, and the server serves on."""

import base64
import hashlib
import json
import re
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from clary.aws import model
from clary.aws.model import Operation
from clary.world import SERVICES
from tests.real import RealClary, files_below, until
from tests.security.raw import Signer, endless, request, talk

pytestmark = pytest.mark.server
MEGABYTE = 2**20
GROWTH_BYTES = 150 * MEGABYTE
"""More than this the control process must not have grown by, after everything here."""


@pytest.fixture(scope="module")
def root(server: RealClary) -> Signer:
    made = Signer(server)
    server.client("s3").create_bucket(Bucket="lake")
    return made


@pytest.fixture(autouse=True)
def serves_on(server: RealClary) -> Iterator[None]:
    """After each of these the server answers as before, with the processes it had."""
    before = _children(server)
    yield
    assert server.client("sts").get_caller_identity()["Account"]
    assert _children(server) == before


def _children(server: RealClary) -> set[int]:
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task")
    return {int(pid) for one in tasks.iterdir() for pid in (one / "children").read_text().split()}


def _resident(server: RealClary) -> int:
    found = [Path(f"/proc/{pid}/status").read_text() for pid in _children(server)]
    return sum(int(line.split()[1]) * 1024 for text in found for line in text.splitlines() if line.startswith("VmRSS"))


MALFORMED = {
    "nothing that is HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
    "zero bytes": b"\x00" * 1000 + b"\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "an odd version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n X-B: 2\r\n\r\n",
    "a control character in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length and chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\nhello",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length beyond all": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n",
    "a chunk of no size": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk beyond all": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n",
    "a space in the path": b"GET /a b/c HTTP/1.1\r\nHost: x\r\n\r\n",
    "a line without an end": b"GET /" + b"a" * 200_000,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("start", [b"", b"inference"], ids=["control", "front"])
def test_malformed_http(server: RealClary, root: Signer, data: bytes, start: bytes) -> None:
    if start:
        data = re.sub(rb"^(GET|POST) /[^ ]*", b"POST /endpoints/cars/invocations", data)
    said = talk(server.port, data, half_close=True)
    assert said.status == 0 or 400 <= said.status < 500 or said.status in (501, 505), said


@pytest.mark.parametrize("path", ["/", "/endpoints/cars/invocations"])
def test_heads_without_end(server: RealClary, path: str) -> None:
    start = f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode()
    assert talk(server.port, start, *endless(b"X-Padding: " + b"a" * 8000 + b"\r\n", 2000)).status in (0, 400, 431)
    assert talk(server.port, start + b"X-Long: ", *endless(b"a" * 65536, 300)).status in (0, 400, 431)


def test_bodies_beyond_their_bounds_are_refused_unread(server: RealClary, root: Signer) -> None:
    """The refusal comes although the body never does."""
    kind = {"X-Amz-Target": "SageMaker.CreateModel", "Content-Type": "application/x-amz-json-1.1"}
    assert talk(server.port, request("POST", "/", {**kind, "Content-Length": str(17 * MEGABYTE)})).status == 413
    inference = request("POST", "/endpoints/cars/invocations", {"Content-Length": str(26 * MEGABYTE)})
    assert talk(server.port, inference).status == 413
    chunked = request("POST", "/", {**kind, "Transfer-Encoding": "chunked"}).replace(b"Content-Length: 0\r\n", b"")
    piece = b"100000\r\n" + b" " * MEGABYTE + b"\r\n"
    assert talk(server.port, chunked, *endless(piece, 40)).status in (0, 413)


def test_silent_clients_keep_nobody_out(server: RealClary) -> None:
    """Five hundred connections that began a request and say no more; others are served meanwhile."""
    silent = []
    try:
        for number in range(500):
            one = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            one.sendall(
                b"POST /endpoints/cars/invocations HTTP/1.1\r\nHost" if number % 2 else b"PUT /lake/k HTTP/1.1\r\n"
            )
            silent.append(one)
        assert server.client("sts").get_caller_identity()["Account"]
    finally:
        for one in silent:
            one.close()


@pytest.mark.slow
@pytest.mark.parametrize("begun", [b"POST /endpoints/cars/invocations HTTP/1.1\r\nHost", b"G"])
def test_a_client_that_never_finishes_its_head_is_told_to_go(server: RealClary, begun: bytes) -> None:
    said = talk(server.port, begun, seconds=70.0)  # the control process looks every half minute
    assert said.status in (0, 408)


@pytest.mark.parametrize(
    "key",
    [
        "../../escaped",
        "a/../../../escaped",
        "..%2f..%2fescaped",
        "%2e%2e/%2e%2e/escaped",
        "a%00b",
        "%252e%252e%252fescaped",
        "....//escaped",
        "/etc/passwd",
        "..\\..\\escaped",
        "a/./b//c",
    ],
)
def test_keys_never_leave_their_bucket(server: RealClary, root: Signer, key: str) -> None:
    """Stored under exactly that name or refused; and nothing is written beside the bucket."""
    said = talk(server.port, root.signed("s3", "PUT", f"/lake/{key}", body=b"mine"))
    assert said.status in (200, 400), said
    name = urllib.parse.unquote(key)
    if said.status == 200:
        keys = [one["Key"] for one in server.client("s3").list_objects_v2(Bucket="lake")["Contents"]]
        assert name in keys
        assert talk(server.port, root.signed("s3", "GET", f"/lake/{key}")).body == b"mine"
    inside = server.home / "objects"
    found = [one for one in files_below(server.home.parent) if "escaped" in one.name]
    assert not [one for one in found if inside not in one.parents]
    assert not (server.home / "escaped").exists() and not (inside / "escaped").exists()


@pytest.mark.parametrize(
    "path",
    ["/../credentials.json", "/lake/../../credentials.json", "/%2e%2e/credentials.json", "/..%2fcredentials.json/x"],
)
def test_files_of_the_home_are_no_objects(server: RealClary, root: Signer, path: str) -> None:
    secret = json.loads((server.home / "credentials.json").read_text())["SecretAccessKey"]
    for data in (root.signed("s3", "GET", path), request("GET", path)):
        said = talk(server.port, data)
        assert said.status in (400, 403, 404, 405), said
        assert secret.encode() not in said.body


def test_no_header_is_smuggled_into_an_answer(server: RealClary, root: Signer) -> None:
    server.client("s3").put_object(Bucket="lake", Key="plain", Body=b"x")
    for name in ("response-content-disposition", "response-content-type", "response-cache-control"):
        path = root.presigned("s3", f"/lake/plain?{name}=a%0D%0AX-Smuggled%3A%20yes%0D%0A%0D%0A<script>")
        said = talk(server.port, request("GET", path))
        assert "x-smuggled" not in said.headers and said.status in (200, 400, 403), said
        assert b"<script>" not in said.body
    said = talk(server.port, request("GET", "/lake/%0D%0AX-Smuggled:%20yes"))
    assert "x-smuggled" not in said.headers


def _bomb() -> bytes:
    layers = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{layers}]><Delete><Quiet>&l9;</Quiet></Delete>'.encode()


XML = {
    "entities within entities": _bomb(),
    "one long entity many times": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100_000 + b'">]><Delete>' + b"&a;" * 9000,
    "a file of the server": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Delete><Quiet>&f;</Quiet></Delete>',
    "another server": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><Delete/>',
    "a thousand floors": b"<Delete>" + b"<Object>" * 100_000,
    "attributes": b"<Delete " + b" ".join(b'a%d="x"' % n for n in range(200_000)) + b"/>",
    "no end": b"<Delete><Object><Key>" + b"a" * 1_000_000,
    "not XML": b"\xff\xfe\x00\x01",
}


@pytest.mark.parametrize("body", XML.values(), ids=XML)
@pytest.mark.parametrize("query", ["delete", "tagging", "cors", "lifecycle"])
def test_xml_bombs(server: RealClary, root: Signer, body: bytes, query: str) -> None:
    method = "POST" if query == "delete" else "PUT"
    digest = base64.b64encode(hashlib.md5(body).digest()).decode()
    said = talk(server.port, root.signed("s3", method, f"/lake?{query}", {"Content-MD5": digest}, body))
    assert said.status == 400, said
    assert b"root:" not in said.body


JSON = {
    "a million floors": b"[" * 1_000_000,
    "floors that close": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a number of a million digits": b'{"MaxResults": ' + b"9" * 1_000_000 + b"}",
    "a number beyond 64 bits": b'{"MaxResults": 99999999999999999999}',
    "an exponent": b'{"MaxResults": 1e400}',
    "not a number": b'{"MaxResults": NaN}',
    "half a surrogate": b'{"NameContains": "\\ud800"}',
    "not UTF-8": b'{"NameContains": "\xff\xfe"}',
    "a million members": b"{" + b",".join(b'"k%d":0' % n for n in range(200_000)) + b',"MaxResults":0}',
    "a string without end": b'{"NameContains": "' + b"a" * 5_000_000,
    "a text": b'"SageMaker"',
}


@pytest.mark.parametrize("body", JSON.values(), ids=JSON)
def test_json_bombs(server: RealClary, root: Signer, body: bytes) -> None:
    said = talk(server.port, root.json("sagemaker", "ListModels", body))
    assert said.status == 400, said


def test_form_bombs(server: RealClary, root: Signer) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (
        b"Action=ListRoles&Version=2010-05-08&" + b"&".join(b"a%d=1" % n for n in range(100_000)),
        b"Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.1" + b".x" * 100_000 + b"=1",
        b"Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.999999999999.Key=1&Tags.member.1.Value=",
        b"Action=" + b"A" * 1_000_000,
    ):
        said = talk(server.port, root.signed("iam", "POST", "/", kind, body))
        assert 400 <= said.status < 500 or said.status == 501, said


def _shapes() -> Iterator[tuple[str, bytes]]:
    """Every operation that any served service has, in every protocol that its path can be told in, unsigned."""
    for service in SERVICES:
        one = model.load(service.name)
        for name in one:
            operation: Operation = one.operation(name)
            if "json" in one.protocols:
                kind = {"X-Amz-Target": f"{one.target_prefix}.{name}", "Content-Type": "application/x-amz-json-1.1"}
                yield f"{one.name} {name} json", request("POST", "/", kind, b"{}")
            if "query" in one.protocols:
                form = f"Action={name}&Version={one.metadata['apiVersion']}".encode()
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                yield f"{one.name} {name} query", request("POST", "/", kind, form)
            if any(protocol.startswith("rest") for protocol in one.protocols):
                path = re.sub(r"\{(\w+)\+?\}", "lake", operation.uri)
                yield f"{one.name} {name} rest", request(operation.method, path, {}, b"{}")


def test_every_operation_wants_a_signature(server: RealClary, root: Signer) -> None:
    """Of a private bucket, and of everything else, nobody in particular may do nothing."""
    wrong = []
    for what, data in _shapes():
        said = talk(server.port, data)
        if said.status not in (400, 401, 403, 404, 405, 501):
            wrong.append((what, said.status, said.body[:100]))
    assert not wrong
    assert [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]] == ["lake"]


@pytest.mark.parametrize(
    "change",
    [
        (b"Signature=", b"Signature=0"),
        (b"SignedHeaders=", b"SignedHeaders=x-none;"),
        (b"/us-east-1/", b"/eu-west-1/"),
        (b"/sagemaker/", b"/s3/"),
        (b"AWS4-HMAC-SHA256", b"AWS4-ECDSA-P256-SHA256"),
        (b"Credential=AK", b"Credential=AKX"),
        (b"X-Amz-Date: 2", b"X-Amz-Date: 1"),
        (b"ListModels", b"ListEndpoints"),
        (b"{}", b"[]"),
    ],
)
def test_a_signature_holds_for_what_was_signed(server: RealClary, root: Signer, change: tuple[bytes, bytes]) -> None:
    good = root.json("sagemaker", "ListModels", b"{}")
    assert talk(server.port, good).status == 200
    assert change[0] in good
    said = talk(server.port, good.replace(*change))
    assert said.status in (400, 403, 501), said


def test_memory_stays_bounded(server: RealClary, root: Signer) -> None:
    """All of the worst once more, several times; what the processes hold does not grow with it."""
    until(lambda: _resident(server) > 0)
    before = _resident(server)
    for _ in range(5):
        for body in (JSON["a million floors"], JSON["a string without end"], JSON["a million members"]):
            talk(server.port, root.json("sagemaker", "ListModels", body))
        for body in (XML["one long entity many times"], XML["attributes"]):
            talk(server.port, root.signed("s3", "PUT", "/lake?tagging", {}, body))
    assert _resident(server) - before < GROWTH_BYTES
