"""A crawl of 10,000 small objects on a real server, beside a script that reads them all for their types."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from bench import report
from tests.crawlers_house import TRUST
from tests.real import RealClary, until

OBJECTS = 10_000
NOTES = [
    "20 rows an object, 10 objects a partition; from StartCrawler until the crawler is READY again",
    "script: eight threads of boto3 get the same objects from the same server, PyArrow reads each for its types",
    "budget: 20 s",
]


def main(smoke: bool) -> None:
    objects = 300 if smoke else OBJECTS
    with tempfile.TemporaryDirectory(prefix="clary-bench-") as home:
        server = RealClary(Path(home) / "home").up()
        try:
            seconds, partitions = crawled(server, objects)
            script = read(server, objects)
        finally:
            server.sweep()
    figures = {
        "objects": objects,
        "partitions": partitions,
        "seconds": round(seconds, 2),
        "script_seconds": round(script, 2),
    }
    report.keep("etl.crawl", figures, {"vs_script": round(seconds / script, 3)}, smoke=smoke, notes=NOTES)


def key_of(number: int) -> str:
    return f"sales/day={number // 10:05}/{number % 10}.csv"


def read(server: RealClary, objects: int) -> float:
    """Seconds until the types of all objects are known to a script."""
    import pyarrow.csv

    s3 = server.client("s3")

    def types(number: int) -> object:
        body = s3.get_object(Bucket="lake", Key=key_of(number))["Body"].read()
        return pyarrow.csv.read_csv(BytesIO(body)).schema

    begin = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert len({str(one) for one in pool.map(types, range(objects))}) == 1
    return time.monotonic() - begin


def crawled(server: RealClary, objects: int) -> tuple[float, int]:
    """(seconds from StartCrawler to READY, partitions found)."""
    s3, glue, iam = server.client("s3"), server.client("glue"), server.client("iam")
    s3.create_bucket(Bucket="lake")
    body = b"id,price,name\n" + b"".join(b"%d,%d.5,n%d\n" % (one, one, one) for one in range(20))

    def put(number: int) -> None:
        s3.put_object(Bucket="lake", Key=key_of(number), Body=body)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(objects)))
    role = iam.create_role(RoleName="crawler", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    for policy in ("AmazonS3FullAccess", "service-role/AWSGlueServiceRole"):
        iam.attach_role_policy(RoleName="crawler", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    targets = {"S3Targets": [{"Path": "s3://lake/sales/"}]}
    glue.create_crawler(Name="c", Role=role, DatabaseName="db", Targets=targets)
    begin = time.monotonic()
    glue.start_crawler(Name="c")
    until(lambda: glue.get_crawler(Name="c")["Crawler"]["State"] == "READY", 600)
    seconds = time.monotonic() - begin
    last = glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]
    assert last["Status"] == "SUCCEEDED", last
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="db", TableName="sales")
    return seconds, sum(len(page["Partitions"]) for page in pages)
