"""What AWS would refuse of a tuning job, told when it is created and not after its first trial."""

from collections.abc import Sequence
from typing import Final

from clary.aws.errors import NotImplementedHere, ValidationException
from clary.aws.service import Context
from clary.engines.search.base import Search
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import jobs, metrics
from clary.services.sagemaker.errors import refuse, require
from clary.services.sagemaker.training.checks import check as check_training
from clary.services.sagemaker.tuning import stopping, strategies
from clary.services.sagemaker.tuning.curves import definition_of
from clary.services.sagemaker.tuning.definitions import (
    OBJECTIVE_HYPERPARAMETER,
    Definition,
    definitions,
    metric_definitions,
    static,
    training_request,
)
from clary.services.sagemaker.tuning.machine import KIND, TUNING_JOB

_REFUSED: Final = {
    "Autotune": "ranges, limits and strategy that are chosen by themselves",
    "TrainingJobDefinition.AlgorithmSpecification.AlgorithmName": "algorithms of the marketplace",
    "TrainingJobDefinitions.AlgorithmSpecification.AlgorithmName": "algorithms of the marketplace",
}
_LONGEST_SUFFIX: Final = "-001-0123abcd"


def check(ctx: Context, req: Doc) -> tuple[Definition, ...]:
    """The request's definitions. Raises ValidationException, NotImplementedHere."""
    refuse(req, _REFUSED)
    one, several = req.get("TrainingJobDefinition"), req.get("TrainingJobDefinitions")
    sentence = "A tuning job needs either TrainingJobDefinition or TrainingJobDefinitions, and not both"
    require((one is None) != (several is None), sentence)
    config = req["HyperParameterTuningJobConfig"]
    _check_members(config, [one] if one is not None else several or [], single=one is not None)
    among = definitions(req)
    require(len({each.objective["Type"] for each in among}) == 1, "All definitions must Maximize, or all Minimize")
    for definition in among:
        _check_objective(definition)
        _check_static(definition)
        example = {axis.name: axis.at(0.0) for axis in definition.axes}
        name = f"{req['HyperParameterTuningJobName']}{_LONGEST_SUFFIX}"
        trial = training_request(req, definition, name, example)
        check_training(trial)
        cluster = trial["ResourceConfig"]
        jobs.check_turn(ctx, trial, cluster["InstanceType"], cluster["InstanceCount"])
    _check_strategy(ctx, config, among)
    _check_limits(config)
    _check_parents(ctx, req, among)
    return among


def _check_members(config: Doc, said: Sequence[Doc], *, single: bool) -> None:
    """The objective and the ranges stand in the right one of two places."""
    for outer, inner in (
        ("HyperParameterTuningJobObjective", "TuningObjective"),
        ("ParameterRanges", "HyperParameterRanges"),
    ):
        if single:
            there = (config.get(outer) is not None) + (said[0].get(inner) is not None)
            require(
                there == 1, f"A tuning job needs {outer} in its configuration, or {inner} in its definition, not both"
            )
        else:
            require(
                config.get(outer) is None,
                f"With TrainingJobDefinitions, each of them has its {inner}: leave out {outer}",
            )
            for one in said:
                require(one.get(inner) is not None, f"Each of TrainingJobDefinitions needs the member {inner}")
    names = [one.get("DefinitionName") for one in said]
    if not single:
        require(all(names) and len(set(names)) == len(names), "TrainingJobDefinitions need DefinitionNames that differ")
    for one in said:
        both = one.get("ResourceConfig") is not None and one.get("HyperParameterTuningResourceConfig") is not None
        require(not both, "A definition has ResourceConfig or HyperParameterTuningResourceConfig, not both")


def _check_objective(definition: Definition) -> None:
    told = metric_definitions(definition.said)
    own = definition.said["AlgorithmSpecification"].get("MetricDefinitions")
    if definition_of(definition.metric, told) is None:
        if own or not told:
            raise ValidationException(
                "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
                f"definitions: none is named {definition.metric!r}."
            )
        image = definition.said["AlgorithmSpecification"]["TrainingImage"]
        raise ValidationException(
            f"The objective metric for the hyperparameter tuning job, [{definition.metric}], isn't valid for the "
            f"[{image}] algorithm. Choose a valid objective metric: {', '.join(one['Name'] for one in told)}."
        )
    for one in told:
        try:
            metrics.compiled(one)
        except metrics.BadRegex as error:
            raise ValidationException(f"AlgorithmSpecification.MetricDefinitions: {error}") from None


def _check_static(definition: Definition) -> None:
    fixed = definition.said.get("StaticHyperParameters") or {}
    twice = sorted(set(fixed) & {axis.name for axis in definition.axes})
    require(not twice, f"Hyperparameters are either tuned or static, not both: {', '.join(twice)}")


def _check_strategy(ctx: Context, config: Doc, among: Sequence[Definition]) -> None:
    strategy, limits = config["Strategy"], config["ResourceLimits"]
    if strategy == "Grid":
        categorical = all(axis.categories for definition in among for axis in definition.axes)
        require(categorical, "The strategy Grid needs ranges of categories only (CategoricalParameterRanges)")
        require(len(among) == 1, "The strategy Grid takes one training job definition")
        count = strategies.combinations(among[0].axes)
        sentence = (
            f"With the strategy Grid, MaxNumberOfTrainingJobs is the number of combinations, {count}: leave it out"
        )
        require(limits.get("MaxNumberOfTrainingJobs", count) == count, sentence)
    if strategy == "Hyperband":
        early = config.get("TrainingJobEarlyStoppingType", "Off") == "Off"
        require(early, "TrainingJobEarlyStoppingType must be Off with the strategy Hyperband, which stops jobs itself")
        for definition in among:
            _check_resources(config, definition)
    else:
        hyperband = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig")
        require(hyperband is None, "HyperbandStrategyConfig is for the strategy Hyperband only")
    if strategy == "Bayesian":
        search: Search | None = ctx.ports.get(Search)
        lacks = search.lacks() if search is not None else None
        if lacks is not None:
            raise NotImplementedHere(f"The strategy Bayesian needs {lacks}. Or use Random, Grid or Hyperband.")


def _check_resources(config: Doc, definition: Definition) -> None:
    least, most = stopping.resources(config, static(definition))
    require(
        most is not None,
        "The strategy Hyperband needs HyperbandStrategyConfig.MaxResource, or a static hyperparameter that tells it: "
        f"{', '.join(stopping.INFERRED)}",
    )
    sentence = f"Hyperband's MinResource ({least}) must be less than its MaxResource ({most})"
    require(least < (most or 0), sentence)
    require((most or 0) <= stopping.MOST_RESOURCE, f"Hyperband's MaxResource is {stopping.MOST_RESOURCE} at most")


def _check_limits(config: Doc) -> None:
    """It must end by itself."""
    limits, asked = config["ResourceLimits"], config.get("TuningJobCompletionCriteria") or {}
    ends = (
        config["Strategy"] == "Grid"
        or "MaxNumberOfTrainingJobs" in limits
        or "MaxRuntimeInSeconds" in limits
        or "BestObjectiveNotImproving" in asked
        or (asked.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled"
    )
    require(ends, "ResourceLimits needs MaxNumberOfTrainingJobs or MaxRuntimeInSeconds: the tuning job would not end")


def _check_parents(ctx: Context, req: Doc, among: Sequence[Definition]) -> None:
    if (config := req.get("WarmStartConfig")) is None:
        return
    require(len(among) == 1, "WarmStartConfig takes one training job definition")
    for said in config["ParentHyperParameterTuningJobs"]:
        name = said.get("HyperParameterTuningJobName")
        require(name is not None, "ParentHyperParameterTuningJobs holds a parent without HyperParameterTuningJobName")
        try:
            parent = ctx.store.get(ctx.account, ctx.region, KIND, name)
        except Missing:
            raise ValidationException(f"The parent hyperparameter tuning job {name!r} does not exist.") from None
        _check_parent(parent, among[0], config["WarmStartType"])


def _check_parent(parent: Resource, mine: Definition, kind: str) -> None:
    name = parent.name
    require(TUNING_JOB.settled(parent.phase), f"The parent tuning job {name!r} is {parent.phase}: it must have ended")
    theirs = definitions(parent.spec)[0]
    same = (theirs.metric, theirs.minimizes) == (mine.metric, mine.minimizes)
    require(same, f"The objective metric must be the same as that of the parent tuning job {name!r}: {theirs.metric}")
    counts = [_count(one) for one in (theirs, mine)]
    require(
        counts[0] == counts[1],
        f"Static and tuned hyperparameters together must be as many as in the parent tuning job {name!r}: "
        f"{counts[0]}, not {counts[1]}",
    )
    if kind == "IdenticalDataAndAlgorithm":
        channels = [one.said.get("InputDataConfig") for one in (theirs, mine)]
        require(channels[0] == channels[1], f"InputDataConfig must be the same as in the parent tuning job {name!r}")


def _count(definition: Definition) -> int:
    fixed = set(definition.said.get("StaticHyperParameters") or {}) - {OBJECTIVE_HYPERPARAMETER}
    return len(fixed) + len(definition.axes)
