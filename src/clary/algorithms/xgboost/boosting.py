"""The rounds of one training: trees grown, metric lines printed, checkpoints kept, and when it is enough."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clary.algorithms.contract import AlgorithmError, ClientError, Stop, say
from clary.algorithms.xgboost import metrics
from clary.algorithms.xgboost.checkpoint import Checkpoints
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.group import Alone, Group
from clary.algorithms.xgboost.hyperparameters import Hyperparameters

GROWERS = {"exact": "grow_colmaker,prune", "hist": "grow_quantile_histmaker", "approx": "grow_histmaker"}
"""What XGBoost calls the algorithm behind each tree_method."""

Scores = Sequence[tuple[str, float]]
"""("validation-rmse", 2.5) in the order in which they were measured."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a training goes on from: a model, and the number of the round that comes next."""

    model: bytes = b""
    round: int = 0


@dataclass(frozen=True, slots=True)
class Boosted:
    booster: Any
    scores: Scores
    """Of the last round; of what it began with when no round was left."""


def boost(
    wanted: Hyperparameters,
    params: Mapping[str, Any],
    evals: Sequence[tuple[Any, str]],
    stop: Stop,
    *,
    checkpoints: Checkpoints | None = None,
    beginning: Beginning | None = None,
    group: Group | None = None,
) -> Boosted:
    """The trained Booster: all rounds, the rounds until `stop` was set, or, with early stopping, those up to the best.
    A model begun again from a checkpoint is the same as one that was never interrupted. Raises ClientError or
    AlgorithmError in XGBoost's words."""
    try:
        return _boost(
            wanted, params, evals, stop, checkpoints or Checkpoints(None), beginning or Beginning(), group or Alone()
        )
    except (xgb.core.XGBoostError, ValueError) as error:
        raise explained(error) from None


def _boost(
    wanted: Hyperparameters,
    params: Mapping[str, Any],
    evals: Sequence[tuple[Any, str]],
    stop: Stop,
    checkpoints: Checkpoints,
    beginning: Beginning,
    group: Group,
) -> Boosted:
    begun = group.first(beginning.model)
    # As the first host has it: only there need a checkpoint, or an earlier model, be.
    bounds = group.first(np.array([beginning.round, wanted.num_round], np.int64).tobytes())
    start, rounds = (int(one) for one in np.frombuffer(bounds, np.int64))
    booster = xgb.Booster(dict(params), [data for data, _ in evals], model_file=bytearray(begun) if begun else None)
    if begun and booster.num_features() < evals[0][0].num_col():
        raise ClientError(
            f"The model to go on from has {booster.num_features()} columns, the data {evals[0][0].num_col()}: "
            "begin without it, with another checkpoint location."
        )
    renew = renewal(params)
    own = [one for one in wanted.metrics if one in metrics.OWN]
    measure = metrics.own(own, wanted.objective, group) if own else None
    patience = Patience(wanted, evals[-1][1])
    scores: Scores = []
    for number in range(start, rounds):
        if patience.over(booster, number - 1):
            break
        renew(booster)
        booster.update(evals[0][0], number)
        scores = _parsed(booster.eval_set(list(evals), number, measure, output_margin=False))
        patience.look(booster, number, scores)
        if group.rank == 0:
            print(line(number, scores), flush=True)
            checkpoints.offer(booster, number)
        # All hosts leave after the same round, though not all have heard of the stop in the same one.
        if group.sum(np.array([float(bool(stop))]))[0]:
            break
    if scores and group.rank == 0:
        checkpoints.save(booster, number)
    if not scores and start:
        scores = _parsed(booster.eval_set(list(evals), start - 1, measure, output_margin=False))
    return Boosted(patience.best(booster), scores)


def line(number: int, scores: Scores) -> str:
    """AWS's metric line. The #011 is a tab as AWS's log driver escapes it; metric definitions of training jobs look for
    it."""
    return f"[{number}]" + "".join(f"#011{name}:{value:.5f}" for name, value in scores)


def _parsed(text: str) -> Scores:
    """XGBoost's "[3]\\ttrain-rmse:0.5\\tvalidation-rmse:0.6", whose names may hold a colon themselves."""
    return [(name, float(value)) for name, _, value in (one.rpartition(":") for one in text.split()[1:])]


class Patience:
    """Early stopping. What it knows stands in the Booster's attributes, so that it lives on in a checkpoint."""

    def __init__(self, wanted: Hyperparameters, data: str) -> None:
        self._rounds = wanted.early_stopping_rounds
        self._linear = wanted.booster.get("booster") == "gblinear"
        self._data = data
        self._watched = _place(wanted)

    def over(self, booster: Any, number: int) -> bool:
        """Whether the rounds up to `number` are enough."""
        best = booster.attr("best_iteration")
        return self._rounds is not None and best is not None and number - int(best) >= self._rounds

    def look(self, booster: Any, number: int, scores: Scores) -> None:
        if self._rounds is None:
            return
        name, score = [(name, value) for name, value in scores if name.startswith(f"{self._data}-")][self._watched]
        more = name.removeprefix(f"{self._data}-").partition("@")[0] in metrics.MAXIMIZE
        before = booster.attr("best_score")
        if before is None or (score > float(before) if more else score < float(before)):
            booster.set_attr(best_score=repr(score), best_iteration=str(number))

    def best(self, booster: Any) -> Any:
        """The rounds that count."""
        best = booster.attr("best_iteration")
        if self._rounds is None or best is None or int(best) + 1 >= booster.num_boosted_rounds():
            return booster
        if self._linear:
            say("Booster gblinear cannot go back to its best round: all rounds are kept.", level="WARNING")
            booster.set_attr(best_iteration=None)
            return booster
        shorter = booster[: int(best) + 1]
        shorter.set_attr(best_iteration=best, best_score=booster.attr("best_score"))  # a slice has no attributes
        return shorter


def _place(wanted: Hyperparameters) -> int:
    """Which of the scores of one data set is watched: XGBoost tells its own metrics first, in the order in which they
    were asked for, then the container's; its default metric stands first when only those were asked for. Places, not
    names: XGBoost may call one otherwise (error@0.5 is error)."""
    native = [one for one in wanted.metrics if one not in metrics.OWN]
    own = [one for one in wanted.metrics if one in metrics.OWN]
    if wanted.watched is None:
        return 0
    return native.index(wanted.watched) if wanted.watched in native else max(1, len(native)) + own.index(wanted.watched)


SAMPLING = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")


def renewal(params: Mapping[str, Any]) -> Callable[[Any], None]:
    """What makes each round independent of those before, but for their trees: where XGBoost samples, all its growers
    but the exact one carry random state from round to round, which a checkpoint does not hold. Naming another updater
    and then the right one again has XGBoost make a new one; with seed_per_iteration its chance then depends on the seed
    and the round alone."""
    sampling = any(params.get(name, 1) < 1 for name in SAMPLING)
    if not sampling or params.get("booster") == "gblinear" or params.get("process_type") == "update":
        return lambda booster: None
    if params.get("tree_method") == "exact" and "updater" not in params:
        return lambda booster: None
    grower = params.get("updater") or GROWERS[params["tree_method"]]

    def renew(booster: Any) -> None:
        with warnings.catch_warnings(), xgb.config_context(verbosity=0):
            warnings.simplefilter("ignore")
            booster.set_param({"updater": "sync"})
            booster.num_boosted_rounds()  # makes XGBoost take notice
            booster.set_param({"updater": grower})
            booster.num_boosted_rounds()

    return renew


def plain(text: str) -> str:
    """What XGBoost says, without its clock, its source file and its stack."""
    return re.sub(r"^\[[\d:]+\]\s+(WARNING:\s+)?\S+:\d+:\s*", "", text.partition("Stack trace")[0].strip())


def explained(error: Exception) -> Exception:
    """XGBoost's own words without its stack; a ClientError when data or hyperparameters are at fault."""
    text = plain(str(error)).removeprefix("Check failed: ")
    blamed = ("label", "metric", "param", "auc", "dataset", "constraint", "base_score", "updater", "not yet supported")
    kind = ClientError if any(word in text.lower() for word in blamed) else AlgorithmError
    return kind(f"XGBoost cannot train: {text}")
