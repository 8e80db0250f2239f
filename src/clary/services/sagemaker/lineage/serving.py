"""The lineage of models and endpoints: what is deployed where, and what was before."""

from collections.abc import Sequence
from typing import Final

from clary.kernel.errors import Missing
from clary.kernel.objects import ObjectStore
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event, Store
from clary.services.sagemaker.lineage.associations import End
from clary.services.sagemaker.lineage.book import Book, named
from clary.services.sagemaker.lineage.entities import ACTION
from clary.services.sagemaker.lineage.origins import Origins

MODEL: Final = "model"
ENDPOINT: Final = "endpoint"
RESOURCE: Final = "SageMakerModel"
"""The artifact that stands for a model resource; what it serves is one of the type Model."""
PACKAGE: Final = "ModelPackage"
DEPLOYMENT: Final = "ModelDeployment"


class Models:
    """Hears of models."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def __call__(self, event: Event) -> None:
        if event.type != "created":
            return
        book = Book.of(self._store, event)
        spec, status = event.resource["spec"], event.resource["status"]
        model = book.artifact(RESOURCE, event.resource["arn"], properties={"ModelName": event.name})
        await Origins(book, self._objects).containers(status.get("_containers") or given(spec), model)
        for package in packages(book, spec):
            book.link(package, model)


class Endpoints:
    """Hears of endpoints. A deployment that is in service contributed to its endpoint; one that was replaced did, once,
    and is no longer associated with it."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def __call__(self, event: Event) -> None:
        live = event.resource["status"].get("_live")
        book = Book.of(self._store, event)
        if event.type == "deleted":
            if live:
                self._over(book, event)
        elif event.type == "moved" and event.phase == "InService" and live:
            await self._deployed(book, event, live)

    async def _deployed(self, book: Book, event: Event, live: Doc) -> None:
        endpoint = _context(book, event, "InService")
        name = named(f"{event.name}-{int(event.created)}-{live['generation']}", "aws-model-deployment")
        told = {"EndpointConfigName": live["config"], "Variants": ", ".join(one["name"] for one in live["variants"])}
        deployment = book.action(name, DEPLOYMENT, event.resource["arn"], "Completed", told)
        origins = Origins(book, self._objects)
        for variant in (*live["variants"], *(live.get("shadows") or ())):
            several: Sequence[Doc] = variant.get("containers") or [variant["container"]]
            await origins.containers(several, deployment)
            model = book.arn(f"model/{variant['model']}")
            book.link(book.artifact(RESOURCE, model, properties={"ModelName": variant["model"]}), deployment)
            for package in packages(book, self._spec(event, variant["model"])):
                book.link(package, deployment)
        # First the new one, then the old ones go: a crash in between leaves both, and it is heard again.
        book.link(deployment, endpoint, "AssociatedWith")
        for old in _deployments(book, endpoint):
            if old.name != name and old.created <= book.store.by_arn(deployment.arn).created:
                told_of_old = {"ReplacedBy": name, "ReplacedAt": event.at}
                book.action(old.name, DEPLOYMENT, event.resource["arn"], "Stopped", told_of_old)
                book.unlink(old.arn, endpoint.arn)

    def _over(self, book: Book, event: Event) -> None:
        endpoint = _context(book, event, "Deleted")
        for old in _deployments(book, endpoint):
            book.action(old.name, DEPLOYMENT, event.resource["arn"], "Stopped", {"DeletedAt": event.at})

    def _spec(self, event: Event, model: str) -> Doc:
        try:
            return self._store.get(event.account, event.region, MODEL, model).spec
        except Missing:
            return {}  # deleted since: its containers are kept with the deployment


def given(spec: Doc) -> list[Doc]:
    """The containers of a model's request."""
    found: list[Doc] = spec.get("Containers") or ([spec["PrimaryContainer"]] if spec.get("PrimaryContainer") else [])
    return found


def packages(book: Book, spec: Doc) -> list[End]:
    """The model packages that a model's request names."""
    names = [one["ModelPackageName"] for one in given(spec) if one.get("ModelPackageName")]
    return [package(book, one if one.startswith("arn:") else book.arn(f"model-package/{one}")) for one in names]


def package(book: Book, arn: str, told: Doc | None = None) -> End:
    """The artifact of the model package of that ARN."""
    return book.artifact(PACKAGE, arn, properties=told)


def model_artifact(book: Book, arn: str) -> End:
    """The artifact of the model resource of that ARN."""
    return book.artifact(RESOURCE, arn)


def endpoint_name(name: str, created: float) -> str:
    """What the context of an endpoint is called: another for one that is made again under its name."""
    return named(f"{name}-{int(created)}", "aws-endpoint")


def _context(book: Book, event: Event, status: str) -> End:
    name = endpoint_name(event.name, event.created)
    told = {"EndpointName": event.name, "EndpointStatus": status}
    return book.context(name, "Endpoint", event.resource["arn"], properties=told)


def _deployments(book: Book, endpoint: End) -> list[Resource]:
    return [one for one in book.sources(endpoint) if one.kind == ACTION and one.phase == DEPLOYMENT]
