"""Athena in process: real stores, catalog, S3 and policies, and real processes that run the queries."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.queries.base import Queries
from clary.engines.queries.process import QueryProcesses
from clary.kernel.reconcile import Controller
from clary.services import athena, glue
from tests.catalog_house import House, catalog_house

Doc = dict[str, Any]
OUT = {"OutputLocation": "s3://lake/out/"}
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Lake:
    """A house with the bucket "lake", the database "db", and queries over them."""

    def __init__(self, house: House, queries: QueryProcesses) -> None:
        self.house, self.queries = house, queries
        self.athena, self.glue, self.s3 = house.client("athena"), house.client("glue"), house.client("s3")
        self.iam = house.client("iam")
        reconcilers = {
            **glue.catalog.reconcilers(house.raw_store),
            **athena.reconcilers(queries, self._inside, house.raw_store, house.clock),
        }
        machines = {**glue.MACHINES, **athena.MACHINES}
        house.controller = house.thread.call(Controller, house.raw_store, house.clock, reconcilers, machines)
        self.s3.create_bucket(Bucket="lake")
        self.glue.create_database(DatabaseInput={"Name": "db"})

    def _inside(self, principal: Principal, region: str) -> Context:
        return self.house.gateway.inside(principal, region)

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket="lake", Key=key, Body=body)

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])]

    def start(self, sql: str, client: Any = None, **more: Any) -> str:
        asked = {"QueryExecutionContext": {"Database": "db"}, "ResultConfiguration": OUT, **more}
        name: str = (client or self.athena).start_query_execution(QueryString=sql, **asked)["QueryExecutionId"]
        return name

    def ended(self, name: str) -> Doc:
        """The execution at its end."""
        for _ in range(1000):
            said: Doc = self.athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
            if said["Status"]["State"] in ENDED:
                return said
            self.house.run(self.house.controller.tick())
            self.house.run(self.house.clock.sleep(0.005))
        raise AssertionError(f"the query does not end: {said}")

    def run(self, sql: str, **more: Any) -> Doc:
        """The execution, which succeeded."""
        said = self.ended(self.start(sql, **more))
        assert said["Status"]["State"] == "SUCCEEDED", said["Status"]
        return said

    def fails(self, sql: str, **more: Any) -> str:
        """Why it failed."""
        said = self.ended(self.start(sql, **more))
        assert said["Status"]["State"] == "FAILED", said
        reason: str = said["Status"]["StateChangeReason"]
        assert said["Status"]["AthenaError"]["ErrorMessage"] == reason
        return reason

    def rows(self, sql: str, **more: Any) -> list[list[str | None]]:
        """The rows without the names of the columns; of DDL, its lines."""
        said = self.run(sql, **more)
        found: list[list[str | None]] = []
        pages = self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=said["QueryExecutionId"])
        for page in pages:
            found += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
        return found[1:] if said["ResultConfiguration"]["OutputLocation"].endswith(".csv") else found


@contextlib.contextmanager
def athena_house(tmp_path: Path) -> Iterator[Lake]:
    with catalog_house(tmp_path, athena.service) as house:
        queries = QueryProcesses(tmp_path / "queries", threads=1, memory_bytes=512 * 2**20)
        house.ports[Queries] = queries
        try:
            yield Lake(house, queries)
        finally:
            house.run(queries.closed())
