"""The pages of models at their doors: what they answer, to whom, and what their role may do."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary import app_roles
from tests.apps_house import DOCUMENT, AppsHouse, apps_house
from tests.inprocess import ACCOUNT, REGION
from tests.serving import Answer


@pytest.fixture
def house(tmp_path: Path) -> Iterator[AppsHouse]:
    with apps_house(tmp_path) as made:
        yield made


def answers(house: AppsHouse, status: int, body: bytes = b"", **headers: str) -> None:
    """The model server answers so from now on."""

    async def model(path: str, given: Mapping[str, str], asked: bytes) -> Answer:
        return status, {name.replace("_", "-"): value for name, value in headers.items()}, body

    house.model.model = model


def code(said: tuple[int, Mapping[str, str], Any]) -> tuple[int, str]:
    return said[0], said[2]["code"]


# Who may ask.


def test_a_public_page_answers_everybody(house: AppsHouse) -> None:
    house.page()
    status, headers, body = house.ask(b"vhigh,low", accept="text/csv")
    assert (status, body, headers["content-type"]) == (200, b"vhigh,low", "text/csv")
    path, sent, _ = house.model.seen[0]
    assert (path, sent["content-type"], sent["accept"]) == ("/invocations", "text/csv", "text/csv")


def test_a_token_opens_its_page(house: AppsHouse) -> None:
    house.page(access="token", token=app_roles.digest("open sesame"))
    assert code(house.ask()) == (401, "TokenNeeded")
    assert code(house.get("/apps/cars/app.json")) == (401, "TokenNeeded")
    assert code(house.ask(token="close sesame")) == (401, "TokenWrong")
    status, _, body = house.ask(token="open sesame")
    assert (status, body) == (200, b"1,2")
    assert house.get("/apps/cars/app.json", "open sesame")[2]["access"] == "token"
    assert house.model.seen[0][1].get("authorization") is None  # the model does not get it


def test_a_new_token_ends_the_old_one(house: AppsHouse) -> None:
    house.page(access="token", token=app_roles.digest("one"))
    house.tag("cars", token=app_roles.digest("two"))
    assert code(house.ask(token="one")) == (401, "TokenWrong")
    assert house.ask(token="two")[0] == 200


@pytest.mark.parametrize("tags", [{"access": "token"}, {"access": "anybody"}, {"access": "token", "token": "x"}])
def test_what_a_tag_does_not_say_opens_nothing(house: AppsHouse, tags: dict[str, str]) -> None:
    house.page(**tags)
    assert code(house.ask()) == (401, "TokenNeeded")
    assert code(house.ask(token="x")) == (401, "TokenWrong")


def test_a_page_that_is_deleted_is_gone_at_once(house: AppsHouse) -> None:
    house.page()
    assert house.ask()[0] == 200
    house.iam.delete_role_policy(RoleName="app-cars", PolicyName="invoke")
    assert code(house.ask()) == (403, "NotPermitted")
    house.iam.delete_role(RoleName="app-cars")
    assert code(house.ask()) == (404, "NoSuchPage")
    assert house.get("/apps/cars")[0] == 404


def test_a_role_that_trusts_nobody_else_is_no_page(house: AppsHouse) -> None:
    house.page()
    other = app_roles.trust().replace(app_roles.SERVICE, "lambda.amazonaws.com")
    house.iam.update_assume_role_policy(RoleName="app-cars", PolicyDocument=other)
    assert code(house.ask()) == (404, "NoSuchPage")


def test_a_role_of_another_path_is_no_page(house: AppsHouse) -> None:
    tags = [{"Key": "clary:endpoint", "Value": "cars"}, {"Key": "clary:region", "Value": REGION}]
    house.iam.create_role(RoleName="app-cars", AssumeRolePolicyDocument=app_roles.trust(), Tags=tags)
    assert code(house.ask()) == (404, "NoSuchPage")


def test_a_long_name_has_a_page_of_its_own(house: AppsHouse) -> None:
    long, other = "a" * 62 + "1", "a" * 62 + "2"
    house.endpoint(long, "InService")
    house.publish(long, house.model.address)
    house.page(long)
    assert house.ask(endpoint=long)[0] == 200
    assert code(house.ask(endpoint=other)) == (404, "NoSuchPage")


# What the role may do decides.


def test_a_page_of_another_endpoint_may_not_ask(house: AppsHouse) -> None:
    house.endpoint("planes", "InService")
    house.publish("planes", house.model.address)
    house.page(of="planes")
    status, _, said = house.ask()
    assert (status, said["code"]) == (403, "NotPermitted")
    assert ACCOUNT not in said["message"] and "role" not in said["message"]
    assert house.get("/apps/cars/app.json")[2]["status"] is None
    house.grant("cars", "cars")
    assert house.ask()[0] == 200


def test_a_page_that_is_half_made_says_so(house: AppsHouse) -> None:
    house.page(policy=False)
    assert house.get("/apps/cars")[0] == 200
    assert code(house.ask()) == (403, "NotPermitted")
    assert house.model.seen == []


def test_the_policy_may_ask_where_a_request_comes_from(house: AppsHouse) -> None:
    house.page()
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/cars"
    document = json.loads(app_roles.grant(arn, None))
    document["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    house.iam.put_role_policy(RoleName="app-cars", PolicyName="invoke", PolicyDocument=json.dumps(document))
    assert code(house.ask()) == (403, "NotPermitted")


def test_the_audit_and_the_role_know_of_it(house: AppsHouse) -> None:
    house.page()
    house.get("/apps/cars/app.json", user_agent="a browser")
    assert house.ask()[0] == 200
    heard = [one for one in house.audit.events if one["eventName"] == "DescribeEndpoint"]
    assert [one["userIdentity"]["arn"] for one in heard] == [f"arn:aws:sts::{ACCOUNT}:assumed-role/app-cars/page"]
    assert (heard[0]["sourceIPAddress"], heard[0]["userAgent"]) == ("127.0.0.1", "a browser")
    used = house.iam.get_role(RoleName="app-cars")["Role"]["RoleLastUsed"]
    assert used["Region"] == REGION and "LastUsedDate" in used


# What a page is about.


def test_what_a_page_is_about(house: AppsHouse) -> None:
    house.s3.create_bucket(Bucket="lake")
    house.s3.put_object(Bucket="lake", Key="apps/cars/page.json", Body=json.dumps(DOCUMENT).encode())
    house.page(document="s3://lake/apps/cars/page.json", rate="120")
    status, headers, said = house.get("/apps/cars/app.json")
    assert status == 200 and headers["cache-control"] == "no-store"
    assert said == {"endpoint": "cars", "status": "InService", "access": "public", "rate": 120, "document": DOCUMENT}


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"{", "no JSON"), (b"[1]", "no JSON object"), (b" " * 1024 * 1025, "longer than"), (None, "not there")],
)
def test_a_document_that_cannot_be_had_is_told(house: AppsHouse, body: bytes | None, problem: str) -> None:
    house.s3.create_bucket(Bucket="lake")
    if body is not None:
        house.s3.put_object(Bucket="lake", Key="page.json", Body=body)
    house.page(document="s3://lake/page.json")
    status, _, said = house.get("/apps/cars/app.json")
    assert (status, said["document"]) == (200, None) and problem in said["problem"]


def test_no_other_object_is_read(house: AppsHouse) -> None:
    house.s3.create_bucket(Bucket="lake")
    house.s3.put_object(Bucket="lake", Key="secret.json", Body=b"{}")
    house.page(document="s3://lake/page.json")
    house.tag("cars", document="s3://lake/secret.json")
    assert "may not read" in house.get("/apps/cars/app.json")[2]["problem"]


def test_the_page_and_its_source(house: AppsHouse) -> None:
    house.page()
    for path in ("/apps/cars", "/apps/cars/"):
        status, headers, body = house.get(path)
        assert status == 200 and b'content="cars"' in body
        assert "default-src 'none'" in headers["content-security-policy"]
    status, headers, body = house.get("/apps/cars/source")
    assert status == 200 and b'content="http://127.0.0.1:4810/apps/cars"' in body
    assert headers["content-disposition"] == 'attachment; filename="cars.html"'
    assert house.get("/apps/cars", method="HEAD")[::2] == (200, b"")
    assert house.get("/apps/cars/app.json", method="HEAD")[::2] == (200, b"")


def test_an_endpoint_without_a_page_says_so_in_words(house: AppsHouse) -> None:
    status, headers, body = house.get("/apps/<b>")
    assert status == 404 and headers["content-type"].startswith("text/html") and b"No such page" in body
    assert b"<b>" not in body
    assert house.get("/apps")[0] == house.get("/apps/")[0] == 404
    assert code(house.get("/apps/cars/app.json")) == (404, "NoSuchPage")
    house.page()
    assert code(house.get("/apps/cars/else")) == (404, "NoSuchPage")
    status, headers, said = house.get("/apps/cars/invocations")
    assert (status, said["code"], headers["allow"]) == (405, "MethodNotAllowed", "POST")


# What can go wrong with a request.


def test_what_the_model_says_of_a_request_is_told_shortened(house: AppsHouse) -> None:
    house.page()
    answers(house, 400, b"no such column: " + b"x" * 5000)
    status, headers, said = house.ask()
    assert (status, said["code"]) == (424, "ModelError") and "no such column" in said["message"]
    assert len(said["message"]) < 600 and ACCOUNT not in said["message"]
    assert headers["access-control-allow-origin"] == "*"
    answers(house, 415, b"text/csv please")
    assert code(house.ask()) == (415, "UnsupportedMediaType")
    answers(house, 500)
    assert "status 500" in house.ask()[2]["message"]


def test_a_body_must_say_what_it_is_and_be_short(house: AppsHouse) -> None:
    house.page()
    assert code(house.ask(content_type="")) == (415, "UnsupportedMediaType")
    assert code(house.ask(content_type="multipart/form-data; boundary=x")) == (415, "UnsupportedMediaType")
    assert house.ask(bytes(6 * 2**20))[0] == 200
    assert code(house.ask(bytes(6 * 2**20 + 1))) == (413, "TooLarge")
    assert code(house.ask(iter([bytes(2**20)] * 7))) == (413, "TooLarge")


@pytest.mark.parametrize(("phase", "words"), [("Creating", "being started"), ("Failed", "Failed")])
def test_an_endpoint_that_is_not_in_service(house: AppsHouse, phase: str, words: str) -> None:
    house.endpoint("planes", phase)
    house.page("planes")
    status, headers, said = house.ask(endpoint="planes")
    assert (status, said["code"]) == (503, "EndpointNotInService") and words in said["message"]
    assert int(headers["retry-after"]) >= 1
    assert house.get("/apps/planes/app.json")[2]["status"] == phase


def test_an_endpoint_that_was_deleted(house: AppsHouse) -> None:
    house.page("gone")
    status, headers, said = house.ask(endpoint="gone")
    assert (status, said["code"]) == (503, "EndpointNotInService") and "deleted" in said["message"]
    assert "retry-after" in headers and ACCOUNT not in said["message"]
    assert house.get("/apps/gone/app.json")[2]["status"] == "Missing"


def test_an_instance_that_cannot_be_reached(house: AppsHouse) -> None:
    house.page()
    house.publish("cars", "unix:/nowhere/at.all")
    status, headers, said = house.ask()
    assert (status, said["code"], headers["retry-after"]) == (503, "EndpointBusy", "1")


def test_too_many_requests_are_told_to_wait(house: AppsHouse) -> None:
    house.page(rate="30")
    assert {house.ask()[0] for _ in range(10)} == {200}
    status, headers, said = house.ask()
    assert (status, said["code"], headers["retry-after"]) == (429, "TooManyRequests", "2")
    assert "30 requests a minute" in said["message"]
    assert len(house.model.seen) == 10
    house.wire.clock.advance(2.1)  # type: ignore[attr-defined]
    assert house.ask()[0] == 200
    assert house.ask(x_forwarded_for="203.0.113.9")[0] == 429  # what anybody can write counts for nothing


def test_wrong_tokens_are_told_to_wait_much_sooner(house: AppsHouse) -> None:
    house.page(access="token", token=app_roles.digest("right"))
    assert [house.ask(token=str(number))[0] for number in range(6)] == [401] * 5 + [429]
    assert code(house.ask(token="right")) == (429, "TooManyTokens")
    house.wire.clock.advance(11)  # type: ignore[attr-defined]
    assert house.ask(token="right")[0] == 200


# Browsers, and buckets of the same name.


def test_pages_of_any_origin_may_ask(house: AppsHouse) -> None:
    house.page()
    asked = {"origin": "https://example.com", "access_control_request_method": "POST"}
    wanted = {"access_control_request_headers": "authorization,content-type"}
    status, headers, _ = house.get("/apps/cars/invocations", method="OPTIONS", **asked, **wanted)
    assert (status, headers["access-control-allow-origin"]) == (204, "*")
    assert "authorization" in headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in headers
    assert house.ask(origin="https://example.com")[1]["access-control-allow-origin"] == "*"
    assert house.get("/apps/cars/app.json", origin="null")[1]["access-control-allow-origin"] == "*"
    assert house.get("/apps/cars/source", origin="null")[1]["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in house.get("/apps/cars", origin="null")[1]
    signs = {"access_control_request_headers": "authorization,x-amz-date"}
    assert house.get("/apps/cars/invocations", method="OPTIONS", **asked, **signs)[0] == 403  # the bucket's own rules


def test_what_a_model_answers_is_never_run_by_a_browser(house: AppsHouse) -> None:
    house.page()
    answers(house, 200, b"<script>alert(1)</script>", content_type="text/html")
    headers = house.ask()[1]
    assert headers["content-security-policy"].startswith("sandbox;") and headers["x-content-type-options"] == "nosniff"


def test_a_bucket_may_be_called_apps(house: AppsHouse) -> None:
    house.page()
    house.s3.create_bucket(Bucket="apps")
    house.s3.put_object(Bucket="apps", Key="cars", Body=b"an object")
    assert house.s3.get_object(Bucket="apps", Key="cars")["Body"].read() == b"an object"
    url = house.s3.generate_presigned_url("get_object", {"Bucket": "apps", "Key": "cars"})
    assert house.wire.request("GET", url.partition("4810")[2])[2] == b"an object"
    assert b"<title>Model" in house.get("/apps/cars")[2]
    by_host = house.wire.request("GET", "/apps/cars", {"host": "apps.localhost:4810"})
    assert by_host[0] == 403 and b"AccessDenied" in by_host[2]


def test_nobody_signs_for_a_page(house: AppsHouse) -> None:
    """Keys of the owner open nothing here: the signed request is one to S3, and there is no such bucket."""
    house.page(access="token", token=app_roles.digest("t"))
    with pytest.raises(ClientError) as caught:
        house.s3.get_object(Bucket="apps", Key="cars/app.json")
    assert caught.value.response["Error"]["Code"] == "NoSuchBucket"
