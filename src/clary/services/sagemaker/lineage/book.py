"""Where what was heard is written down. Names follow from what they are of, so writing it again changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from clary.kernel import ids
from clary.kernel.errors import Exists, Missing, Stale
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Event, Store
from clary.services.sagemaker.experiments.names import arn as experiment_arn
from clary.services.sagemaker.lineage import associations
from clary.services.sagemaker.lineage.associations import FROM, KIND, TO, End
from clary.services.sagemaker.lineage.entities import (
    ACTION,
    ARTIFACT,
    COMPONENT,
    CONTEXT,
    MOST_PROPERTIES,
    NAME,
    TYPE,
    arn_of,
    artifact_name,
    tail,
)

_LONGEST_NAME: Final = 120
_LONGEST_URI: Final = 2048
_LONGEST_VALUE: Final = 2500
Properties = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Book:
    """The lineage of one account in one region, as its own writer sees it."""

    store: Store
    account: str
    region: str

    @classmethod
    def of(cls, store: Store, event: Event) -> "Book":
        return cls(store, event.account, event.region)

    def artifact(self, kind: str, uri: str, types: Sequence[Doc] = (), properties: Properties | None = None) -> End:
        """There is an artifact of that type, source and ids of the source; it has these properties beside others."""
        source: Doc = {"SourceUri": uri[:_LONGEST_URI], **({"SourceTypes": list(types)} if types else {})}
        return self._there(ARTIFACT, artifact_name(kind, source), kind, source, properties, {})

    def context(
        self, name: str, kind: str, uri: str, source_type: str = "ARN", properties: Properties | None = None
    ) -> End:
        source = {"SourceUri": uri, "SourceType": source_type}
        return self._there(CONTEXT, name, kind, source, properties, {})

    def action(self, name: str, kind: str, uri: str, status: str, properties: Properties | None = None) -> End:
        return self._there(ACTION, name, kind, {"SourceUri": uri, "SourceType": "ARN"}, properties, {"Status": status})

    def component(self, name: str) -> End:
        """The trial component of that name, which may be written a moment later (by experiments.tracking)."""
        return associations.component(experiment_arn(self.account, self.region, COMPONENT, name))

    def link(self, source: End, destination: End, kind: str = "ContributedTo") -> None:
        if source.arn != destination.arn:
            associations.associate(self.store, self.account, self.region, source, destination, kind)

    def unlink(self, source: str, destination: str) -> None:
        associations.dissociate(self.store, self.account, self.region, source, destination)

    def sources(self, end: End) -> list[Resource]:
        """What leads to the entity."""
        found = self.store.linked(self.account, self.region, KIND, [f"{TO}{tail(end.arn)}"])
        return self.store.several([self.arn(uid.split(">")[0]) for _, uid in found])

    def edges(self, end: End) -> list[Resource]:
        """Every edge that ends or begins at the entity."""
        here = tail(end.arn)
        found = self.store.linked(self.account, self.region, KIND, [f"{FROM}{here}", f"{TO}{here}"])
        return [self.store.find(KIND, uid) for _, uid in found]

    def arn(self, ending: str) -> str:
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{ending}"

    def _there(self, kind: str, name: str, type_: str, source: Doc, properties: Properties | None, more: Doc) -> End:
        told = {key: str(value)[:_LONGEST_VALUE] for key, value in (properties or {}).items() if value is not None}
        while True:
            try:
                old = self.store.get(self.account, self.region, kind, name)
            except Missing:
                old = None
            merged = _merged({} if old is None else old.spec.get("Properties") or {}, told)
            named = {} if kind == ARTIFACT else {NAME[kind]: name}
            spec = {**named, TYPE[kind]: type_, "Source": source, **({"Properties": merged} if merged else {}), **more}
            try:
                if old is None:
                    arn = arn_of(self.account, self.region, kind, name)
                    owner = (kind, name, self.account, self.region, ids.new(), arn)
                    old = self.store.create(Resource(*owner, type_, source["SourceUri"], spec=spec))
                elif {**old.spec, **spec} != old.spec:
                    old = self.store.update(old, spec={**old.spec, **spec})
            except (Exists, Stale):
                continue  # somebody else wrote it meanwhile: look again
            return associations.end_of(old)


def named(name: str, suffix: str) -> str:
    """`<name>-<suffix>`; a name that is too long for that is cut, and told apart by its hash."""
    whole = f"{name}-{suffix}"
    if len(whole) <= _LONGEST_NAME:
        return whole
    mark = sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_NAME - len(suffix) - 10]}-{mark}-{suffix}"


def _merged(old: Doc, new: Doc) -> Doc:
    """All of the new ones, and of the old ones as many as there is room for."""
    kept = [key for key in old if key not in new][: MOST_PROPERTIES - len(new)]
    return {**{key: old[key] for key in kept}, **dict(list(new.items())[:MOST_PROPERTIES])}
