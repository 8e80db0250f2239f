"""The lineage of the model registry: versions, the groups that they belong to, and every decision on them."""

from typing import Final

from clary.kernel.errors import Missing
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc
from clary.kernel.store import Event, Store
from clary.services.sagemaker.lineage import serving
from clary.services.sagemaker.lineage.associations import End
from clary.services.sagemaker.lineage.book import Book, named
from clary.services.sagemaker.lineage.entities import ARTIFACT, artifact_name
from clary.services.sagemaker.lineage.origins import Origins

PACKAGE: Final = "model-package"
GROUP: Final = "model-package-group"
APPROVAL: Final = "Approval"
_STATUS: Final = "ModelApprovalStatus"


class Packages:
    """Hears of model packages."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def __call__(self, event: Event) -> None:
        if event.type not in ("created", "changed"):
            return
        book = Book.of(self._store, event)
        spec, status = event.resource["spec"], event.resource["status"]
        before = _approval(book, event.resource["arn"])
        told = {_STATUS: spec.get(_STATUS), "ModelPackageVersion": status.get("ModelPackageVersion")}
        version = serving.package(book, event.resource["arn"], told)
        containers = (spec.get("InferenceSpecification") or {}).get("Containers") or ()
        await Origins(book, self._objects).containers(containers, version)
        group = spec.get("ModelPackageGroupName")
        if group:
            book.link(version, self._group(book, event, group), "AssociatedWith")
        if spec.get(_STATUS) and (event.type == "created" or spec[_STATUS] != before):
            self._decision(book, event, version)

    def _group(self, book: Book, event: Event, said: str) -> End:
        name = said.rpartition("/")[2]
        try:
            created = int(self._store.get(event.account, event.region, GROUP, name).created)
        except Missing:
            created = int(event.created)  # deleted since, with its versions
        context = named(f"{name}-{created}", "aws-model-package-group")
        return book.context(context, "ModelGroup", book.arn(f"{GROUP}/{name}"))

    def _decision(self, book: Book, event: Event, version: End) -> None:
        """One action a decision, named by its moment: heard again, it is the same."""
        spec, status = event.resource["spec"], event.resource["status"]
        by = status.get("LastModifiedBy") or status.get("CreatedBy") or {}
        told: Doc = {
            _STATUS: spec[_STATUS],
            "By": (by.get("IamIdentity") or {}).get("Arn"),
            "Comment": spec.get("ApprovalDescription"),
        }
        stem = f"{event.name.replace('/', '-')}-{spec[_STATUS]}-{int(event.at)}"
        action = book.action(named(stem, "aws-model-package"), APPROVAL, event.resource["arn"], "Completed", told)
        book.link(action, version)


def _approval(book: Book, arn: str) -> str | None:
    """The approval that was heard of last."""
    try:
        one = book.store.get(book.account, book.region, ARTIFACT, artifact_name(serving.PACKAGE, {"SourceUri": arn}))
    except Missing:
        return None
    found: str | None = (one.spec.get("Properties") or {}).get(_STATUS)
    return found
