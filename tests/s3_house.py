"""S3 in process over a disk store, for the tests of its families."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.aws.authorize import ResourcePolicies
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import s3
from tests.inprocess import ACCOUNT, InProcess, serving


@contextmanager
def s3_house(tmp_path: Path) -> Iterator[tuple[InProcess, DiskObjects]]:
    store = DiskObjects(tmp_path / "objects")
    try:
        with serving(tmp_path, [s3.service], ports={BucketStore: store}) as house:
            house.ports[ResourcePolicies] = s3.policy.BucketPolicies(house.raw_store, ACCOUNT, store)
            house.ports[s3.happenings.Happenings] = s3.happenings.Happenings(house.raw_store, store, house.clock)
            yield house, store
    finally:
        store.close()


@contextmanager
def refused(code: str, status: int | None = None) -> Iterator[dict[str, Any]]:
    """The call inside is refused with this code; yields what becomes the error document."""
    document: dict[str, Any] = {}
    with pytest.raises(ClientError) as caught:
        yield document
    document.update(caught.value.response)
    assert document["Error"]["Code"] == code, document
    if status is not None:
        assert document["ResponseMetadata"]["HTTPStatusCode"] == status
