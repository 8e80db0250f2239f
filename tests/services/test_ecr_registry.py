"""The registry's own protocol, request by request."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clary.aws.credentials import Keys
from clary.services.ecr import tokens
from tests.ecr_house import INDEX, MANIFEST, Answer, House, Pusher, basic, digest_of, ecr_house, layer, manifest
from tests.inprocess import ACCOUNT, REGION, make_role

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ecr_house(tmp_path) as made:
        yield made


@pytest.fixture
def ecr(house: House) -> Any:
    client = house.client("ecr")
    for name in ("mine", "team/other"):
        client.create_repository(repositoryName=name)
    return client


@pytest.fixture
def push(house: House, ecr: Any) -> Pusher:
    return Pusher(house, ecr)


def code_in(answer: Answer) -> str:
    return str(json.loads(answer[2])["errors"][0]["code"])


def begun(push: Pusher, name: str = "mine") -> str:
    status, headers, _ = push("POST", f"{name}/blobs/uploads/")
    assert status == 202 and headers["range"] == "0-0"
    return headers["location"].removeprefix("/v2/")


def test_who_does_not_log_in_is_told_how(house: House, push: Pusher) -> None:
    status, headers, body = house.request("GET", "/v2/")
    assert status == 401 and headers["www-authenticate"].startswith('Basic realm="http://127.0.0.1:4810/"')
    assert "docker login" in json.loads(body)["errors"][0]["message"]
    status, headers, _ = push("GET", "")
    assert (status, headers["docker-distribution-api-version"]) == (200, "registry/2.0")


@pytest.mark.parametrize("password", ["", "nonsense", "WzFd", "WyJhIiwiYiIsImMiXQ=="])
def test_a_wrong_password_lets_nobody_in(house: House, ecr: Any, password: str) -> None:
    assert house.request("GET", "/v2/", basic("AWS", password))[0] == 401


def test_the_name_of_a_session_is_no_password(house: House, ecr: Any) -> None:
    import base64

    keys = house.ring.issue(house.context().principal, house.clock.now() + 100)
    said = json.dumps([keys.access_key_id, "not the secret", keys.session_token]).encode()
    assert house.request("GET", "/v2/", basic("AWS", base64.urlsafe_b64encode(said).decode()))[0] == 401
    right = json.dumps([keys.access_key_id, keys.secret_access_key, keys.session_token]).encode()
    header = basic("AWS", base64.urlsafe_b64encode(right).decode())
    assert house.request("GET", "/v2/", header)[0] == 200
    late = tokens.caller(house.ring, header["Authorization"], house.clock.now() + 200)
    assert late is None


def test_an_image_is_pushed_in_one_piece_a_layer_and_pulled(push: Pusher) -> None:
    data = layer("f", b"data" * 1000)
    digest = push.image("mine", "1", data)
    for method in ("GET", "HEAD"):
        status, headers, body = push(method, "mine/manifests/1")
        assert (status, headers["content-type"], headers["docker-content-digest"]) == (200, MANIFEST, digest)
        assert int(headers["content-length"]) > 0 and (digest_of(body) == digest if method == "GET" else body == b"")
    assert push("GET", f"mine/manifests/{digest}")[0] == 200
    assert push("GET", f"mine/blobs/{digest_of(data)}")[2] == data
    head = push("HEAD", f"mine/blobs/{digest_of(data)}")
    assert (head[0], head[1]["content-length"], head[2]) == (200, str(len(data)), b"")


def test_a_layer_is_pushed_in_chunks_and_the_last_with_its_end(push: Pusher) -> None:
    data, place = b"0123456789" * 100, begun(push)
    for start, end in ((0, 400), (400, 900)):
        status, headers, _ = push("PATCH", place, data[start:end], {"Content-Range": f"{start}-{end - 1}"})
        assert (status, headers["range"]) == (202, f"0-{end - 1}")
    assert push("PATCH", place, b"x", {"Content-Range": "5-5"})[0] == 416
    status, headers, _ = push("GET", place)
    assert (status, headers["range"]) == (204, "0-899")
    assert push("PUT", f"{place}?digest={digest_of(data)}", data[900:])[0] == 201
    assert push("GET", f"mine/blobs/{digest_of(data)}")[2] == data
    assert push("GET", place)[0] == 404


def test_a_layer_is_pushed_in_one_request(push: Pusher) -> None:
    status, headers, _ = push("POST", f"mine/blobs/uploads/?digest={digest_of(b'all')}", b"all")
    assert status == 201 and headers["location"] == f"/v2/mine/blobs/{digest_of(b'all')}"
    empty = hashlib.sha256().hexdigest()
    assert push("POST", f"mine/blobs/uploads/?digest=sha256:{empty}")[0] == 201
    assert push("GET", f"mine/blobs/sha256:{empty}")[:1] == (200,)


def test_a_layer_with_another_digest_is_refused_and_the_upload_goes_on(push: Pusher) -> None:
    place = begun(push)
    assert push("PATCH", place, b"data")[0] == 202
    wrong = push("PUT", f"{place}?digest={digest_of(b'other')}")
    assert (wrong[0], code_in(wrong)) == (400, "DIGEST_INVALID")
    assert code_in(push("PUT", f"{place}?digest=md5:abc")) == "DIGEST_INVALID"
    assert code_in(push("PUT", place)) == "DIGEST_INVALID"
    assert push("PUT", f"{place}?digest={digest_of(b'data')}")[0] == 201


def test_an_upload_is_cancelled(push: Pusher) -> None:
    place = begun(push)
    assert push("DELETE", place)[0] == 204
    assert code_in(push("PATCH", place, b"x")) == "BLOB_UPLOAD_UNKNOWN"


def test_a_layer_is_mounted_from_another_repository(push: Pusher) -> None:
    digest = push.layer("mine", b"shared")
    assert push("HEAD", f"team/other/blobs/{digest}")[0] == 404
    assert push("POST", f"team/other/blobs/uploads/?mount={digest}&from=mine")[0] == 201
    assert push("GET", f"team/other/blobs/{digest}")[2] == b"shared"
    # What is not there is uploaded instead.
    assert push("POST", f"team/other/blobs/uploads/?mount={digest_of(b'no')}&from=mine")[0] == 202
    assert push("POST", f"team/other/blobs/uploads/?mount={digest}&from=none")[0] == 202


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("words=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range_of_a_layer_is_read(push: Pusher, asked: str, status: int, body: bytes, said: str | None) -> None:
    digest = push.layer("mine", b"0123456789")
    answer = push("GET", f"mine/blobs/{digest}", headers={"Range": asked})
    assert (answer[0], answer[2], answer[1].get("content-range")) == (status, body, said)


def test_a_range_beyond_the_end_is_refused(push: Pusher) -> None:
    digest = push.layer("mine", b"0123456789")
    assert push("GET", f"mine/blobs/{digest}", headers={"Range": "bytes=10-"})[0] == 416


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"layers": [{"mediaType": "x", "digest": "sha256:" + "0" * 64, "size": 1}]}, 404, "MANIFEST_BLOB_UNKNOWN"),
        ({"layers": [{"mediaType": "x", "digest": "md5:0", "size": 1}]}, 400, "MANIFEST_INVALID"),
        ({"layers": "none"}, 400, "MANIFEST_INVALID"),
        ({"schemaVersion": 1}, 400, "MANIFEST_INVALID"),
        ({"mediaType": "text/plain"}, 400, "MANIFEST_INVALID"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(push: Pusher, change: dict[str, Any], status: int, code: str) -> None:
    push.layer("mine", b"{}")
    answer = push("PUT", "mine/manifests/1", manifest(b"{}", **change), {"Content-Type": MANIFEST})
    assert (answer[0], code_in(answer)) == (status, code)
    assert push("GET", "mine/manifests/1")[0] == 404


def test_a_manifest_under_another_digest_or_a_strange_tag_is_refused(push: Pusher) -> None:
    push.layer("mine", b"{}")
    other = push("PUT", f"mine/manifests/sha256:{'0' * 64}", manifest(b"{}"), {"Content-Type": MANIFEST})
    assert (other[0], code_in(other)) == (400, "DIGEST_INVALID")
    assert push("PUT", "mine/manifests/-x", manifest(b"{}"), {"Content-Type": MANIFEST})[0] == 400
    huge = manifest(b"{}", annotations={"a": "x" * 5_000_000})
    assert push("PUT", "mine/manifests/1", huge, {"Content-Type": MANIFEST})[0] == 413


def test_an_index_needs_its_images_and_keeps_them(push: Pusher) -> None:
    digest = push.image("mine", "1", layer("f", b"x"))
    one = {"mediaType": MANIFEST, "digest": digest, "size": 1}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one]}).encode()
    assert push("PUT", "mine/manifests/all", index, {"Content-Type": INDEX})[0] == 201
    assert push("DELETE", f"mine/manifests/{digest}")[0] == 409
    lacking = json.dumps({"schemaVersion": 2, "manifests": [{**one, "digest": "sha256:" + "0" * 64}]}).encode()
    assert code_in(push("PUT", "mine/manifests/none", lacking, {"Content-Type": INDEX})) == "MANIFEST_UNKNOWN"
    assert push("DELETE", "mine/manifests/all")[0] == 202
    assert push("DELETE", f"mine/manifests/{digest}")[0] == 202


def test_tags_are_listed_in_pages(push: Pusher) -> None:
    for tag in ("c", "a", "b"):
        push.image("mine", tag, layer("f", tag.encode()))
    assert json.loads(push("GET", "mine/tags/list")[2]) == {"name": "mine", "tags": ["a", "b", "c"]}
    status, headers, body = push("GET", "mine/tags/list?n=2")
    assert status == 200 and json.loads(body)["tags"] == ["a", "b"]
    following = headers["link"].partition(">")[0].removeprefix("</v2/")
    assert json.loads(push("GET", following)[2])["tags"] == ["c"]
    assert push("GET", "mine/tags/list?n=x")[0] == 400


def test_what_refers_to_an_image_is_found(push: Pusher) -> None:
    digest = push.image("mine", "1", layer("f", b"x"))
    subject = {"mediaType": MANIFEST, "digest": digest, "size": 1}
    push.layer("mine", b"{}")
    said = manifest(b"{}", subject=subject, artifactType="application/sbom", annotations={"by": "me"})
    answer = push("PUT", f"mine/manifests/{digest_of(said)}", said, {"Content-Type": MANIFEST})
    assert answer[0] == 201 and answer[1]["oci-subject"] == digest
    found = json.loads(push("GET", f"mine/referrers/{digest}")[2])["manifests"]
    assert [(one["digest"], one["artifactType"], one["annotations"]) for one in found] == [
        (digest_of(said), "application/sbom", {"by": "me"})
    ]
    none = push("GET", f"mine/referrers/{digest}?artifactType=other")
    assert json.loads(none[2])["manifests"] == [] and none[1]["oci-filters-applied"] == "artifactType"


def test_a_layer_that_no_image_needs_is_deleted(push: Pusher) -> None:
    data = layer("f", b"x")
    push.image("mine", "1", data)
    free = push.layer("mine", b"free")
    assert push("DELETE", f"mine/blobs/{digest_of(data)}")[0] == 409
    assert push("DELETE", f"mine/blobs/{free}")[0] == 202
    assert push("DELETE", f"mine/blobs/{free}")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "none/manifests/1", 404, "NAME_UNKNOWN"),
        ("POST", "none/blobs/uploads/", 404, "NAME_UNKNOWN"),
        ("GET", "Upper/manifests/1", 400, "NAME_INVALID"),
        ("GET", "mine/../mine/manifests/1", 400, "NAME_INVALID"),
        ("GET", "mine/blobs/sha256:x", 404, "BLOB_UNKNOWN"),
        ("GET", "_catalog", 404, "UNSUPPORTED"),
        ("POST", "mine/manifests/1", 405, "UNSUPPORTED"),
        ("GET", f"000000000000.dkr.ecr.{REGION}.amazonaws.com/mine/manifests/1", 404, "NAME_UNKNOWN"),
        ("GET", f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/mine/manifests/1", 404, "NAME_UNKNOWN"),
    ],
)
def test_what_is_not_there_is_told_in_the_protocols_words(
    push: Pusher, method: str, path: str, status: int, code: str
) -> None:
    answer = push(method, path)
    assert (answer[0], code_in(answer)) == (status, code)


def test_the_registry_is_named_by_its_host_or_by_the_first_part_of_the_name(push: Pusher) -> None:
    push.image("mine", "1", layer("f", b"x"))
    assert push("GET", "mine/manifests/1", headers={"Host": HOST})[0] == 200
    assert push("GET", f"{HOST}/mine/manifests/1")[0] == 200
    assert push("GET", "mine/manifests/1", headers={"Host": HOST.replace(REGION, "eu-west-1")})[0] == 404


def test_who_may_only_pull_cannot_push(house: House, ecr: Any, push: Pusher) -> None:
    push.image("mine", "1", layer("f", b"x"))
    role = make_role(house, "puller", ("AmazonEC2ContainerRegistryReadOnly",))
    given = house.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    pull = Pusher(house, house.client("ecr", keys=keys))
    assert pull("GET", "mine/manifests/1")[0] == 200
    answer = pull("POST", "mine/blobs/uploads/")
    assert (answer[0], code_in(answer)) == (403, "DENIED")
    assert "ecr:InitiateLayerUpload" in json.loads(answer[2])["errors"][0]["message"]


def test_the_download_url_of_a_layer_needs_no_login_and_opens_no_other(house: House, ecr: Any, push: Pusher) -> None:
    one, two = push.layer("mine", b"one"), push.layer("mine", b"two")
    url = urlsplit(ecr.get_download_url_for_layer(repositoryName="mine", layerDigest=one)["downloadUrl"])
    assert house.request("GET", f"{url.path}?{url.query}")[2] == b"one"
    assert house.request("GET", f"{url.path.replace(one, two)}?{url.query}")[0] == 401
    assert house.request("DELETE", f"{url.path}?{url.query}")[0] == 401
    assert house.request("GET", f"{url.path}?warrant=nonsense")[0] == 401


def test_an_upload_goes_on_after_a_restart(tmp_path: Path) -> None:
    with ecr_house(tmp_path) as house:
        ecr = house.client("ecr")
        ecr.create_repository(repositoryName="mine")
        push = Pusher(house, ecr)
        place = begun(push)
        assert push("PATCH", place, b"first ")[0] == 202
    with ecr_house(tmp_path) as house:
        push = Pusher(house, house.client("ecr"))
        assert push("GET", place)[1]["range"] == "0-5"
        assert push("PATCH", place, b"second")[0] == 202
        digest = digest_of(b"first second")
        assert push("PUT", f"{place}?digest={digest}")[0] == 201
        assert push("GET", f"mine/blobs/{digest}")[2] == b"first second"
