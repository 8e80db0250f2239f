"""Records of Search: what Describe would answer, the tags, and what a record has beside of other resources.

What costs a look of its own for every record is only made where the request asks for it, and for what is shown.
"""

from collections.abc import Mapping
from typing import Final

from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import processing, tags, training, transform
from clary.services.sagemaker.experiments.associations import component_name
from clary.services.sagemaker.experiments.names import ASSOCIATION, COMPONENT, TRIAL, associations_of
from clary.services.sagemaker.processing.operations import described as processing_job
from clary.services.sagemaker.search import walking
from clary.services.sagemaker.search.kinds import KINDS, members
from clary.services.sagemaker.training.operations import described as training_job
from clary.services.sagemaker.transform.operations import described as transform_job

_STEP: Final = 1_000
_SOURCES: Final = {
    training.KIND: ("TrainingJob", training_job),
    processing.KIND: ("ProcessingJob", processing_job),
    transform.KIND: ("TransformJob", transform_job),
}
_HIDDEN: Final = ("ManagedConfiguration", "ManagedStorageType", "WarmPoolStatus")


class Records:
    """Makes the records of one request."""

    def __init__(self, ctx: Context, resource: str, wanted: frozenset[str]) -> None:
        """`wanted`: the members of the record that the request asks for or sorts by."""
        self._ctx = ctx
        self._kind = KINDS[resource]
        self._members = frozenset(members(resource)) - frozenset(_HIDDEN)
        self._wanted = wanted
        self._tags: Mapping[str, tags.Tags] | None = None
        self._parents: Mapping[str, list[Doc]] | None = None

    async def prepare(self) -> None:
        """What many records will ask for is read at once."""
        here = Where(account=self._ctx.account, region=self._ctx.region)
        if self._kind.tags in self._wanted:
            self._tags = {row.name: row.spec["Tags"] async for row in walking.rows(self._ctx, tags.KIND, here)}
        if "Parents" in self._wanted and self._kind.kind == COMPONENT:
            parents: dict[str, list[Doc]] = {}
            async for row in walking.rows(self._ctx, ASSOCIATION, here):
                parents.setdefault(component_name(row), []).append(row.spec)
            self._parents = parents

    def sought(self, one: Resource) -> Doc:
        """As much of the record as the request asks for, and perhaps more."""
        partly = self._kind.partly
        said = self._kind.described(one) if partly is None else partly(one, self._wanted)
        return self._with(said, one, self._wanted)

    def shown(self, one: Resource) -> Doc:
        """The whole record."""
        found = self._with(self._kind.described(one), one, self._members)
        return {name: value for name, value in found.items() if name in self._members}

    def _with(self, found: Doc, one: Resource, wanted: frozenset[str]) -> Doc:
        """What is said, and what else a record has."""
        store, kind = self._ctx.store, self._kind
        if kind.beside is not None:
            found |= kind.beside(store, one)
        if kind.tags in wanted and (held := self._tags_of(one)):
            told = {"Tags": [{"Key": key, "Value": value} for key, value in sorted(held.items())]}
            found |= told if kind.tags == "Tags" else {kind.tags: {**found[kind.tags], **told}}
        if kind.kind == COMPONENT:
            found |= self._of_component(one, wanted)
        elif kind.kind == TRIAL and "TrialComponentSummaries" in wanted:
            found |= self._of_trial(one)
        return found

    def _tags_of(self, one: Resource) -> tags.Tags:
        if self._tags is None:
            return tags.of(self._ctx.store, one)
        held = self._tags.get(one.uid)
        return tags.check(one.spec.get("Tags")) if held is None else held

    def _of_component(self, one: Resource, wanted: frozenset[str]) -> Doc:
        found: Doc = {}
        if "_run" in one.status:
            found["RunName"] = one.status["_run"]
        if "Parents" in wanted:
            if self._parents is None:
                parents = [row.spec for row in associations_of(self._ctx.store, one)]
            else:
                parents = self._parents.get(one.name, [])
            found |= {"Parents": parents} if parents else {}
        if "SourceDetail" in wanted and "Source" in one.status:
            found["SourceDetail"] = self._detail(one.status["Source"]["SourceArn"])
        return found

    def _detail(self, arn: str) -> Doc:
        found: Doc = {"SourceArn": arn}
        try:
            job = self._ctx.store.by_arn(arn)
        except Missing:
            return found
        member, described = _SOURCES[job.kind]
        said = described(job)
        held = tags.of(self._ctx.store, job)
        if held:
            said["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(held.items())]
        return {**found, member: {name: value for name, value in said.items() if name not in _HIDDEN}}

    def _of_trial(self, one: Resource) -> Doc:
        """The first 1,000 of its components, by name."""
        store = self._ctx.store
        where = Where(account=one.account, region=one.region, phase=one.name)
        found = []
        for row in store.page(ASSOCIATION, where, limit=_STEP):
            try:
                part = store.get(one.account, one.region, COMPONENT, component_name(row))
            except Missing:
                continue
            told = {"TrialComponentName": part.spec["TrialComponentName"], "TrialComponentArn": part.arn}
            told |= {"CreationTime": part.created}
            told |= {"TrialComponentSource": part.status["Source"]} if "Source" in part.status else {}
            told |= {"CreatedBy": part.status["CreatedBy"]} if "CreatedBy" in part.status else {}
            found.append(told)
        return {"TrialComponentSummaries": found} if found else {}
