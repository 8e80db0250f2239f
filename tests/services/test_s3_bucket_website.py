"""Buckets as websites: settings through boto3, pages as a browser asks for them."""

import json
from typing import Any

import pytest

from tests.inprocess import InProcess
from tests.s3_house import refused

SITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
HOST = "data.s3-website.localhost:4810"
FILES = {"index.html": b"<h1>home</h1>", "docs/index.html": b"<h1>docs</h1>", "error.html": b"<h1>lost</h1>"}


def opened(s3: Any, *, listing: bool = True) -> None:
    """Everybody may read the bucket."""
    s3.delete_public_access_block(Bucket="data")
    allow = [("s3:GetObject", "arn:aws:s3:::data/*")] + ([("s3:ListBucket", "arn:aws:s3:::data")] if listing else [])
    statements = [{"Effect": "Allow", "Principal": "*", "Action": one, "Resource": arn} for one, arn in allow]
    s3.put_bucket_policy(Bucket="data", Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


@pytest.fixture
def s3(house: InProcess) -> Any:
    made = house.client("s3")
    made.create_bucket(Bucket="data")
    for key, body in FILES.items():
        made.put_object(Bucket="data", Key=key, Body=body, ContentType="text/html")
    made.put_bucket_website(Bucket="data", WebsiteConfiguration=SITE)
    return made


def get(house: InProcess, path: str, host: str = HOST, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    return house.request(method, path, {"Host": host})


def test_the_setting_from_its_start_to_its_end(s3: Any) -> None:
    found = s3.get_bucket_website(Bucket="data")
    assert {name: found[name] for name in SITE} == SITE
    s3.delete_bucket_website(Bucket="data")
    with refused("NoSuchWebsiteConfiguration", 404):
        s3.get_bucket_website(Bucket="data")
    every = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket="data", WebsiteConfiguration=every)
    assert s3.get_bucket_website(Bucket="data")["RedirectAllRequestsTo"] == every["RedirectAllRequestsTo"]


RULE = {"Redirect": {"ReplaceKeyWith": "x"}}


@pytest.mark.parametrize(
    ("site", "code"),
    [
        ({}, "InvalidArgument"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument"),
        ({**SITE, "RedirectAllRequestsTo": {"HostName": "a"}}, "InvalidArgument"),
        ({**SITE, "RoutingRules": [RULE] * 51}, "InvalidRequest"),
        ({**SITE, "RoutingRules": [{"Redirect": {"HttpRedirectCode": "200"}}]}, "InvalidRequest"),
        (
            {**SITE, "RoutingRules": [{**RULE, "Condition": {"HttpErrorCodeReturnedEquals": "200"}}]},
            "InvalidRequest",
        ),
        (
            {**SITE, "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "x", "ReplaceKeyPrefixWith": "y"}}]},
            "InvalidRequest",
        ),
    ],
)
def test_settings_that_s3_does_not_take(s3: Any, site: dict[str, Any], code: str) -> None:
    with refused(code, 400):
        s3.put_bucket_website(Bucket="data", WebsiteConfiguration=site)


def test_a_closed_site_shows_nobody_anything(house: InProcess, s3: Any) -> None:
    status, headers, body = get(house, "/")
    assert (status, headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert b"AccessDenied" in body
    assert b"home" not in body


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "data.s3-website-us-east-1.localhost:4810",
        "data.s3-website.eu-central-1.localhost",
        "data.s3-website-us-east-1.amazonaws.com",
        "data.s3-website.eu-central-1.amazonaws.com",
    ],
)
def test_index_documents_at_every_style_of_host(house: InProcess, s3: Any, host: str) -> None:
    opened(s3)
    for path, body in (("/", b"home"), ("/docs/", b"docs"), ("/docs/index.html", b"docs")):
        status, headers, found = get(house, path, host)
        assert (status, headers["content-type"], body in found) == (200, "text/html", True)
    status, headers, found = get(house, "/", host, "HEAD")
    assert (status, headers["content-length"], found) == (200, "13", b"")


def test_a_folder_gets_its_slash(house: InProcess, s3: Any) -> None:
    opened(s3)
    status, headers, _ = get(house, "/docs")
    assert (status, headers["location"]) == (302, "/docs/")


def test_the_error_document(house: InProcess, s3: Any) -> None:
    opened(s3)
    status, _, body = get(house, "/nowhere")
    assert (status, body) == (404, FILES["error.html"])
    s3.delete_object(Bucket="data", Key="error.html")
    status, _, body = get(house, "/nowhere")
    assert (status, b"Code: NoSuchKey" in body, b"Custom Error Document" in body) == (404, True, True)


def test_who_may_not_list_does_not_learn_what_is_missing(house: InProcess, s3: Any) -> None:
    opened(s3, listing=False)
    status, _, body = get(house, "/nowhere")
    assert (status, body) == (403, FILES["error.html"])


def test_redirects(house: InProcess, s3: Any) -> None:
    opened(s3)
    s3.put_object(Bucket="data", Key="old.html", Body=b"", WebsiteRedirectLocation="/docs/")
    status, headers, body = get(house, "/old.html")
    assert (status, headers["location"], body) == (301, "/docs/", b"")
    rules = [
        {"Condition": {"KeyPrefixEquals": "2023/"}, "Redirect": {"ReplaceKeyPrefixWith": "archive/2023/"}},
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "blog/"},
            "Redirect": {"HostName": "blog.example.com", "Protocol": "https", "HttpRedirectCode": "307"},
        },
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"ReplaceKeyWith": "index.html"}},
    ]
    s3.put_bucket_website(Bucket="data", WebsiteConfiguration={**SITE, "RoutingRules": rules})
    assert s3.get_bucket_website(Bucket="data")["RoutingRules"] == rules
    for path, status, where in (
        ("/2023/a%20b", 301, "/archive/2023/a%20b"),
        ("/blog/x", 307, "https://blog.example.com/blog/x"),
        ("/else", 301, "/index.html"),
    ):
        answered, headers, _ = get(house, path)
        assert (answered, headers["location"]) == (status, where)


def test_all_requests_are_sent_elsewhere(house: InProcess, s3: Any) -> None:
    every = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    s3.put_bucket_website(Bucket="data", WebsiteConfiguration=every)
    status, headers, _ = get(house, "/a/b?c=1")
    assert (status, headers["location"]) == (301, "https://example.com/a/b?c=1")


def test_what_a_website_is_not(house: InProcess, s3: Any) -> None:
    opened(s3)
    status, _, body = get(house, "/index.html", method="PUT")
    assert (status, b"MethodNotAllowed" in body) == (405, True)
    status, _, body = get(house, "/", "nowhere.s3-website.localhost")
    assert (status, b"Code: NoSuchBucket" in body) == (404, True)
    s3.delete_bucket_website(Bucket="data")
    status, _, body = get(house, "/")
    assert (status, b"Code: NoSuchWebsiteConfiguration" in body) == (404, True)


def test_pages_of_another_origin_may_read_what_the_rules_allow(house: InProcess, s3: Any) -> None:
    opened(s3)
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://a"]}
    s3.put_bucket_cors(Bucket="data", CORSConfiguration={"CORSRules": [rule]})
    _, headers, _ = house.request("GET", "/", {"Host": HOST, "Origin": "http://a"})
    assert headers["access-control-allow-origin"] == "http://a"


def test_a_key_with_markup_is_not_shown_as_markup(house: InProcess, s3: Any) -> None:
    opened(s3)
    s3.put_bucket_website(Bucket="data", WebsiteConfiguration={"IndexDocument": SITE["IndexDocument"]})
    _, _, body = get(house, "/%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script>" not in body
    assert b"&lt;script&gt;" in body
