"""Training with AWS's built-in XGBoost: channels in, metric lines in the log, /opt/ml/model/xgboost-model out."""

import dataclasses
import os
import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clary.algorithms.contract import ClientError, Contract, Stop, Stopped, run_training, say, visible_cpus
from clary.algorithms.xgboost import boosting, existing, folds, hyperparameters, metrics, version
from clary.algorithms.xgboost.boosting import Beginning
from clary.algorithms.xgboost.checkpoint import Checkpoints
from clary.algorithms.xgboost.data import check_labels, find_rows, matrix, same_width
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.hyperparameters import Hyperparameters
from clary.algorithms.xgboost.table import Rows

MODEL_FILE = "xgboost-model"
CHANNELS = ("train", "validation")
OTHERS = ("code", "model")
"""Channels that hold no rows: a script, an existing model."""
EXACT_ROWS = 20_000
"""Up to so many training rows trees are grown exactly when the job names no tree_method. AWS's containers up to 1.7 did
so for small data, and published results of small data sets come from it; XGBoost itself now always takes hist."""
NEEDS_HISTOGRAM = {"grow_policy": "depthwise", "max_leaves": 0, "max_bin": 256, "updater": "", "colsample_bynode": 1.0}
"""Hyperparameters that exact growth does not know, with the values that ask nothing of it."""


def main(environ: Mapping[str, str]) -> int:
    """One training run; its exit code."""
    # What XGBoost warns of stands in the job's log as its other lines do, without places in our source.
    warnings.showwarning = lambda message, *_: say(boosting.plain(str(message)), level="WARNING")
    return run_training(Contract.read(environ), lambda contract, stop: train(contract, stop, environ))


def train(contract: Contract, stop: Stop, environ: Mapping[str, str]) -> None:
    """The model stands in the model directory. Raises ClientError or AlgorithmError. When `stop` is set on the way, the
    rounds so far are the model; before the first one it raises Stopped."""
    wanted = hyperparameters.read(contract.hyperparameters())
    silent = version.default_metric(version.read(environ), wanted.objective)
    if silent is not None and not wanted.metrics:
        wanted = dataclasses.replace(wanted, metrics=(silent,))
    if len(contract.hosts()) > 1:
        from clary.algorithms.xgboost.distributed import train as train_together  # only here: one host needs none of it

        train_together(contract, stop, environ, wanted)
        return
    say("Single node training.")
    try:
        with stop.at_once():
            rows = read_rows(contract, wanted)
    except Stopped:
        if wanted.kfold is None:
            _keep_checkpoint(contract, wanted, stop)
        raise
    params = parameters(wanted, rows["train"].count, visible_cpus(environ))
    if wanted.kfold is not None:
        _cross_validate(contract, wanted, params, rows, stop)
        return
    with stop.at_once():
        evals = [(matrix(xgb, one, params["nthread"], wanted.objective), name) for name, one in rows.items()]
    del rows  # XGBoost has its own copy; while it trains, memory is scarce
    checkpoints, wanted, beginning = begin(contract, wanted)
    made = boosting.boost(wanted, params, evals, stop, checkpoints=checkpoints, beginning=beginning)
    finish(contract, wanted, [made.booster], stop)


def _keep_checkpoint(contract: Contract, wanted: Hyperparameters, stop: Stop) -> None:
    """What an attempt before this one has left is the model: this one will not get further."""
    raw, _ = Checkpoints(contract.checkpoints()).load()
    if raw:
        finish(contract, wanted, [xgb.Booster(model_file=bytearray(raw))], stop)


def read_rows(contract: Contract, wanted: Hyperparameters) -> dict[str, Rows]:
    """The rows of the channels train and, where the job has it, validation. Raises ClientError."""
    found = find(contract, wanted)
    for name, rows in found.items():
        if rows is None:
            raise ClientError(f"No data in {name} channel path {contract.channels()[name].path}.")
    tables = {name: rows for name, rows in found.items() if rows is not None}
    same_width(list(tables.values()))
    for name, rows in tables.items():
        say(f"{name.capitalize()} matrix has {rows.count} rows and {rows.width} columns")
    return tables


def find(contract: Contract, wanted: Hyperparameters) -> dict[str, Rows | None]:
    """What each data channel holds on this host; None: no rows."""
    channels = contract.channels()
    unknown = channels.keys() - {*CHANNELS, *OTHERS}
    if unknown:
        raise ClientError(f"Channel {min(unknown)} is not known; XGBoost reads train (required), validation and model.")
    if "train" not in channels:
        raise ClientError("Missing required channel: train.")
    found: dict[str, Rows | None] = {}
    for name in CHANNELS:
        if name in channels:
            rows = find_rows(channels[name], csv_weights=wanted.csv_weights)
            if rows is not None:
                check_labels(rows, name, wanted.objective, wanted.booster.get("num_class"))
            found[name] = rows
    return found


def parameters(wanted: Hyperparameters, rows: int, cpus: int, *, hosts: int = 1) -> dict[str, Any]:
    """What XGBoost is told: the hyperparameters, with what they leave open decided."""
    params = dict(wanted.booster)
    params.setdefault("nthread", cpus)
    params.setdefault("seed", 0)
    params["seed_per_iteration"] = True  # a round's chance does not depend on whether the training was interrupted
    native = [one for one in wanted.metrics if one not in metrics.OWN]
    if native:
        params["eval_metric"] = native
    if params.get("process_type") == "update":
        params.setdefault("updater", "refresh")
    elif params.get("tree_method", "auto") == "auto" and params.get("booster") != "gblinear":
        small = rows <= EXACT_ROWS and hosts == 1
        exact = small and all(params.get(name, one) == one for name, one in NEEDS_HISTOGRAM.items())
        params["tree_method"] = "exact" if exact else "hist"
        say(f"Tree method is {params['tree_method']}.")
    return params


def begin(contract: Contract, wanted: Hyperparameters) -> tuple[Checkpoints, Hyperparameters, Beginning]:
    """What the training goes on from: its newest checkpoint, else the model of channel `model`, else nothing; and how
    many rounds it shall have in all."""
    channel = contract.channels().get("model")
    given = existing.load(channel.path) if channel else None
    updating = wanted.booster.get("process_type") == "update"
    if updating:
        if given is None:
            raise ClientError("Hyperparameter process_type: update needs an existing model; give it as channel model.")
        existing.check_update(given, wanted.num_round)
        # A model that is being updated holds only the trees that were looked at: nothing to go on from.
        return Checkpoints(None), wanted, Beginning(given.raw, 0)
    if given is not None:
        say(f"Continuing the model of channel model, which has {given.rounds} rounds.")
        wanted = dataclasses.replace(wanted, num_round=given.rounds + wanted.num_round)
    checkpoints = Checkpoints(contract.checkpoints())
    raw, done = checkpoints.load()
    if not raw and given is not None:
        return checkpoints, wanted, Beginning(given.raw, given.rounds)
    return checkpoints, wanted, Beginning(raw, done)


def _cross_validate(
    contract: Contract, wanted: Hyperparameters, params: Mapping[str, Any], rows: Mapping[str, Rows], stop: Stop
) -> None:
    if "model" in contract.channels():
        raise ClientError("Hyperparameter _kfold: cross-validation trains new models; leave out channel model.")
    together = Rows.together(list(rows.values()))
    assert together is not None
    boosters, predictions = folds.cross_validate(wanted, params, together, stop, contract.checkpoints())
    finish(contract, wanted, boosters, stop, folds=True)
    if predictions is not None:
        folds.save_predictions(predictions, contract.output_data_dir)


def finish(
    contract: Contract, wanted: Hyperparameters, boosters: Sequence[Any], stop: Stop, *, folds: bool = False
) -> None:
    """The models stand in the model directory, unless the job was stopped and forgoes them."""
    if stop and not wanted.save_model_on_termination:
        say("Stopped; the model is not saved, as save_model_on_termination is false.")
        return
    for number, booster in enumerate(boosters):
        name = f"{MODEL_FILE}-{number}" if folds else MODEL_FILE
        save(booster.reset(), contract.model_dir, name)
        say(f"Saved {name} with {booster.num_boosted_rounds()} rounds.")


def save(booster: Any, folder: Path, name: str = MODEL_FILE) -> None:
    """The pickled Booster stands in `folder` as a whole or not at all: it appears by one rename."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    with part.open("wb") as file:
        pickle.dump(booster, file, protocol=4)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / name)
