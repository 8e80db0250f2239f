"""A crawl on a real server that is killed under it: surveys by processes, rights by a role."""

from pathlib import Path

import pytest

from tests.crawlers_house import TRUST
from tests.real import RealClary, until

pytestmark = pytest.mark.server


def test_a_crawl_goes_on_after_kill_9(tmp_path: Path) -> None:
    server = RealClary(tmp_path / "home").up()
    try:
        s3, glue, iam = server.client("s3"), server.client("glue"), server.client("iam")
        s3.create_bucket(Bucket="lake")
        for number in range(20):
            s3.put_object(Bucket="lake", Key=f"sales/day={number}/x.csv", Body=b"id,price\n1,2.5\n2,3\n")
        iam.create_role(RoleName="crawler", AssumeRolePolicyDocument=TRUST)
        for policy in ("AmazonS3FullAccess", "service-role/AWSGlueServiceRole"):
            iam.attach_role_policy(RoleName="crawler", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        targets = {"S3Targets": [{"Path": "s3://lake/sales"}]}
        glue.create_crawler(Name="c", Role="crawler", DatabaseName="db", Targets=targets)
        glue.start_crawler(Name="c")
        server.kill()
        server.up()
        until(lambda: glue.get_crawler(Name="c")["Crawler"]["State"] == "READY", 120, "the crawl ends")
        last = glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]
        assert last["Status"] == "SUCCEEDED", last
        assert len(glue.get_partitions(DatabaseName="db", TableName="sales")["Partitions"]) == 20
        [measures] = glue.get_crawler_metrics(CrawlerNameList=["c"])["CrawlerMetricsList"]
        assert (measures["TablesCreated"], measures["TablesUpdated"]) == (1, 0)
        lines = server.client("logs").get_log_events(logGroupName="/aws-glue/crawlers", logStreamName="c")["events"]
        assert "Created table sales in database db" in " ".join(one["message"] for one in lines)
    finally:
        server.sweep()
