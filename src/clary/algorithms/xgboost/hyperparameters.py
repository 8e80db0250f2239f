"""The hyperparameters of AWS's built-in XGBoost: strings in, checked values out, mistakes named.

Names, ranges and aliases are those that AWS documents for the algorithm
(docs.aws.amazon.com/sagemaker/latest/dg/xgboost_hyperparameters.html)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clary.algorithms.contract import ClientError, say
from clary.algorithms.kinds import Choice, Integer, Kind, Real, Words, extraneous
from clary.algorithms.xgboost.kinds import Metrics, Monotone, Nested

TRUE_FALSE = Choice(("true", "false"))
FLAG = Integer(0, 1)
SHARE = Real(low=0, high=1)
POSITIVE_SHARE = Real(above=0, high=1)

OBJECTIVES = (
    "binary:hinge",
    "binary:logistic",
    "binary:logitraw",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:gamma",
    "reg:logistic",
    "reg:pseudohubererror",
    "reg:squarederror",
    "reg:squaredlogerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
)

KINDS: Mapping[str, Kind] = {
    # How the job runs: not passed on to XGBoost.
    "num_round": Integer(1),
    "csv_weights": FLAG,
    "early_stopping_rounds": Integer(1),
    "save_model_on_termination": TRUE_FALSE,
    "_kfold": Integer(2),
    "_num_cv_round": Integer(1),
    "_tuning_objective_metric": Words(),
    # General
    "booster": Choice(("gbtree", "gblinear", "dart")),
    "verbosity": Integer(0, 3),
    "nthread": Integer(1),
    "seed": Integer(-(2**31) + 1, 2**31 - 2),
    # Trees
    "eta": SHARE,
    "gamma": Real(low=0),
    "max_depth": Integer(0),
    "min_child_weight": Real(low=0),
    "max_delta_step": Real(low=0),
    "subsample": POSITIVE_SHARE,
    "sampling_method": Choice(("uniform", "gradient_based")),
    "colsample_bytree": POSITIVE_SHARE,
    "colsample_bylevel": POSITIVE_SHARE,
    "colsample_bynode": POSITIVE_SHARE,
    "lambda": Real(low=0),
    "alpha": Real(low=0),
    "tree_method": Choice(("auto", "exact", "approx", "hist", "gpu_hist")),
    "scale_pos_weight": Real(above=0),
    "updater": Words(("grow_colmaker", "grow_histmaker", "grow_quantile_histmaker", "sync", "refresh", "prune",
                      "shotgun", "coord_descent")),
    "refresh_leaf": FLAG,
    "process_type": Choice(("default", "update")),
    "grow_policy": Choice(("depthwise", "lossguide")),
    "max_leaves": Integer(0),
    "max_bin": Integer(2),
    "num_parallel_tree": Integer(1),
    "monotone_constraints": Monotone(),
    "interaction_constraints": Nested(),
    # dart
    "sample_type": Choice(("uniform", "weighted")),
    "normalize_type": Choice(("tree", "forest")),
    "rate_drop": SHARE,
    "one_drop": FLAG,
    "skip_drop": SHARE,
    # The learning task
    "objective": Choice(OBJECTIVES),
    "num_class": Integer(2),
    "base_score": Real(),
    "eval_metric": Metrics(),
    "tweedie_variance_power": Real(above=1, below=2),
    "huber_slope": Real(above=0),
    "aft_loss_distribution": Choice(("normal", "logistic", "extreme")),
    "aft_loss_distribution_scale": Real(above=0),
}  # fmt: skip

ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}

OF_THE_JOB = (
    "num_round",
    "csv_weights",
    "early_stopping_rounds",
    "save_model_on_termination",
    "_kfold",
    "_num_cv_round",
    "_tuning_objective_metric",
)
"""What steers the job; the rest goes to XGBoost as it is."""

IGNORED: Mapping[str, Kind] = {
    "predictor": Choice(("auto", "cpu_predictor", "gpu_predictor")),
    "sketch_eps": Real(above=0, below=1),
    "dsplit": Choice(("row", "col")),
    "single_precision_histogram": TRUE_FALSE,
    "deterministic_histogram": TRUE_FALSE,
    "lambda_bias": SHARE,
    "prob_buffer_row": Real(above=0),
    "use_dask_gpu_training": Choice(("false",)),
}
"""Knobs of older XGBoost versions that are gone: accepted, so that old jobs run, and named in the log."""

SCRIPT_MODE = ("sagemaker_program", "sagemaker_submit_directory")


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What the job asked for, checked. `booster` holds what XGBoost itself is told."""

    num_round: int
    booster: Mapping[str, Any]
    csv_weights: bool = False
    early_stopping_rounds: int | None = None
    save_model_on_termination: bool = True
    metrics: tuple[str, ...] = ()
    """eval_metric and the tuner's metric, in the order in which they are logged."""
    watched: str | None = None
    """The metric by which training stops early: the tuner's, else the last of eval_metric; None: XGBoost's default."""
    kfold: int | None = None
    num_cv_round: int = 1

    @property
    def objective(self) -> str:
        return str(self.booster["objective"])


def read(given: Mapping[str, str]) -> Hyperparameters:
    """The checked hyperparameters. Raises ClientError that names the first wrong one and what is allowed."""
    named = _renamed(given)
    if "num_round" not in named:
        raise ClientError("Missing required hyperparameter: num_round (an integer of at least 1).")
    values = {name: _parsed(name, text) for name, text in named.items() if name not in IGNORED}
    for name in named.keys() & IGNORED.keys():
        IGNORED[name].parse(name, named[name])
        say(f"Hyperparameter {name} has no effect: XGBoost no longer has it.", level="WARNING")
    _check_together(values)
    return Hyperparameters(
        num_round=values["num_round"],
        booster={"objective": "reg:squarederror"}
        | {k: v for k, v in values.items() if k not in (*OF_THE_JOB, "eval_metric")},
        csv_weights=bool(values.get("csv_weights", 0)),
        early_stopping_rounds=values.get("early_stopping_rounds"),
        save_model_on_termination=values.get("save_model_on_termination", "true") == "true",
        metrics=_metrics(values),
        watched=next(reversed((*values.get("eval_metric", ()), *_tuned(values))), None),
        kfold=values.get("_kfold"),
        num_cv_round=values.get("_num_cv_round", 1),
    )


def _renamed(given: Mapping[str, str]) -> dict[str, str]:
    """The hyperparameters by their one name: blanks around names and values are dropped, aliases resolved."""
    named: dict[str, str] = {}
    for raw, value in given.items():
        name = ALIASES.get(raw.strip(), raw.strip())
        if name in SCRIPT_MODE:
            raise ClientError("Script mode of the XGBoost image is not served yet; leave out the entry point.")
        if name.startswith("sagemaker_"):
            continue  # set by the SDK for script mode; they mean nothing to the algorithm
        if name in named:
            raise ClientError(f"Hyperparameter {name} is given twice, once as '{raw}'. Give it once.")
        named[name] = value.strip()
    silent = named.pop("silent", None)
    if silent is not None:
        named.setdefault("verbosity", "1" if FLAG.parse("silent", _as_flag(silent)) == 0 else "0")
    if named.get("objective") == "reg:linear":
        say("Objective reg:linear is now called reg:squarederror.", level="WARNING")
        named["objective"] = "reg:squarederror"
    return named


def _as_flag(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def _parsed(name: str, text: str) -> Any:
    kind = KINDS.get(name)
    if kind is None:
        extraneous("XGBoost", name, KINDS)
    return kind.parse(name, text)


def _check_together(values: Mapping[str, Any]) -> None:
    objective = values.get("objective", "reg:squarederror")
    multi = objective.startswith("multi:")
    if multi and "num_class" not in values:
        raise ClientError(f"Hyperparameter num_class (an integer of at least 2) is required for objective {objective}.")
    if not multi and "num_class" in values:
        raise ClientError(
            f"Hyperparameter num_class is for multi:softmax and multi:softprob only, not for {objective}."
        )
    if values.get("tree_method") == "gpu_hist":
        raise ClientError("Hyperparameter tree_method: gpu_hist needs a GPU, which is not served here; use hist.")
    if values.get("sampling_method") == "gradient_based":
        raise ClientError(
            "Hyperparameter sampling_method: gradient_based needs a GPU, which is not served here; use uniform."
        )
    if "updater" in values:
        _check_updater(values["updater"].split(","), values.get("booster"), values.get("process_type"))
    if values.get("process_type") == "update" and values.get("booster") == "gblinear":
        raise ClientError("Hyperparameter process_type: update changes trees, and booster gblinear has none.")
    if values.get("num_parallel_tree", 1) > 1 and values.get("booster") == "gblinear":
        raise ClientError("Hyperparameter num_parallel_tree: booster gblinear grows no trees.")
    if "_kfold" in values and values.get("process_type") == "update":
        raise ClientError("Hyperparameter _kfold: cross-validation trains new models; leave out process_type update.")
    if "_num_cv_round" in values and "_kfold" not in values:
        raise ClientError("Hyperparameter _num_cv_round repeats cross-validation: set _kfold too.")
    for name in ("aft_loss_distribution", "aft_loss_distribution_scale"):
        if name in values and objective != "survival:aft":
            raise ClientError(f"Hyperparameter {name} is for objective survival:aft only, not for {objective}.")
    for metric in values.get("eval_metric", ()):
        if metric == "auc" and not objective.startswith(("binary:", "rank:", "multi:", "reg:logistic")):
            raise ClientError("Metric 'auc' can only be applied for classification and ranking problems.")
        if metric in ("aft-nloglik", "interval-regression-accuracy") and objective != "survival:aft":
            raise ClientError(f"Metric '{metric}' can only be applied for 'survival:aft' objective.")


LINEAR_UPDATERS = ("shotgun", "coord_descent")
UPDATING = ("refresh", "prune")
GROWING = ("grow_colmaker", "grow_histmaker", "grow_quantile_histmaker")


def _check_updater(names: list[str], booster: str | None, process: str | None) -> None:
    if booster == "gblinear":
        if len(names) != 1 or names[0] not in LINEAR_UPDATERS:
            raise ClientError(f"Hyperparameter updater: booster gblinear takes one of {', '.join(LINEAR_UPDATERS)}.")
        return
    if process == "update":
        if any(one not in UPDATING for one in names):
            raise ClientError("Hyperparameter updater: process_type update takes refresh and prune only.")
        return
    if any(one in LINEAR_UPDATERS for one in names):
        raise ClientError("Hyperparameter updater: shotgun and coord_descent are for booster gblinear only.")
    if sum(one in GROWING for one in names) != 1:
        raise ClientError(f"Hyperparameter updater: trees grow by exactly one of {', '.join(GROWING)}.")


def _metrics(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*values.get("eval_metric", ()), *_tuned(values))))


def _tuned(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The tuner's metric: "validation:merror" is the channel, then the metric's own name."""
    text = values.get("_tuning_objective_metric")
    name = "_tuning_objective_metric"
    return tuple(KINDS["eval_metric"].parse(name, text.partition(":")[2] or text)) if text else ()
