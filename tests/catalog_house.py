"""A data catalog to test against: Glue over real stores, in process, with S3 beside it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clary.aws.credentials import HomeKeyRing
from clary.aws.endpoint import Endpoint
from clary.aws.service import Service
from clary.aws.tagging import Taggables
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.kernel.objects import ObjectStore
from clary.kernel.reconcile import Controller
from clary.services import glue, iam, resourcegroupstaggingapi, s3, sts
from clary.services.glue import taggable
from tests.iam_house import Users
from tests.inprocess import ACCOUNT, ROOT_KEYS, URL, InProcess


class House(InProcess):
    """An InProcess with a catalog."""

    controller: Controller
    objects: DiskObjects

    def settle(self) -> None:
        """What is due is done, until nothing is."""

        async def rounds() -> None:
            while await self.controller.tick():
                pass

        self.run(rounds())


@contextlib.contextmanager
def catalog_house(path: Path, *more: Service, **given: Any) -> Iterator[House]:
    services = [glue.service, iam.service, resourcegroupstaggingapi.service, s3.service, sts.service, *more]
    users = Users()
    ring = HomeKeyRing(ROOT_KEYS, ACCOUNT, b"\0" * 32, users)
    house = House(path, services, ring=ring, **given)
    users.keys = iam.StoredUserKeys(house.raw_store, ACCOUNT, ring.user_secret)
    house.objects = DiskObjects(path / "objects", house.clock)
    house.ports.update(
        {
            BucketStore: house.objects,
            ObjectStore: house.objects,
            Endpoint: Endpoint(URL),
            Taggables: Taggables(taggable.TAGGABLES),
        }
    )
    store = house.raw_store
    reconcilers = {**glue.catalog.reconcilers(store), **glue.registry.reconcilers(store)}
    house.controller = house.thread.call(Controller, house.raw_store, house.clock, reconcilers, {})
    try:
        yield house
    finally:
        house.objects.close()
        house.close()


def table(name: str, *keys: str, location: str = "s3://lake/t/", **more: Any) -> dict[str, Any]:
    """A TableInput: a CSV table of two columns, partitioned by these keys ("year:int")."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "Columns": [{"Name": "a", "Type": "bigint"}, {"Name": "b", "Type": "string", "Comment": "the second"}],
            "Location": location,
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {"field.delim": ","},
            },
        },
        "PartitionKeys": [dict(zip(("Name", "Type"), key.split(":"), strict=True)) for key in keys],
        "Parameters": {"classification": "csv"},
        **more,
    }
