"""Crawlers and classifiers: what is refused, what fails and how it says so, and their life."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.kernel.store import Where
from clary.services.glue.crawlers.heralds import HERALDS
from clary.services.glue.crawlers.rows import CRAWL, CRAWLER, PAGE
from tests.crawlers_house import Lake, crawlers_house
from tests.inprocess import ACCOUNT, REGION

CSV = "id,price,name\n1,2.5,a\n2,3,b\n"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with crawlers_house(tmp_path) as made:
        yield made


def refused(code: str, call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    message: str = caught.value.response["Error"]["Message"]
    return message


def test_a_crawler_is_made_changed_shown_and_deleted(lake: Lake) -> None:
    glue = lake.glue
    lake.crawler("b", Tags={"team": "x"}, Description="all")
    lake.crawler("a")
    said = glue.get_crawler(Name="b")["Crawler"]
    assert said["State"] == "READY" and said["Version"] == 1 and said["Classifiers"] == []
    assert said["SchemaChangePolicy"]["DeleteBehavior"] == "DEPRECATE_IN_DATABASE"
    assert "LastCrawl" not in said and "Schedule" not in said and "Tags" not in said
    refused("AlreadyExistsException", lambda: lake.crawler("a"))
    glue.update_crawler(Name="b", TablePrefix="p_", Schedule="cron(0 12 * * ? *)")
    said = glue.get_crawler(Name="b")["Crawler"]
    assert (said["Version"], said["TablePrefix"], said["Description"]) == (2, "p_", "all")
    assert said["Schedule"] == {"ScheduleExpression": "cron(0 12 * * ? *)", "State": "SCHEDULED"}
    assert [one["Name"] for one in glue.get_crawlers()["Crawlers"]] == ["a", "b"]
    assert glue.list_crawlers(Tags={"team": "x"})["CrawlerNames"] == ["b"]
    got = glue.batch_get_crawlers(CrawlerNames=["a", "none"])
    assert ([one["Name"] for one in got["Crawlers"]], got["CrawlersNotFound"]) == (["a"], ["none"])
    arn = "arn:aws:glue:us-east-1:123456789012:crawler/b"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "x"}
    glue.delete_crawler(Name="a")
    for call in (glue.get_crawler, glue.delete_crawler, glue.start_crawler, glue.stop_crawler):
        assert "does not exist" in refused("EntityNotFoundException", call, Name="a")
    refused("EntityNotFoundException", glue.list_crawls, CrawlerName="a")


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"LakeFormationConfiguration": {"UseLakeFormationCredentials": True}}, "NotImplemented", "UseLakeFormation"),
        ({"Targets": {}}, "InvalidInputException", "no targets"),
        ({"Targets": {"S3Targets": [{"Path": "lake/data"}]}}, "InvalidInputException", "s3://bucket"),
        ({"target": {"SampleSize": 250}}, "InvalidInputException", "1 to 249"),
        ({"Schedule": "every day"}, "InvalidInputException", "schedule"),
        ({"Schedule": "rate(1 day)"}, "InvalidInputException", "cron"),
        ({"Configuration": "{"}, "InvalidInputException", "JSON"),
        ({"Configuration": "{}"}, "InvalidInputException", "Version"),
        ({"Classifiers": ["none"]}, "InvalidInputException", "Classifier with name none"),
        ({"Role": "nobody"}, "InvalidInputException", "TrustPolicy"),
    ],
)
def test_what_can_never_be_crawled_is_refused(lake: Lake, more: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ClientError) as caught:
        given = {"Name": "c", "Role": lake.role, "DatabaseName": "db"}
        target = {"Path": "s3://lake/data/", **more.pop("target", {})}
        lake.glue.create_crawler(**{**given, "Targets": {"S3Targets": [target]}, **more})
    assert caught.value.response["Error"]["Code"].startswith(code), caught.value
    assert words in str(caught.value)


@pytest.mark.parametrize("member", ["Jdbc", "MongoDB", "DynamoDB", "Delta", "Iceberg", "Hudi"])
def test_other_stores_are_refused_by_name(lake: Lake, member: str) -> None:
    lake.crawler()
    targets = {f"{member}Targets": [{}], "S3Targets": [{"Path": "s3://lake/data/"}]}
    made = {"Name": "d", "Role": lake.role, "DatabaseName": "db", "Targets": targets}
    assert f"{member}Targets" in refused("NotImplemented", lake.glue.create_crawler, **made)
    assert f"{member}Targets" in refused("NotImplemented", lake.glue.update_crawler, Name="c", Targets=targets)


def test_whose_lake_formation_it_is_says_nothing_while_it_is_not_used(lake: Lake) -> None:
    lake.crawler(LakeFormationConfiguration={"UseLakeFormationCredentials": False, "AccountId": ACCOUNT})
    assert lake.glue.get_crawler(Name="c")["Crawler"]["LakeFormationConfiguration"]["AccountId"] == ACCOUNT


def test_a_csv_classifier_may_take_one_column_and_name_its_serde(lake: Lake) -> None:
    lake.glue.create_classifier(
        CsvClassifier={"Name": "one", "AllowSingleColumn": True, "Serde": "OpenCSVSerDe", "ContainsHeader": "PRESENT"}
    )
    lake.put({"data/a/x.csv": "word\none\ntwo\n"})
    lake.crawler(Classifiers=["one"])
    table = lake.crawled()["a"]
    assert lake.columns("a") == {"word": "string"}
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("OpenCSVSerde")


def test_xml_classifiers_are_refused(lake: Lake) -> None:
    said = {"Name": "x", "Classification": "xml", "RowTag": "r"}
    for call in (lake.glue.create_classifier, lake.glue.update_classifier):
        assert "XMLClassifier" in refused("NotImplemented", call, XMLClassifier=said)


def test_starting_stopping_and_schedules(lake: Lake) -> None:
    glue, house = lake.glue, lake.house
    lake.put({"data/a.csv": CSV})
    lake.crawler()
    refused("CrawlerNotRunningException", glue.stop_crawler, Name="c")
    refused("NoScheduleException", glue.start_crawler_schedule, CrawlerName="c")
    refused("SchedulerNotRunningException", glue.stop_crawler_schedule, CrawlerName="c")
    glue.start_crawler(Name="c")
    assert glue.get_crawler(Name="c")["Crawler"]["State"] == "RUNNING"
    refused("CrawlerRunningException", glue.start_crawler, Name="c")
    refused("CrawlerRunningException", glue.delete_crawler, Name="c")
    refused("CrawlerRunningException", glue.update_crawler, Name="c", Description="x")
    glue.stop_crawler(Name="c")
    refused("CrawlerStoppingException", glue.stop_crawler, Name="c")
    house.settle()
    said = glue.get_crawler(Name="c")["Crawler"]
    assert (said["State"], said["LastCrawl"]["Status"]) == ("READY", "CANCELLED")
    glue.update_crawler_schedule(CrawlerName="c", Schedule="cron(0 12 * * ? *)")
    refused("SchedulerRunningException", glue.start_crawler_schedule, CrawlerName="c")
    house.settle()
    row = house.store.get(ACCOUNT, REGION, CRAWLER, "c")
    assert row.due is not None and row.status["_next"] > row.modified
    house.store.update(row, due=row.modified, _next=row.modified - 1)  # noon has passed
    house.settle()
    assert glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    assert len(glue.list_crawls(CrawlerName="c")["Crawls"]) == 2
    states = [{"FieldName": "STATE", "FilterOperator": "EQ", "FieldValue": "COMPLETED"}]
    assert len(glue.list_crawls(CrawlerName="c", Filters=states)["Crawls"]) == 1
    glue.stop_crawler_schedule(CrawlerName="c")
    house.settle()
    assert house.store.get(ACCOUNT, REGION, CRAWLER, "c").due is None
    assert len(glue.list_crawls(CrawlerName="c")["Crawls"]) == 2
    assert glue.get_crawler(Name="c")["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    assert house.store.count(PAGE, Where()) == 0
    glue.delete_crawler(Name="c")
    assert house.store.count(CRAWL, Where()) == 0


def test_a_crawl_that_fails_says_why(lake: Lake) -> None:
    lake.put({"data/a.csv": CSV})
    lake.crawler("nowhere", "s3://no-such-bucket/x/")
    said = lake.crawl("nowhere")["LastCrawl"]
    assert said["Status"] == "FAILED" and "s3://no-such-bucket/x/ does not exist" in said["ErrorMessage"]
    lake.role_of("narrow", "s3:ListBucket", "glue:*")
    lake.crawler("denied", Role="narrow")
    said = lake.crawl("denied")["LastCrawl"]
    assert said["Status"] == "FAILED"
    assert "may not read s3://lake/data/a.csv" in said["ErrorMessage"] and "s3:GetObject" in said["ErrorMessage"]
    lake.allow("narrow", "s3:*")
    said = lake.crawl("denied")["LastCrawl"]
    assert "glue:" in said["ErrorMessage"], said
    lake.crawler("c")
    lake.iam.delete_role_policy(RoleName="crawler", PolicyName="p")
    lake.iam.delete_role(RoleName="crawler")
    said = lake.crawl("c")["LastCrawl"]
    assert "Could not assume role" in said["ErrorMessage"]
    [crawl] = lake.glue.list_crawls(CrawlerName="c")["Crawls"]
    assert (crawl["State"], crawl["ErrorMessage"]) == ("FAILED", said["ErrorMessage"])
    assert any("ERROR : Could not assume" in line for line in lake.lines("c"))


def test_the_bus_hears_of_crawls(lake: Lake) -> None:
    lake.put({"data/a.csv": CSV})
    lake.crawler()
    lake.crawled()
    events = [one for one in lake.house.store.events(0, 10_000) if one.kind == CRAWL]
    told = [said for one in events for said in HERALDS[CRAWL](one)]
    assert [one["detail"]["state"] for one in told] == ["Started", "Succeeded"]
    assert {one["detail-type"] for one in told} == {"Glue Crawler State Change"}
    assert told[1]["detail"]["tablesCreated"] == "1" and told[1]["detail"]["crawlerName"] == "c"


def test_classifiers_say_what_formats_are(lake: Lake) -> None:
    glue = lake.glue
    glue.create_classifier(CsvClassifier={"Name": "caret", "Delimiter": "^", "ContainsHeader": "PRESENT"})
    glue.create_classifier(JsonClassifier={"Name": "rows", "JsonPath": "$.rows[*]"})
    glue.create_classifier(
        GrokClassifier={"Name": "log", "Classification": "mine", "GrokPattern": "%{INT:n:int} %{WORD:w}"}
    )
    lake.put(
        {"data/a/x.txt": "k^v\nx^y\n", "data/b/y.json": json.dumps({"rows": [{"q": 1}]}), "data/c/z.log": "1 a\n2 b\n"}
    )
    lake.crawler(Classifiers=["caret", "rows", "log"])
    tables = lake.crawled()
    assert lake.columns("a") == {"k": "string", "v": "string"}
    assert lake.columns("b") == {"q": "int"} and tables["b"]["Parameters"]["jsonPath"] == "$.rows[*]"
    assert lake.columns("c") == {"n": "int", "w": "string"} and tables["c"]["Parameters"]["classification"] == "mine"
    assert "GrokSerDe" in tables["c"]["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"]
    glue.update_classifier(CsvClassifier={"Name": "caret", "Serde": "OpenCSVSerDe"})
    said = glue.get_classifier(Name="caret")["Classifier"]["CsvClassifier"]
    assert (said["Version"], said["Delimiter"], said["Serde"]) == (2, "^", "OpenCSVSerDe")
    kinds = [next(iter(one)) for one in glue.get_classifiers()["Classifiers"]]
    assert kinds == ["CsvClassifier", "GrokClassifier", "JsonClassifier"]
    glue.delete_classifier(Name="log")
    refused("EntityNotFoundException", glue.get_classifier, Name="log")
    refused("InvalidInputException", glue.create_classifier, JsonClassifier={"Name": "x", "JsonPath": "rows"})
    bad = {"Name": "x", "Classification": "m", "GrokPattern": "%{NONE:x}"}
    assert "NONE is not known" in refused("InvalidInputException", glue.create_classifier, GrokClassifier=bad)
    refused("AlreadyExistsException", glue.create_classifier, JsonClassifier={"Name": "rows", "JsonPath": "$"})
