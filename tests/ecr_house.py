"""A registry to test against: ECR over real stores, in process, and a client of its own protocol."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clary.aws.authorize import ResourcePolicies
from clary.aws.carried import PoliciesByService
from clary.aws.endpoint import Endpoint
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.services import ecr, iam, sts
from tests.inprocess import ACCOUNT, REGION, URL, InProcess

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
Answer = tuple[int, dict[str, str], bytes]


class House(InProcess):
    """An InProcess with ECR, and its object store."""

    objects: DiskObjects


@contextlib.contextmanager
def ecr_house(path: Path) -> Iterator[House]:
    house = House(path, [ecr.service, iam.service, sts.service])
    house.objects = DiskObjects(path / "objects", house.clock)
    carried = {"ecr": ecr.policies.RepositoryPolicies(house.raw_store, ACCOUNT)}
    house.ports.update(
        {
            BucketStore: house.objects,
            Endpoint: Endpoint(URL),
            ResourcePolicies: PoliciesByService(carried),
            ecr.Registry: ecr.Registry(ACCOUNT, REGION),
        }
    )
    try:
        yield house
    finally:
        house.objects.close()
        house.close()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(name: str, data: bytes) -> bytes:
    """A layer of one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def described(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def manifest(config: bytes, *layers: bytes, **more: Any) -> bytes:
    said = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG, config),
        "layers": [described(LAYER, one) for one in layers],
        **more,
    }
    return json.dumps(said).encode()


class Pusher:
    """A client of the registry's protocol, logged in as whoever asked for the token."""

    def __init__(self, house: InProcess, client: Any) -> None:
        self._house = house
        token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self.headers = {"Authorization": f"Basic {token}"}

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        return self._house.request(method, f"/v2/{path}", {**self.headers, **(headers or {})}, body)

    def layer(self, name: str, data: bytes) -> str:
        """Pushed as clients do: begin, one piece, the end."""
        place = self("POST", f"{name}/blobs/uploads/")[1]["location"].removeprefix("/v2/")
        assert self("PATCH", place, data)[0] == 202
        digest = digest_of(data)
        assert self("PUT", f"{place}?digest={digest}")[0] == 201
        return digest

    def image(self, name: str, tag: str, *layers: bytes, **more: Any) -> str:
        """A whole image; its digest."""
        config = json.dumps({"tag": tag}).encode()
        for one in (config, *layers):
            self.layer(name, one)
        said = manifest(config, *layers, **more)
        code, headers, body = self("PUT", f"{name}/manifests/{tag}", said, {"Content-Type": MANIFEST})
        assert code == 201, body
        return headers["docker-content-digest"]


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
