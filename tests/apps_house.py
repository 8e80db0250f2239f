"""The pages of models in process: IAM, S3, DescribeEndpoint and a model server that tests write."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clary import app_roles
from clary.aws.authorize import ResourcePolicies
from clary.aws.static import Console
from clary.engines.objects.base import BucketStore
from clary.engines.objects.disk import DiskObjects
from clary.engines.serving.base import Route, RouteVariant, Serving
from clary.engines.serving.instance import Limits
from clary.engines.serving.plane import Plane
from clary.kernel import ids
from clary.kernel.audit import AuditLog
from clary.kernel.resource import Resource
from clary.services import s3, sagemaker, sagemaker_runtime
from clary.services.sagemaker.holding import Holding
from tests.iam_house import iam_house
from tests.inprocess import ACCOUNT, REGION, InProcess
from tests.serving import ModelServer, short_directory

Said = tuple[int, dict[str, str], Any]
DOCUMENT = {"title": "Cars", "contentType": "text/csv", "output": {"kind": "raw"}}


class Audit:
    """kernel.audit.AuditLog, as far as calls are written to it."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def append(self, line: bytes, *, now: bool) -> None:
        self.events.append(json.loads(line)["E"])


class AppsHouse:
    """The endpoint "cars" is in service; there is no page yet."""

    def __init__(self, wire: InProcess, plane: Plane, model: ModelServer, audit: Audit) -> None:
        self.wire, self.plane, self.model, self.audit = wire, plane, model, audit
        self.iam, self.s3 = wire.client("iam"), wire.client("s3")
        self.endpoint("cars", "InService")
        self.publish("cars", model.address)

    def publish(self, endpoint: str, *addresses: str) -> None:
        route = Route(ACCOUNT, REGION, endpoint, (RouteVariant("blue", 1.0, addresses),))
        self.wire.run(self.plane.publish(route))

    def endpoint(self, name: str, phase: str) -> Resource:
        """A row as it stands; no reconciler comes by."""
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{name}"
        spec = {"EndpointName": name, "EndpointConfigName": "c"}
        row = Resource("endpoint", name, ACCOUNT, REGION, ids.new(), arn=arn, phase=phase, spec=spec)
        made: Resource = self.wire.store.create(row)
        return made

    def page(self, endpoint: str = "cars", *, of: str | None = None, policy: bool = True, **tags: str) -> str:
        """The ARN of the role of a new page, public unless `tags` (without their prefix) say otherwise."""
        said = {"endpoint": endpoint, "region": REGION, "access": "public", **tags}
        role = self.iam.create_role(
            RoleName=app_roles.role_name(endpoint),
            Path=app_roles.PATH,
            AssumeRolePolicyDocument=app_roles.trust(),
            Tags=[{"Key": f"clary:{key}", "Value": value} for key, value in said.items()],
        )["Role"]
        if policy:
            self.grant(endpoint, of or endpoint, said.get("document"))
        return str(role["Arn"])

    def grant(self, page: str, endpoint: str, document: str | None = None) -> None:
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{endpoint}"
        text = app_roles.grant(arn, document)
        self.iam.put_role_policy(RoleName=app_roles.role_name(page), PolicyName=app_roles.POLICY, PolicyDocument=text)

    def tag(self, endpoint: str, **tags: str) -> None:
        said = [{"Key": f"clary:{key}", "Value": value} for key, value in tags.items()]
        self.iam.tag_role(RoleName=app_roles.role_name(endpoint), Tags=said)

    def get(self, path: str, token: str = "", method: str = "GET", **headers: str) -> Said:
        """(status, headers, body: parsed where it is JSON). Of a header "_" is "-"."""
        given = {name.replace("_", "-"): value for name, value in headers.items()} | _bearer(token)
        return _read(self.wire.request(method, path, given))

    def ask(self, body: Any = b"1,2", token: str = "", endpoint: str = "cars", **headers: str) -> Said:
        given = {"content-type": "text/csv"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return _read(self.wire.request("POST", f"/apps/{endpoint}/invocations", given | _bearer(token), body))


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _read(answer: tuple[int, Mapping[str, str], bytes]) -> Said:
    status, headers, body = answer
    is_json = headers.get("content-type") == "application/json" and body
    return status, dict(headers), json.loads(body) if is_json else body


@contextmanager
def apps_house(tmp_path: Path) -> Iterator[AppsHouse]:
    built = tmp_path / "built"
    built.mkdir()
    (built / "app.html").write_text('<meta name="clary-endpoint" content=""><title>Model</title>')
    (built / "app-source.html").write_text('<meta name="clary-base" content="">')
    objects, audit = DiskObjects(tmp_path / "objects"), Audit()
    services = [s3.service, sagemaker.service, sagemaker_runtime.service]
    beside = {AuditLog: audit, BucketStore: objects, Console: Console(built, REGION)}
    with short_directory() as sockets, iam_house(tmp_path, services, beside) as wire:
        plane = Plane(tmp_path, sockets, Limits(patience_seconds=0.1, retry_seconds=0.02))
        model = ModelServer(sockets / "m.sock")
        wire.run(model.__aenter__())
        wire.ports |= {
            Serving: plane,
            ResourcePolicies: s3.policy.BucketPolicies(wire.raw_store, ACCOUNT, objects),
            s3.happenings.Happenings: s3.happenings.Happenings(wire.raw_store, objects, wire.clock),
            Holding: wire.thread.call(Holding, wire.raw_store, wire.clock, 0.0),
            sagemaker_runtime.apps.Gates: sagemaker_runtime.apps.Gates(wire.clock),
        }
        try:
            yield AppsHouse(wire, plane, model, audit)
        finally:
            wire.run(model.stop())
            wire.thread.call(plane.close)
            objects.close()
