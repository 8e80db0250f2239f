"""Crawling 10,000 small objects on a real server: budget 20 s on two cores.

python bench/etl/crawl.py [OBJECTS]
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.crawlers_house import TRUST
from tests.real import RealClary, until

BUDGET_SECONDS = 20.0


def main(objects: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        server = RealClary(Path(home)).up()
        try:
            seconds, partitions = crawled(server, objects)
        finally:
            server.sweep()
    print(json.dumps({"objects": objects, "partitions": partitions, "seconds": round(seconds, 2)}))
    if seconds > BUDGET_SECONDS * objects / 10_000:
        raise SystemExit(f"over the budget of {BUDGET_SECONDS} s for 10,000 objects")


def crawled(server: RealClary, objects: int) -> tuple[float, int]:
    """(seconds from StartCrawler to READY, partitions found)."""
    s3, glue, iam = server.client("s3"), server.client("glue"), server.client("iam")
    s3.create_bucket(Bucket="lake")
    body = b"id,price,name\n" + b"".join(b"%d,%d.5,n%d\n" % (one, one, one) for one in range(20))

    def put(number: int) -> None:
        s3.put_object(Bucket="lake", Key=f"sales/day={number // 10:05}/{number % 10}.csv", Body=body)

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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
