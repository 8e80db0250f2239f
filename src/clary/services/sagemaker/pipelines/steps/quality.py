"""QualityCheck steps: a data set, or the answers of a model, compared with a baseline by the monitor's image.

The job always calculates a new baseline. With SkipCheck it is compared with none. Which baseline later steps read as
`BaselineUsedForDriftCheck...` is RegisterNewBaseline's to say: the new one, or the one that was there before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import orjson

from clary.aws.errors import ServiceError
from clary.jobs import locations
from clary.kernel.resource import Doc
from clary.pipeline.language.definition import Definition, Step
from clary.pipeline.language.problems import Problem
from clary.services.sagemaker.pipelines import reading
from clary.services.sagemaker.pipelines.steps import arguments, jobs
from clary.services.sagemaker.pipelines.steps.arguments import is_expression
from clary.services.sagemaker.pipelines.steps.base import Failed, Outcome, Running, StepRun, Stopped, Succeeded
from clary.services.sagemaker.pipelines.steps.failures import LONGEST
from clary.services.sagemaker.pipelines.steps.processing import JOB
from clary.services.sagemaker.pipelines.steps.processing import STEP as PROCESSING

CHECKS: Final = {"DATA_QUALITY": "ModelDataQuality", "MODEL_QUALITY": "ModelQuality"}
"""CheckType -> the member of a package's DriftCheckBaselines."""
VIOLATED: Final = "CompletedWithViolations"
"""With this the ExitMessage of a job begins that has found some."""
MOST_BYTES: Final = 4 << 20
"""Of a report of violations that is read."""
_OF_CLARIFY: Final = ("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY")
_FLAGS: Final = ("SkipCheck", "FailOnViolation", "RegisterNewBaseline")
_BASELINE: Final = "_baseline"
"""The status member of a row that says which baseline this attempt compares with."""
_PLACE: Final = PurePosixPath("/opt/ml/processing/baseline")
_TRUTHS: Final = {True: True, False: False, "true": True, "True": True, "false": False, "False": False}


class _Wrong(Exception):
    """The step cannot be done as it is asked for; the message is for its owner."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The members of the step beside its arguments, resolved."""

    check: str
    skip: bool
    fails: bool
    registers: bool
    group: str | None
    constraints: str | None
    statistics: str | None

    @classmethod
    def of(cls, extra: Doc) -> "_Asked":
        """Raises _Wrong."""
        check = extra.get("CheckType")
        if not isinstance(check, str) or check not in CHECKS:
            raise _Wrong(f"CheckType is {check!r}; it must be one of {', '.join(CHECKS)}")
        return cls(
            check=check,
            skip=_flag(extra, "SkipCheck", False),
            fails=_flag(extra, "FailOnViolation", True),
            registers=_flag(extra, "RegisterNewBaseline", False),
            group=extra.get("ModelPackageGroupName") or None,
            constraints=extra.get("SuppliedBaselineConstraints") or None,
            statistics=extra.get("SuppliedBaselineStatistics") or None,
        )

    @property
    def needs_baseline(self) -> bool:
        return not self.skip or not self.registers


class QualityCheckStep:
    """QualityCheck: one processing job of the monitor's image, and what it found."""

    def check(self, step: Step, definition: Definition) -> Sequence[Problem]:
        """The arguments are a CreateProcessingJob with one output; the type of check is one that is served."""
        found = arguments.check(step, JOB.create, given=(JOB.name,))
        kind = step.extra.get("CheckType")
        if kind in _OF_CLARIFY:
            what = f"{kind} is a check of Clarify, which is not served; there are {', '.join(CHECKS)}"
            found.append(Problem(f"{step.path}.CheckType", what, step.name))
        elif not is_expression(kind) and kind not in tuple(CHECKS):
            what = f"must be one of {', '.join(CHECKS)}, not {kind!r}"
            found.append(Problem(f"{step.path}.CheckType", what, step.name))
        for name in _FLAGS:
            value = step.extra.get(name)
            if value is not None and not isinstance(value, bool) and not is_expression(value):
                found.append(Problem(f"{step.path}.{name}", f"must be true or false, not {value!r}", step.name))
        config = step.arguments.get("ProcessingOutputConfig")
        outputs = config.get("Outputs") if isinstance(config, dict) else None
        if not isinstance(outputs, list) or len(outputs) != 1:
            at = f"{step.path}.Arguments.ProcessingOutputConfig"
            found.append(Problem(at, "must have exactly one output, for the baseline that is calculated", step.name))
        return found

    async def look(self, run: StepRun) -> Outcome:
        try:
            asked = _Asked.of(run.extra)
            baseline: Doc | None = run.row.status.get(_BASELINE)
            if baseline is None:
                # Written down before the job is made: what is approved meanwhile does not change what this one means.
                known = await _baseline(run, asked) if asked.needs_baseline else {}
                return Running(_shown(asked, known), keep={_BASELINE: known}, after=0.0)
            outcome = await jobs.look(run, JOB, _request(run, asked, baseline))
            if isinstance(outcome, Succeeded):
                return await _ended(run, asked, baseline, outcome)
            return _renamed(outcome, asked, baseline)
        except _Wrong as error:
            return Failed(f"ClientError: {error}"[:LONGEST])

    async def stop(self, run: StepRun) -> Outcome:
        outcome = await jobs.stop(run, JOB)
        try:
            asked = _Asked.of(run.extra)
        except _Wrong:
            return Stopped()
        baseline = run.row.status.get(_BASELINE) or {}
        if isinstance(outcome, Succeeded):  # it was done before it could be stopped
            try:
                return await _ended(run, asked, baseline, outcome)
            except _Wrong as error:
                return Failed(f"ClientError: {error}"[:LONGEST])
        return _renamed(outcome, asked, baseline)

    def cached(self, run: StepRun) -> Doc | None:
        """As for a processing job, with the baseline and the flags. None where the baseline is that of a group's latest
        approved version: with every approval the same check may mean something else."""
        try:
            asked = _Asked.of(run.extra)
        except _Wrong:
            return None
        if asked.needs_baseline and not asked.constraints:
            return None
        shown = PROCESSING.cached(run) or {}
        return {**shown, **{name: value for name, value in run.extra.items() if name != "ModelPackageGroupName"}}


def _flag(extra: Doc, name: str, default: bool) -> bool:
    value = extra.get(name)
    if value is None:
        return default
    found = _TRUTHS.get(value) if isinstance(value, bool | str) else None
    if found is None:
        raise _Wrong(f"{name} is {value!r}; it must be true or false")
    return found


async def _baseline(run: StepRun, asked: _Asked) -> Doc:
    """The URIs of the baseline that was there before: `constraints`, and `statistics` where there are some. What the
    step names itself goes before what the group's latest approved version has. Raises _Wrong."""
    found = {"constraints": asked.constraints, "statistics": asked.statistics}
    if asked.group and not (asked.constraints and asked.statistics):
        known = await _of_group(run, asked.group, asked.check)
        found = {name: value or known.get(name) for name, value in found.items()}
    wanted = ("constraints", "statistics") if asked.check == "DATA_QUALITY" else ("constraints",)
    missing = [f"SuppliedBaseline{name.title()}" for name in wanted if not found[name]]
    if missing:
        raise _Wrong(_no_baseline(asked, missing))
    return {name: value for name, value in found.items() if value}


def _no_baseline(asked: _Asked, missing: list[str]) -> str:
    where = "the step names no ModelPackageGroupName"
    if asked.group:
        where = (
            f"the latest approved version of the model package group {asked.group}, if there is one, has no "
            f"DriftCheckBaselines.{CHECKS[asked.check]} with it"
        )
    return (
        f"there is no baseline for the check {asked.check}: {' and '.join(missing)} not given, and {where}. For a "
        "first run set SkipCheck and RegisterNewBaseline, then register and approve the model with the baseline."
    )


async def _of_group(run: StepRun, group: str, check: str) -> Doc:
    """The baseline of the group's latest approved version; {} where there is none."""
    try:
        listed = await run.ctx.call(
            "sagemaker",
            "ListModelPackages",
            {
                "ModelPackageGroupName": group,
                "ModelApprovalStatus": "Approved",
                "SortBy": "CreationTime",
                "SortOrder": "Descending",
                "MaxResults": 1,
            },
        )
        if not listed["ModelPackageSummaryList"]:
            return {}
        arn = listed["ModelPackageSummaryList"][0]["ModelPackageArn"]
        said = await run.ctx.call("sagemaker", "DescribeModelPackage", {"ModelPackageName": arn})
    except ServiceError as error:
        if error.http_status >= 500:
            raise
        raise _Wrong(f"the baseline of the model package group {group} cannot be read: {error.message}") from None
    about = (said.get("DriftCheckBaselines") or {}).get(CHECKS[check]) or {}
    return {name: (about.get(name.title()) or {}).get("S3Uri") for name in ("constraints", "statistics")}


def _request(run: StepRun, asked: _Asked, baseline: Mapping[str, str]) -> Doc:
    """The job that the arguments ask for, with the baseline at hand unless the check is skipped. Raises _Wrong."""
    if asked.skip:
        return run.arguments
    inputs = list(run.arguments.get("ProcessingInputs") or [])
    environment = dict(run.arguments.get("Environment") or {})
    for name, uri in baseline.items():
        folder = _PLACE / name
        try:
            file = locations.parse(uri).key.rpartition("/")[2]
        except ServiceError as error:
            raise _Wrong(f"SuppliedBaseline{name.title()}: {error.message}") from None
        if not file:
            raise _Wrong(f"SuppliedBaseline{name.title()} {uri} names a folder; name the file")
        source = {
            "S3Uri": uri,
            "LocalPath": str(folder),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        }
        inputs.append({"InputName": f"baseline_{name}", "AppManaged": False, "S3Input": source})
        environment[f"baseline_{name}"] = str(folder / file)
    return {**run.arguments, "ProcessingInputs": inputs, "Environment": environment}


async def _ended(run: StepRun, asked: _Asked, baseline: Mapping[str, str], outcome: Succeeded) -> Outcome:
    """What the step has come to, its job having ended well. Raises _Wrong."""
    described = outcome.properties
    place = described["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].rstrip("/")
    calculated = {name: f"{place}/{name}.json" for name in ("constraints", "statistics")}
    used = calculated if asked.registers else baseline
    properties = {
        "CheckType": asked.check,
        **_members("CalculatedBaseline", calculated),
        **_members("BaselineUsedForDriftCheck", used),
        "CheckJobArn": described[JOB.arn],
    }
    metadata = _shown(asked, baseline, described[JOB.arn], calculated)
    if asked.skip or not str(described.get("ExitMessage") or "").startswith(VIOLATED):
        return Succeeded(properties, metadata)
    report = f"{place}/constraint_violations.json"
    metadata["QualityCheck"]["ViolationReport"] = properties["ViolationReport"] = report
    if not asked.fails:
        return Succeeded(properties, metadata)
    return Failed(await _reason(run, asked, report), metadata=metadata)


async def _reason(run: StepRun, asked: _Asked, report: str) -> str:
    """Which features, or metrics, are not as the baseline wants them, and why."""
    begin = f"ClientError: the check {asked.check} found violations of the baseline"
    try:
        found = orjson.loads(await reading.whole(run.ctx, locations.parse(report), MOST_BYTES))["violations"]
        about = [str(one.get("feature_name") or one.get("metric_name")) for one in found]
        why = [
            f"{name} ({one['constraint_check_type']}: {one['description']})"
            for name, one in zip(about, found, strict=True)
        ]
    except reading.TooLarge:
        return f"{begin}, see {report}"
    except ServiceError as error:
        if error.http_status >= 500:
            raise
        return f"{begin}, see {report} (which this role cannot read: {error.message})"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{begin}, see {report} (which is no report of violations: {type(error).__name__})"
    names = _fitting("", list(dict.fromkeys(about)), ", ", LONGEST // 2)
    return _fitting(f"{begin} in {names}; see {report}: ", why, "; ", LONGEST)


def _fitting(begin: str, told: list[str], between: str, longest: int) -> str:
    """As many as there is room for; how many more there are is said."""
    text = begin
    for number, one in enumerate(told):
        more = f"and {len(told) - number} more"
        if len(text) + len(one) + len(more) + 4 > longest:
            return f"{text}{more}" if number else f"{text}{one}"[:longest]
        text += one if number + 1 == len(told) else f"{one}{between}"
    return text


def _members(prefix: str, files: Mapping[str, str]) -> Doc:
    return {f"{prefix}{name.title()}": uri for name, uri in files.items()}


def _shown(
    asked: _Asked, baseline: Mapping[str, str], arn: str | None = None, calculated: Mapping[str, str] | None = None
) -> Doc:
    """Metadata of ListPipelineExecutionSteps; BaselineUsedForDriftCheck... is what the check compares with."""
    said: Doc = {
        "CheckType": asked.check,
        **_members("BaselineUsedForDriftCheck", baseline),
        **_members("CalculatedBaseline", calculated or {}),
        "SkipCheck": asked.skip,
        "RegisterNewBaseline": asked.registers,
    }
    if asked.group:
        said["ModelPackageGroupName"] = asked.group
    if arn:
        said["CheckJobArn"] = arn
    return {"QualityCheck": said}


def _renamed(outcome: Outcome, asked: _Asked, baseline: Mapping[str, str]) -> Outcome:
    """With the job as a QualityCheck shows it."""
    arn = (outcome.metadata.get(JOB.metadata) or {}).get("Arn")
    return replace(outcome, metadata=_shown(asked, baseline, arn))
