"""Training with AWS's built-in XGBoost: channels in, metric lines in the log, /opt/ml/model/xgboost-model out."""

import dataclasses
import os
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clary.algorithms.contract import AlgorithmError, ClientError, Contract, Stop, run_training, say, visible_cpus
from clary.algorithms.xgboost import hyperparameters, metrics, version
from clary.algorithms.xgboost.data import check_labels, matrix, read_channel, same_width
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.hyperparameters import Hyperparameters
from clary.algorithms.xgboost.table import Rows

MODEL_FILE = "xgboost-model"
EXACT_ROWS = 20_000
"""Up to so many training rows trees are grown exactly when the job names no tree_method. AWS's containers up to 1.7 did
so for small data, and published results of small data sets come from it; XGBoost itself now always takes hist."""
NEEDS_HISTOGRAM = {"grow_policy": "depthwise", "max_leaves": 0, "max_bin": 256, "updater": "", "colsample_bynode": 1.0}
"""Hyperparameters that exact growth does not know, with the values that ask nothing of it."""


def main(environ: Mapping[str, str]) -> int:
    """One training run; its exit code."""
    return run_training(Contract.read(environ), lambda contract, stop: train(contract, stop, environ))


def train(contract: Contract, stop: Stop, environ: Mapping[str, str]) -> None:
    """The model stands in the model directory. Raises ClientError or AlgorithmError. When `stop` is set on the way, the
    rounds so far are the model."""
    wanted = hyperparameters.read(contract.hyperparameters())
    silent = version.default_metric(version.read(environ), wanted.objective)
    if silent is not None and not wanted.metrics:
        wanted = dataclasses.replace(wanted, metrics=(silent,))
    if len(contract.hosts()) > 1:
        raise ClientError("Training on more than one instance is not served yet; set InstanceCount to 1.")
    say("Running standalone xgboost training.")
    train_rows, validation_rows = _read(contract, wanted)
    params = parameters(wanted, train_rows.count, visible_cpus(environ))
    evals = [(matrix(xgb, train_rows, params["nthread"]), "train")]
    if validation_rows is not None:
        evals.append((matrix(xgb, validation_rows, params["nthread"]), "validation"))
    del train_rows, validation_rows  # XGBoost has its own copy; while it trains, memory is scarce
    if stop:
        say("Stopped before the first round: there is no model to save.", level="WARNING")
        return
    booster = fit(wanted, params, evals, stop)
    if stop and not wanted.save_model_on_termination:
        say("Stopped; the model is not saved, as save_model_on_termination is false.")
        return
    save(booster, contract.model_dir)
    say(f"Saved the model with {booster.num_boosted_rounds()} rounds.")


def _read(contract: Contract, wanted: Hyperparameters) -> tuple[Rows, Rows | None]:
    channels = contract.channels()
    unknown = channels.keys() - {"train", "validation", "code"}
    if unknown:
        raise ClientError(f"Channel {min(unknown)} is not known; XGBoost reads train (required) and validation.")
    if "train" not in channels:
        raise ClientError("Missing required channel: train.")
    tables: list[Rows] = []
    for name in ("train", "validation"):
        if name not in channels:
            continue
        rows = read_channel(channels[name], csv_weights=wanted.csv_weights)
        check_labels(rows, name, wanted.objective, wanted.booster.get("num_class"))
        tables.append(rows)
    same_width(tables)
    for name, rows in zip(("Train", "Validation"), tables, strict=False):
        say(f"{name} matrix has {rows.count} rows and {rows.width} columns")
    return tables[0], tables[1] if len(tables) > 1 else None


def parameters(wanted: Hyperparameters, rows: int, cpus: int) -> dict[str, Any]:
    """What XGBoost is told: the hyperparameters, with what they leave open decided."""
    params = dict(wanted.booster)
    params.setdefault("nthread", cpus)
    params.setdefault("seed", 0)
    native = [one for one in wanted.metrics if one not in metrics.OWN]
    if native:
        params["eval_metric"] = native
    if params.get("tree_method", "auto") == "auto" and params.get("booster") != "gblinear":
        exact = rows <= EXACT_ROWS and all(params.get(name, one) == one for name, one in NEEDS_HISTOGRAM.items())
        params["tree_method"] = "exact" if exact else "hist"
        say(f"Tree method is {params['tree_method']}.")
    return params


def fit(wanted: Hyperparameters, params: dict[str, Any], evals: Sequence[tuple[Any, str]], stop: Stop) -> Any:
    """The trained Booster; with early stopping, only its rounds up to the best one."""
    own = [one for one in wanted.metrics if one in metrics.OWN]
    callbacks: list[Any] = [progress(stop)]
    if wanted.early_stopping_rounds is not None:
        callbacks.append(early_stopping(wanted, evals[-1][1]))
    try:
        return xgb.train(
            params,
            evals[0][0],
            num_boost_round=wanted.num_round,
            evals=list(evals),
            custom_metric=own_metrics(own, wanted.objective) if own else None,
            callbacks=callbacks,
            verbose_eval=False,
        )
    except (xgb.core.XGBoostError, ValueError) as error:
        raise _explained(error) from None


def progress(stop: Stop) -> Any:
    """A callback that writes AWS's metric line after each round, and ends the training when `stop` is set. The #011 is
    a tab as AWS's log driver escapes it; metric definitions of training jobs look for it."""

    # A class of a module that is known only at run time.
    TrainingCallback: Any = xgb.callback.TrainingCallback

    class Progress(TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[Any]]]) -> bool:
            scores = "".join(
                f"#011{data}-{metric}:{_score(values[-1]):.5f}"
                for data, by_metric in evals_log.items()
                for metric, values in by_metric.items()
            )
            print(f"[{epoch}]{scores}", flush=True)
            return bool(stop)

    return Progress()


def _score(value: Any) -> float:
    return float(value[0] if isinstance(value, tuple) else value)


def early_stopping(wanted: Hyperparameters, data: str) -> Any:
    """Watches the last metric on `data`, like AWS's algorithm; XGBoost's default metric when none is named."""
    name = wanted.metrics[-1] if wanted.metrics else None
    maximize = None if name is None else name.partition("@")[0] in metrics.MAXIMIZE
    # XGBoost measures its own metrics first, so the last one it tells is the wanted one but for mixed lists. Only then
    # it is named, since XGBoost may call it otherwise (error@0.5 is error).
    if name in metrics.OWN or not any(one in metrics.OWN for one in wanted.metrics):
        name = None
    return xgb.callback.EarlyStopping(
        rounds=wanted.early_stopping_rounds, metric_name=name, data_name=data, maximize=maximize, save_best=True
    )


def own_metrics(names: Sequence[str], objective: str) -> Any:
    """The container's own metrics, as the one function that XGBoost takes."""

    def evaluate(predictions: Any, data: Any) -> list[tuple[str, float]]:
        labels, numbers = data.get_label(), np.asarray(predictions, np.float32)
        chosen = metrics.decided(labels, numbers, objective)
        return [(name, metrics.OWN[name](labels, numbers if name in metrics.OF_NUMBERS else chosen)) for name in names]

    return evaluate


def save(booster: Any, folder: Path) -> None:
    """The pickled Booster stands in `folder` as a whole or not at all: it appears by one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{MODEL_FILE}.part"
    with part.open("wb") as file:
        pickle.dump(booster, file, protocol=4)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MODEL_FILE)


def _explained(error: Exception) -> Exception:
    """XGBoost's own words without its stack; a ClientError when data or hyperparameters are at fault."""
    first = str(error).partition("Stack trace")[0].strip()
    text = re.sub(r"^\[[\d:]+\]\s+\S+:\d+:\s*", "", first).removeprefix("Check failed: ")
    blamed = ("label", "metric", "param", "auc", "dataset", "constraint", "base_score", "updater", "not yet supported")
    kind = ClientError if any(word in text.lower() for word in blamed) else AlgorithmError
    return kind(f"XGBoost cannot train: {text}")
