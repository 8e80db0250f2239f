"""Crawlers in process: real stores, catalog, S3 and policies; surveys that are made where they are asked."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from clary.aws.authorize import IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.schemas.base import Doc, Sample, Survey, Surveys
from clary.engines.schemas.look import survey
from clary.engines.telemetry.segments import SegmentLogs
from clary.kernel.reconcile import Controller
from clary.kernel.telemetry import LogStreamName
from clary.services import glue
from clary.services.glue.crawlers import Crawling
from tests.catalog_house import House, catalog_house
from tests.inprocess import ACCOUNT, REGION

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)


class HereSurveys:
    """The port, without a process."""

    def lacks(self) -> str | None:
        return None

    async def survey(self, samples: Sequence[Sample], classifiers: Sequence[Doc]) -> Survey:
        return survey(samples, classifiers)


class Lake:
    """A house with the bucket "lake", the role "crawler" and crawlers on them."""

    def __init__(self, house: House, path: Path, surveys: Surveys) -> None:
        self.house = house
        self.logs = house.thread.call(SegmentLogs, path / "logs", house.clock)
        self.glue, self.s3, self.iam = house.client("glue"), house.client("s3"), house.client("iam")
        crawling = Crawling(
            objects=house.objects,
            logs=self.logs,
            clock=house.clock,
            store=house.raw_store,
            inside=self._inside,
            identities=house.ports[IdentityPolicies],
            scratch=path / "scratch",
            surveys=surveys,
        )
        reconcilers = {**glue.catalog.reconcilers(house.raw_store), **glue.crawlers.reconcilers(crawling)}
        house.controller = house.thread.call(Controller, house.raw_store, house.clock, reconcilers, glue.MACHINES)
        self.s3.create_bucket(Bucket="lake")
        self.role = self.role_of("crawler", "s3:*", "glue:*")

    def _inside(self, principal: Principal, region: str) -> Context:
        return self.house.gateway.inside(principal, region)

    def role_of(self, name: str, *actions: str, on: str = "*") -> str:
        arn: str = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.allow(name, *actions, on=on)
        return arn

    def allow(self, role: str, *actions: str, on: str = "*") -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)

    def put(self, files: Mapping[str, bytes | str]) -> None:
        for key, body in files.items():
            self.s3.put_object(Bucket="lake", Key=key, Body=body)

    def crawler(self, name: str = "c", path: str = "s3://lake/data/", **more: Any) -> None:
        targets = more.pop("Targets", None) or {"S3Targets": [{"Path": path, **more.pop("target", {})}]}
        given = {"Name": name, "Role": self.role, "DatabaseName": "db", "Targets": targets, **more}
        self.glue.create_crawler(**given)

    def crawl(self, name: str = "c") -> Doc:
        """What GetCrawler says after a crawl."""
        self.glue.start_crawler(Name=name)
        self.house.settle()
        said: Doc = self.glue.get_crawler(Name=name)["Crawler"]
        assert said["State"] == "READY", said
        return said

    def crawled(self, name: str = "c") -> dict[str, Doc]:
        """The tables after a crawl that went well."""
        said = self.crawl(name)
        assert said["LastCrawl"]["Status"] == "SUCCEEDED", (said, self.lines(name))
        return self.tables()

    def tables(self, database: str = "db") -> dict[str, Doc]:
        return {one["Name"]: one for one in self.glue.get_tables(DatabaseName=database)["TableList"]}

    def columns(self, table: str) -> dict[str, str]:
        said = self.glue.get_table(DatabaseName="db", Name=table)["Table"]["StorageDescriptor"]["Columns"]
        return {one["Name"]: one["Type"] for one in said}

    def partitions(self, table: str) -> dict[tuple[str, ...], Doc]:
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName="db", TableName=table)
        return {tuple(one["Values"]): one for page in pages for one in page["Partitions"]}

    def metrics(self, name: str = "c") -> tuple[int, int, int]:
        """Tables that the last crawl created, updated and deleted."""
        [one] = self.glue.get_crawler_metrics(CrawlerNameList=[name])["CrawlerMetricsList"]
        return one["TablesCreated"], one["TablesUpdated"], one["TablesDeleted"]

    def summary(self, name: str = "c") -> dict[str, Any]:
        """Of the last crawl: {"TABLE": {"ADD": {...}}}."""
        newest = self.glue.list_crawls(CrawlerName=name)["Crawls"][0]
        return {what: json.loads(said) for what, said in json.loads(newest["Summary"]).items()}

    def lines(self, name: str = "c") -> list[str]:
        stream = LogStreamName(ACCOUNT, REGION, "/aws-glue/crawlers", name)
        return [event.message for event in self.house.thread.call(self.logs.last, stream, 1000)]


@contextlib.contextmanager
def crawlers_house(path: Path, surveys: Surveys | None = None, **given: Any) -> Iterator[Lake]:
    with catalog_house(path, **given) as house:
        lake = Lake(house, path, surveys or HereSurveys())
        try:
            yield lake
        finally:
            house.thread.call(lake.logs.close)
