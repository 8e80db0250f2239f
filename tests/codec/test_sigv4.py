"""The verifier against botocore's own signers, and against everything that is not quite signed."""

import string
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.aws.credentials import HomeKeyRing, Keys, Principal
from clary.aws.refusals import refusal
from clary.aws.sigv4 import Refused, Verifier
from clary.kernel.clock import ManualClock, SystemClock

ACCOUNT = "123456789012"
ROOT = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
RING = HomeKeyRing(ROOT, ACCOUNT, b"m" * 32)
MANY = settings(max_examples=150, deadline=None, database=None)

Sent = tuple[str, bytes, bytes, list[tuple[bytes, bytes]]]


def sent(request: AWSRequest) -> Sent:
    """What of a signed request reaches a server: method, raw path, query string, headers."""
    url = urlsplit(request.url)
    query = url.query
    if request.params:
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in request.params.items()
        )
    headers = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in request.headers.items()]
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", url.netloc.encode()))
    return request.method or "", url.path.encode() or b"/", query.encode(), headers


def signed(
    service: str, request: AWSRequest, *, keys: Keys = ROOT, signer: Any = None, region: str = "us-east-1", **more: Any
) -> Sent:
    made = signer or (S3SigV4Auth if service == "s3" else SigV4Auth)
    made(Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token), service, region, **more).add_auth(
        request
    )
    return sent(request)


def refused(*given: Any, body: str | None = None) -> Refused:
    with pytest.raises(Refused) as error:
        Verifier(RING, SystemClock()).verify(*given, body)
    return error.value


def digest(body: bytes) -> str:
    from hashlib import sha256

    return sha256(body).hexdigest()


paths = st.lists(st.text(min_size=0, max_size=8), max_size=4).map(
    lambda parts: "/" + "/".join(quote(p, safe="~") for p in parts)
)
words = st.text(string.ascii_letters + string.digits + " -_.~+&=/é", max_size=8)
queries = st.lists(st.tuples(words, words), max_size=5)
header_values = st.text(string.ascii_letters + string.digits + "  ,;=/\"'", max_size=30)


@MANY
@given(
    service=st.sampled_from(["sagemaker", "s3", "sts"]),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    path=paths,
    query=queries,
    value=header_values,
    body=st.binary(max_size=50),
)
def test_whatever_botocore_signs_is_verified(
    service: str, method: str, path: str, query: list[tuple[str, str]], value: str, body: bytes
) -> None:
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(one, safe='-_.~')}" for name, one in query)
    url = f"http://127.0.0.1:4810{path}" + (f"?{text}" if text else "")
    request = AWSRequest(method, url, headers={"x-amz-meta-note": value, "X-Amz-Target": "a.b"}, data=body)
    found = Verifier(RING, SystemClock()).verify(*signed(service, request, region="eu-west-1"), digest(body))
    assert (found.principal.arn, found.region, found.service) == (f"arn:aws:iam::{ACCOUNT}:root", "eu-west-1", service)


@MANY
@given(path=paths, body=st.binary(max_size=20), token=st.booleans())
def test_presigned_urls_are_verified(path: str, body: bytes, token: bool) -> None:
    keys = RING.issue(Principal(ACCOUNT, "arn", "id", "assumed-role"), 5e9) if token else ROOT
    for service, signer in (("s3", S3SigV4QueryAuth), ("sts", SigV4QueryAuth)):
        request = AWSRequest("GET", f"http://127.0.0.1:4810{path}?x=1&marker", data=b"")
        given_ = signed(service, request, keys=keys, signer=signer, expires=60)
        found = Verifier(RING, SystemClock()).verify(*given_, digest(b""))
        assert found.principal.kind == ("assumed-role" if token else "root")
        method, raw, query, headers = given_
        assert refused(method, raw, query.replace(b"x=1", b"x=2"), headers, body=digest(b"")).kind == "mismatch"
        assert refused("PUT", raw, query, headers, body=digest(b"")).kind == "mismatch"


def post(body: bytes = b"{}", keys: Keys = ROOT, service: str = "sagemaker") -> Sent:
    request = AWSRequest("POST", "http://127.0.0.1:4810/", headers={"X-Amz-Target": "SageMaker.ListModels"}, data=body)
    return signed(service, request, keys=keys)


def test_a_changed_body_is_not_what_was_signed() -> None:
    assert refused(*post(b"{}"), body=digest(b'{"a":1}')).kind == "mismatch"


def test_a_changed_header_path_or_query_is_not_what_was_signed() -> None:
    method, path, query, headers = post()
    other = [(name, b"SageMaker.DeleteModel" if name == b"x-amz-target" else value) for name, value in headers]
    for changed in ((method, path, query, other), (method, b"/x", query, headers), (method, path, b"a=b", headers)):
        assert refused(*changed, body=digest(b"{}")).kind == "mismatch"


def test_an_added_amz_header_must_be_signed() -> None:
    method, path, query, headers = post()
    found = refused(method, path, query, [*headers, (b"x-amz-security-token", b"x")], body=digest(b"{}"))
    assert found.kind == "unsigned-header"


def test_a_wrong_secret_an_unknown_key_and_none_at_all() -> None:
    assert refused(*post(keys=Keys(ROOT.access_key_id, "wrong")), body=digest(b"{}")).kind == "mismatch"
    assert refused(*post(keys=Keys("AKIAUNKNOWN", "wrong")), body=digest(b"{}")).kind == "unknown-key"
    assert refused("POST", b"/", b"", [(b"host", b"x")]).kind == "missing"


def test_session_keys_hold_until_they_expire() -> None:
    keys = RING.issue(Principal(ACCOUNT, "arn", "id", "assumed-role"), SystemClock().now() + 60)
    given_ = post(keys=keys)
    assert Verifier(RING, SystemClock()).verify(*given_, digest(b"{}")).principal.kind == "assumed-role"
    late = ManualClock(SystemClock().now() + 120)
    with pytest.raises(Refused) as error:
        Verifier(RING, late).verify(*given_, digest(b"{}"))
    assert error.value.kind == "expired-token"
    forged = Keys(keys.access_key_id, keys.secret_access_key, "A" * 80)
    assert refused(*post(keys=forged), body=digest(b"{}")).kind == "bad-token"
    assert (
        refused(*post(keys=Keys(keys.access_key_id, keys.secret_access_key)), body=digest(b"{}")).kind == "unknown-key"
    )


@pytest.mark.parametrize(("offset", "words"), [(16 * 60, "Signature expired"), (-16 * 60, "Signature not yet current")])
def test_a_request_is_good_for_a_quarter_of_an_hour(offset: float, words: str) -> None:
    given_ = post()
    with pytest.raises(Refused) as error:
        Verifier(RING, ManualClock(SystemClock().now() + offset)).verify(*given_, digest(b"{}"))
    assert error.value.kind == "skewed"
    assert words in error.value.message
    assert refusal(error.value, "json").error_code == "SignatureDoesNotMatch"
    assert refusal(error.value, "s3").error_code == "RequestTimeTooSkewed"


def test_a_presigned_url_lapses() -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4810/b/k")
    given_ = signed("s3", request, signer=S3SigV4QueryAuth, expires=60)
    with pytest.raises(Refused) as error:
        Verifier(RING, ManualClock(SystemClock().now() + 61)).verify(*given_)
    assert refusal(error.value, "s3").error_code == "AccessDenied"


def test_a_body_that_is_still_to_come_needs_its_digest_in_a_header() -> None:
    request = AWSRequest("PUT", "http://127.0.0.1:4810/b/k", data=b"abc")
    given_ = signed("s3", request)
    assert Verifier(RING, SystemClock()).verify(*given_, None).payload == digest(b"abc")
    assert refused(*post(), body=None).kind == "malformed"


@given(st.text(max_size=60), st.text(string.digits + "TZ²", max_size=16))
@settings(deadline=None, database=None)
def test_no_authorization_header_breaks_the_verifier(text: str, date: str) -> None:
    for value in (
        text,
        f"AWS4-HMAC-SHA256 {text}",
        f"AWS4-HMAC-SHA256 Credential={ROOT.access_key_id}/{date[:8]}/r/s/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={text}",
    ):
        headers = [(b"host", b"x"), (b"authorization", value.encode()), (b"x-amz-date", date.encode())]
        assert refused("GET", b"/", b"", headers, body=digest(b"")).kind != "missing"
    refused("GET", b"/", b"X-Amz-Signature=" + quote(text).encode(), [(b"host", b"x")])


@pytest.mark.parametrize("kind", ["json", "query", "s3"])
def test_every_refusal_has_a_code_in_every_family(kind: Any) -> None:
    from typing import get_args

    from clary.aws.sigv4 import Kind

    for one in get_args(Kind):
        assert refusal(Refused(one, "words"), kind).http_status in (400, 403)
