"""Signing in: a one-time code or a proof of keys becomes a session, by boto3's own client or as a browser asks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from clary.aws import signin as codes
from clary.aws.credentials import HomeKeyRing, Keys
from clary.kernel.audit import AuditLog
from clary.kernel.clock import ManualClock
from clary.kernel.store import Where
from clary.services import signin
from tests.iam_house import document, iam_house, keys_of
from tests.inprocess import ACCOUNT, ROOT_KEYS, InProcess

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
CLIENT = "arn:aws:signin:::devtools/same-device"


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[InProcess]:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text('<meta name="clary-region" content="x"><meta name="clary-version" content="">')
    (built / "assets/a.js").write_text("1")
    (built / "assets/a.js.br").write_bytes(b"packed")
    (tmp_path / "secret.txt").write_text("not of the build")
    port = {signin.page.Console: signin.page.Console(built, "eu-west-1")}
    with iam_house(tmp_path, [signin.service], beside=port) as made:
        yield made


def code(wire: InProcess) -> str:
    return codes.code(wire.ring, ROOT_ARN, wire.clock.now())


def redeem(wire: InProcess, given: str) -> Any:
    return ask(wire, grantType="authorization_code", code=given)


def ask(wire: InProcess, **token: str) -> Any:
    client = wire.client("signin", signature_version=UNSIGNED)
    return client.create_o_auth2_token(tokenInput={"clientId": CLIENT, **token})["tokenOutput"]


def refused(wire: InProcess, **token: str) -> tuple[str, str]:
    """(the code of the error, its word) of a token that is not given."""
    with pytest.raises(ClientError) as error:
        ask(wire, **token)
    said = error.value.response
    return said["Error"]["Code"], said.get("error", "")


def keys_in(output: Any) -> Keys:
    said = output["accessToken"]
    return Keys(said["accessKeyId"], said["secretAccessKey"], said["sessionToken"])


def proof(wire: InProcess, keys: Keys = ROOT_KEYS, seconds: int = 60, method: str = "get_caller_identity") -> str:
    """The query string of a presigned request to STS."""
    return urlsplit(
        wire.client("sts", keys=keys).generate_presigned_url(method, ExpiresIn=seconds, HttpMethod="GET")
    ).query


def later(wire: InProcess, seconds: float) -> None:
    assert isinstance(wire.clock, ManualClock)
    wire.clock.advance(seconds)


EXPIRED = ("AccessDeniedException", "AUTHCODE_EXPIRED")
NO_KEYS = ("AccessDeniedException", "INSUFFICIENT_PERMISSIONS")


def test_a_code_signs_in_once(wire: InProcess) -> None:
    one = code(wire)
    output = redeem(wire, one)
    assert output["tokenType"] == "aws_sigv4" and output["expiresIn"] == 900
    assert wire.client("sts", keys=keys_in(output)).get_caller_identity()["Arn"] == ROOT_ARN
    assert refused(wire, grantType="authorization_code", code=one) == EXPIRED


def test_of_two_that_redeem_a_code_at_once_one_is_let_in(wire: InProcess) -> None:
    one = code(wire)

    def attempt(_: int) -> bool:
        try:
            redeem(wire, one)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


def test_a_code_lasts_ten_minutes(wire: InProcess) -> None:
    first, second = code(wire), code(wire)
    later(wire, 599)
    redeem(wire, first)
    later(wire, 2)
    assert refused(wire, grantType="authorization_code", code=second) == EXPIRED


def test_what_was_not_made_as_a_code_here_signs_nobody_in(wire: InProcess) -> None:
    elsewhere = codes.code(HomeKeyRing(ROOT_KEYS, ACCOUNT, b"other" * 8), ROOT_ARN, wire.clock.now())
    changed = code(wire)[:-6] + "AAAAA="
    other = wire.ring.warrant({"use": "email", "arn": ROOT_ARN, "id": "1", "until": "99999999999"})
    for given in (
        elsewhere,
        changed,
        other,
        "no base64 at all!",
        "ü",
        "AAAA",
        redeem(wire, code(wire))["refreshToken"],
    ):
        assert refused(wire, grantType="authorization_code", code=given) == EXPIRED, given


def test_a_session_may_all_that_its_owner_may_and_iam_too(wire: InProcess) -> None:
    session = keys_in(redeem(wire, code(wire)))
    wire.client("iam", keys=session).create_user(UserName="ann")
    token = wire.client("sts").get_session_token()["Credentials"]
    other = Keys(token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        wire.client("iam", keys=other).list_users()


def test_a_proof_of_keys_signs_in_as_whose_they_are(wire: InProcess) -> None:
    assert_root = wire.client("sts", keys=keys_in(redeem(wire, proof(wire)))).get_caller_identity()
    assert assert_root["Arn"] == ROOT_ARN
    iam = wire.client("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document("iam:ListUsers"))
    session = keys_in(redeem(wire, proof(wire, keys_of(wire, "ann"))))
    assert wire.client("sts", keys=session).get_caller_identity()["Arn"].endswith("user/ann")
    assert wire.client("iam", keys=session).list_users()["Users"]
    with pytest.raises(ClientError, match="AccessDenied"):
        wire.client("iam", keys=session).create_user(UserName="eve")


def test_a_proof_is_good_once_and_for_as_long_as_it_says(wire: InProcess) -> None:
    first, second = proof(wire), proof(wire)
    redeem(wire, first)
    assert refused(wire, grantType="authorization_code", code=first) == EXPIRED
    later(wire, 840 + 600)  # the clock began 14 minutes behind the one that botocore signs by
    assert refused(wire, grantType="authorization_code", code=second) == NO_KEYS


def test_only_a_presigned_get_caller_identity_of_long_lived_keys_is_a_proof(wire: InProcess) -> None:
    session = keys_in(redeem(wire, code(wire)))
    for given in (proof(wire, session), proof(wire, method="get_session_token"), proof(wire, seconds=3600)):
        assert refused(wire, grantType="authorization_code", code=given)[0] == "ValidationException"
    forged = proof(wire)[:-4] + "0000"
    unknown = proof(wire, Keys("AKIAXXXXXXXXXXXXXXXX", "secret"))
    other_service = wire.client("iam").generate_presigned_url("get_user", ExpiresIn=60, HttpMethod="GET")
    for given in (forged, unknown):
        assert refused(wire, grantType="authorization_code", code=given) == NO_KEYS
    assert refused(wire, grantType="authorization_code", code=urlsplit(other_service).query)[0] == "ValidationException"


def test_a_session_is_renewed_for_half_a_day(wire: InProcess) -> None:
    output = redeem(wire, code(wire))
    for _ in range(3):
        later(wire, 1000)
        with pytest.raises(ClientError, match="expired"):
            wire.client("sts", keys=keys_in(output)).get_caller_identity()
        output = ask(wire, grantType="refresh_token", refreshToken=output["refreshToken"])
    later(wire, 43_200 - 3000 - 10)
    assert ask(wire, grantType="refresh_token", refreshToken=output["refreshToken"])["expiresIn"] in (9, 10)
    later(wire, 10)
    assert refused(wire, grantType="refresh_token", refreshToken=output["refreshToken"])[1] == "TOKEN_EXPIRED"


def test_a_session_ends_with_the_key_that_it_began_with(wire: InProcess) -> None:
    iam = wire.client("iam")
    iam.create_user(UserName="ann")
    keys = keys_of(wire, "ann")
    output = redeem(wire, proof(wire, keys))
    ask(wire, grantType="refresh_token", refreshToken=output["refreshToken"])
    iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Inactive")
    assert refused(wire, grantType="refresh_token", refreshToken=output["refreshToken"]) == (
        "AccessDeniedException",
        "USER_CREDENTIALS_CHANGED",
    )


def test_a_link_for_a_user_is_worth_what_the_user_is(wire: InProcess) -> None:
    iam = wire.client("iam")
    user = iam.create_user(UserName="ann")["User"]
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document("iam:ListUsers"))

    def link() -> str:
        return codes.code(wire.ring, user["Arn"], wire.clock.now(), user["UserId"])

    session = keys_in(redeem(wire, link()))
    assert wire.client("iam", keys=session).list_users()["Users"]
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    iam.delete_user(UserName="ann")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document("iam:*"))
    for keys in (session, keys_in(redeem(wire, link()))):
        with pytest.raises(ClientError, match="AccessDenied"):
            wire.client("iam", keys=keys).list_users()


@pytest.mark.parametrize(
    "token",
    [
        {"grantType": "authorization_code"},
        {"grantType": "refresh_token"},
        {"grantType": "authorization_code", "code": ""},
    ],
)
def test_a_grant_without_its_code_is_refused_in_words(wire: InProcess, token: dict[str, str]) -> None:
    body = {"clientId": CLIENT, **token}
    status, _, said = wire.request("POST", "/v1/token", {"content-type": "application/json"}, orjson.dumps(body))
    assert status == 400 and b"ValidationException" in said


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"clientId": "me", "grantType": "password"}'])
def test_a_stranger_who_sends_nonsense_gets_no_more_than_a_refusal(wire: InProcess, body: bytes) -> None:
    status, _, _ = wire.request("POST", "/v1/token", {"content-type": "application/json"}, body)
    assert status in (400, 403)


def test_other_unsigned_requests_stay_what_they_were(wire: InProcess) -> None:
    for method, path in (("GET", "/v1/token"), ("POST", "/v1/tokens"), ("POST", "/v1/token/")):
        assert wire.request(method, path)[0] >= 400


def test_rows_of_used_codes_do_not_stay(wire: InProcess) -> None:
    redeem(wire, code(wire))
    later(wire, 700)
    wire.thread.call(signin.tidying.tidy, wire.raw_store, wire.clock)
    assert wire.store.page(signin.tokens.USED, Where(), limit=10) == []


def test_the_page_knows_where_it_is(wire: InProcess) -> None:
    for path in ("/console/", "/console/pipelines/cars/executions/abc", "/console/data/s3/lake"):
        status, headers, body = wire.request("GET", path)
        assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
        assert b'content="eu-west-1"' in body and headers["cache-control"] == "no-cache"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert wire.request("GET", "/console")[0] == 308


def test_files_of_the_build_are_kept_and_packed_for_who_can_read_it(wire: InProcess) -> None:
    status, headers, body = wire.request("GET", "/console/assets/a.js")
    assert (status, body) == (200, b"1") and "immutable" in headers["cache-control"]
    status, headers, body = wire.request("GET", "/console/assets/a.js", {"accept-encoding": "gzip, br"})
    assert (status, body, headers["content-encoding"]) == (200, b"packed", "br")
    assert wire.request("GET", "/console/assets/b.js")[0] == 404


@pytest.mark.parametrize(
    "path", ["../../secret.txt", "%2e%2e/secret.txt", "..%2f..%2fsecret.txt", "assets/../../secret.txt"]
)
def test_nothing_outside_of_the_build_is_served(wire: InProcess, path: str) -> None:
    assert b"not of the build" not in wire.request("GET", f"/console/{path}")[2]


def test_a_console_that_is_not_built_says_how(wire: InProcess, tmp_path: Path) -> None:
    (tmp_path / "built/index.html").unlink()
    status, _, body = wire.request("GET", "/console/")
    assert status == 503 and b"make console" in body


def test_the_audit_knows_who_signed_in_and_no_code(tmp_path: Path) -> None:
    heard: list[bytes] = []

    class Log:
        def append(self, line: bytes, *, now: bool = False) -> None:
            heard.append(line)

    with iam_house(tmp_path, [signin.service], beside={AuditLog: Log()}) as wire:
        one = code(wire)
        output = redeem(wire, one)
        refused(wire, grantType="authorization_code", code=one)
    good, bad = (orjson.loads(line)["E"] for line in heard if b"CreateOAuth2Token" in line)
    assert good["userIdentity"]["type"] == "Root" and good["eventName"] == "CreateOAuth2Token"
    assert bad["errorCode"] == "AccessDeniedException"
    for secret in (one, output["refreshToken"], *output["accessToken"].values()):
        if secret != output["accessToken"]["accessKeyId"]:
            assert all(secret.encode() not in line for line in heard)
