"""What stands at the sources of lineage: data, code, models and images, each as an artifact in the state it is in."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from clary import __version__
from clary.engines.runners import unpack
from clary.engines.runners.base import StartError
from clary.jobs import locations
from clary.kernel.objects import ObjectStore, Stat
from clary.kernel.resource import Doc
from clary.services.sagemaker import images
from clary.services.sagemaker.lineage import contents
from clary.services.sagemaker.lineage.associations import End
from clary.services.sagemaker.lineage.book import Book
from clary.services.sagemaker.lineage.contents import Content

DATA: Final = "DataSet"
MODEL: Final = "Model"
CODE: Final = "Code"
IMAGE: Final = "Image"
REQUIREMENTS: Final = "RequirementsHash"
_REQUIREMENTS_FILE: Final = "requirements.txt"
_MOST_REQUIREMENTS: Final = 1 << 20
_LARGE: Final = 8 << 20
"""Bytes of an archive of source that is not searched for requirements."""
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, slots=True)
class Origins:
    """Writes artifacts of what is in S3 now."""

    book: Book
    objects: ObjectStore

    async def data(self, uri: str, kind: str = DATA) -> End:
        """What a job reads from the URI. The objects of a small prefix are artifacts, too, and lead to it."""
        found = await contents.content(self.objects, uri)
        end = self.book.artifact(kind, uri, found.types, found.properties | await self._requirements(kind, uri, found))
        for one in found.files:
            self.book.link(self._file(kind, one), end)
        return end

    async def produced(self, uri: str, by: End, kind: str = DATA, told: Doc | None = None) -> End:
        """What was left at the URI, with what is told of it. The objects of a small prefix are artifacts, too, produced
        by the same."""
        found = await contents.content(self.objects, uri)
        end = self.book.artifact(kind, uri, found.types, {**found.properties, **(told or {})})
        self.book.link(by, end, "Produced")
        for one in found.files:
            self.book.link(by, self._file(kind, one), "Produced")
        return end

    def image(self, uri: str) -> End:
        """The image of that URI, in as far as the URI says which one: by its digest, or as one of Clary's own."""
        built_in = images.lookup(uri)
        digest = _DIGEST.search(uri)
        types: Sequence[Doc] = ()
        if digest is not None:
            types = [{"SourceIdType": "Custom", "Value": digest[1]}]
        elif built_in is not None:
            types = [{"SourceIdType": "Custom", "Value": f"clary/{built_in.name}/{__version__}"}]
        return self.book.artifact(IMAGE, uri, types)

    async def containers(self, several: Sequence[Doc], to: End) -> None:
        """The model data and the images of a model's containers contributed to something."""
        for one in several:
            if one.get("Image"):
                self.book.link(self.image(one["Image"]), to)
            source = (one.get("ModelDataSource") or {}).get("S3DataSource") or {}
            uri = source.get("S3Uri") or one.get("ModelDataUrl")
            if uri:
                self.book.link(await self.data(uri, MODEL), to)

    def _file(self, kind: str, stat: Stat) -> End:
        uri = f"s3://{stat.bucket}/{stat.key}"
        return self.book.artifact(kind, uri, contents.of_object(stat), {"Bytes": stat.size})

    async def _requirements(self, kind: str, uri: str, found: Content) -> Doc:
        """The hash of the packages that the code asks for, beside it or in its archive."""
        if kind != CODE or not found.types:
            return {}
        beside = [one.etag for one in found.files if one.key.rpartition("/")[2] == _REQUIREMENTS_FILE]
        if beside:
            return {REQUIREMENTS: f"etag:{beside[0]}"}
        if found.files or not uri.endswith(".tar.gz") or found.properties.get("Bytes", _LARGE) >= _LARGE:
            return {}
        at = locations.parse(uri)
        path = self.objects.local(at.bucket, at.key)
        if path is None:
            return {}
        try:
            text = await asyncio.to_thread(unpack.member, path, _REQUIREMENTS_FILE, _MOST_REQUIREMENTS)
        except (StartError, OSError):
            return {}  # the job itself says what is wrong with its archive
        return {REQUIREMENTS: f"sha256:{sha256(text).hexdigest()}"} if text else {}
