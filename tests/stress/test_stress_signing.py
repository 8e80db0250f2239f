"""Requests are signed as botocore signs them, each differently, and anew before they are too old."""

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from clary.aws.credentials import HomeKeyRing
from clary.aws.sigv4 import Verifier
from clary.kernel.clock import ManualClock
from clary.stress.plan import SIGNATURES, Keys, Plan
from clary.stress.signing import GOOD_SECONDS, Pool
from tests.serving import ACCOUNT, KEYS

NOW = 1_700_000_000.0


def plan(**given: object) -> Plan:
    keys = Keys(KEYS.access_key_id, KEYS.secret_access_key)
    wanted = {"url": "http://127.0.0.1:4810", "endpoint": "e-1", "region": "us-east-1", "keys": keys, "rows": ("1,2",)}
    return Plan(**{**wanted, "requests": 10, **given})  # type: ignore[arg-type]


def read(wire: tuple[bytes, ...]) -> tuple[dict[str, str], bytes]:
    head, _, body = b"".join(wire).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /endpoints/e-1/invocations HTTP/1.1"
    return dict(line.split(": ", 1) for line in lines[1:]), body


@pytest.mark.parametrize("given", [{}, {"accept": "text/csv", "target_variant": "b", "rows": ("x" * 9000,)}])
def test_the_verifier_and_botocore_agree_with_the_signature(given: dict[str, object]) -> None:
    (one,) = plan(**given).split(1)
    headers, body = read(Pool(one, lambda: NOW).take()[0])
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    import hashlib

    signed = Verifier(HomeKeyRing(KEYS, ACCOUNT, b"m" * 32), ManualClock(NOW)).verify(
        "POST", b"/endpoints/e-1/invocations", b"", raw, hashlib.sha256(body).hexdigest()
    )
    assert signed.principal.account == ACCOUNT
    mine = headers.pop("authorization")
    theirs = AWSRequest("POST", "http://127.0.0.1:4810/endpoints/e-1/invocations", headers=headers, data=body)
    signer = SigV4Auth(Credentials(KEYS.access_key_id, KEYS.secret_access_key), "sagemaker", "us-east-1")
    names = signer.headers_to_sign(theirs)
    del names["content-length"]  # botocore signs before it knows the length
    assert signer.signed_headers(names) in mine


def test_a_pool_has_as_many_different_signatures_as_promised() -> None:
    parts = plan(requests=100_000, connections=8).split(3)
    pools = [Pool(part) for part in parts]
    assert sum(map(len, pools)) == SIGNATURES
    taken = [read(pool.take()[0])[0]["authorization"] for pool in pools for _ in range(500)]
    assert len(set(taken)) == len(taken)


def test_no_more_are_made_than_are_sent() -> None:
    assert len(Pool(plan(requests=7).split(1)[0])) == 7


def test_rows_are_taken_in_turn_over_all_processes() -> None:
    rows = tuple(str(number) for number in range(10))
    pools = [Pool(part) for part in plan(rows=rows, labels=rows, requests=10, connections=2).split(2)]
    taken = sorted(read(wire)[1] for pool in pools for wire, _ in (pool.take() for _ in range(5)))
    assert taken == sorted(row.encode() for row in rows)


def test_an_old_signature_is_made_anew_when_its_turn_comes() -> None:
    clock = ManualClock(NOW)
    pool = Pool(plan(requests=2).split(1)[0], clock.now)
    first = read(pool.take()[0])[0]["x-amz-date"]
    pool.take()
    clock.advance(GOOD_SECONDS + 1)
    assert read(pool.take()[0])[0]["x-amz-date"] > first
    assert pool.made == 3


def test_every_request_is_signed_anew_where_that_was_asked_for() -> None:
    pool = Pool(plan(requests=2, sign_each=True).split(1)[0], lambda: NOW)
    taken = {read(pool.take()[0])[0]["authorization"] for _ in range(10)}
    assert len(taken) == 10


def test_a_plan_survives_its_way_to_the_process() -> None:
    one = plan(labels=("1",), rate=5.0)
    assert Plan.from_json(one.to_json()) == one
    assert "secret" not in repr(one)


def test_processes_share_connections_and_requests_without_a_rest() -> None:
    parts = plan(connections=10, requests=101).split(4)
    assert sum(part.connections for part in parts) == 10
    assert sum(part.requests or 0 for part in parts) == 101
    assert len(plan(connections=2).split(8)) == 2
