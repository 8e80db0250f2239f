"""One request at the Hadoop door: who asks, about what, and what they may, by the same policies as on S3's own wire."""

from dataclasses import dataclass

from clary.aws.credentials import Principal
from clary.aws.doors import Porch
from clary.aws.http import Answer, Request
from clary.aws.service import Context
from clary.engines.objects.base import BucketStore
from clary.kernel.resource import Doc
from clary.services.s3.api import objects, service
from clary.services.s3.hadoop.places import Place

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Visit:
    porch: Porch
    principal: Principal
    ctx: Context
    place: Place

    @property
    def request(self) -> Request:
        return self.porch.request

    @property
    def objects(self) -> BucketStore:
        return objects(self.ctx)

    def text(self, name: str, otherwise: str = "") -> str:
        found = self.request.args.get(name)
        return found[0] if found else otherwise

    def flag(self, name: str, otherwise: bool) -> bool:
        return self.text(name, str(otherwise)).lower() == "true"

    def number(self, name: str) -> int | None:
        found = self.text(name)
        return int(found) if found.isdecimal() else None

    async def perform(self, operation: str, doc: Doc) -> Doc:
        """The operation of S3, checked, allowed, told to whom it may concern. Raises ServiceError."""
        return await self.porch.perform(self.principal, REGION, "s3", operation, doc)

    def may(self, operation: str, place: Place) -> bool:
        """The caller may do that operation to the key."""
        asks = service.asks(operation)(self.ctx, {"Bucket": place.bucket, "Key": place.key})
        return all(self.ctx.allowed(ask) for ask in asks)

    def may_list(self, place: Place) -> bool:
        """The caller may list what is below the place, with its prefix."""
        doc = {"Bucket": place.bucket, "Prefix": place.prefix}
        return all(self.ctx.allowed(ask) for ask in service.asks("ListObjectsV2")(self.ctx, doc))

    def must_list(self, place: Place) -> None:
        """Raises AccessDenied."""
        doc = {"Bucket": place.bucket, "Prefix": place.prefix}
        self.ctx.require(*service.asks("ListObjectsV2")(self.ctx, doc))

    def must(self, operation: str, place: Place) -> None:
        """Raises AccessDenied."""
        self.ctx.require(*service.asks(operation)(self.ctx, {"Bucket": place.bucket, "Key": place.key}))


def said(body: bytes) -> Answer:
    """JSON, and no word of its type: to look at that, Hadoop's client needs a library that its jars leave out."""
    return Answer(200, [], body)


def boolean(value: bool) -> Answer:
    return said(b'{"boolean":true}' if value else b'{"boolean":false}')
