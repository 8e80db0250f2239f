"""Training with AWS's linear learner: channels in, metric lines in the log, /opt/ml/model/model_algo-1 out."""

import itertools
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError, Contract, Stop, run_training, say
from clary.algorithms.linear_learner import hyperparameters, scaler, selection
from clary.algorithms.linear_learner.fit import Training, labels_of
from clary.algorithms.linear_learner.hyperparameters import Hyperparameters
from clary.algorithms.linear_learner.losses import LOSS, METRIC
from clary.algorithms.linear_learner.optimizer import Optimizer, candidates
from clary.algorithms.recordio.batches import Batch
from clary.algorithms.tabular import artifact, report
from clary.algorithms.tabular.group import Group
from clary.algorithms.tabular.source import Source

ALGORITHM = "linear-learner"
CALIBRATION = 10_000_000
"""Rows of a channel by which models are compared, unless num_calibration_samples says otherwise."""
Floats = NDArray[np.float32]


def main(environ: Mapping[str, str]) -> int:
    """One training run; its exit code."""
    return run_training(Contract.read(environ), train)


def train(contract: Contract, stop: Stop) -> None:
    """The model stands in the model directory of the first host. Raises ClientError or AlgorithmError. When `stop` is
    set on the way, the weights so far are the model; before the first step it raises Stopped."""
    wanted = hyperparameters.parse(contract.hyperparameters())
    sources = channels(contract, wanted)
    with stop.at_once():
        tables = sources["train"].rows()
        first = next(tables)
        group = Group.of(contract)
    with group:
        training = prepare(first, wanted, group, stop)
        optimizer = Optimizer(wanted, training.tried, first.width)
        if group.leads:
            say(f"Training {training.tried.count} models on {first.width} features.")
        epochs(training, optimizer, sources, itertools.chain([first], tables))
        if not optimizer.steps:
            say("Stopped before the first step: there is no model to save.", level="WARNING")
            return
        finish(training, optimizer, sources, contract)


def channels(contract: Contract, wanted: Hyperparameters) -> dict[str, Source]:
    """Raises ClientError for a channel that is not known or not there."""
    found = {name: one for name, one in contract.channels().items() if name != "code"}
    unknown = found.keys() - {"train", "validation", "test"}
    if unknown:
        raise ClientError(
            f"Channel {min(unknown)} is not known; linear learner reads train (required), validation and test."
        )
    if "train" not in found:
        raise ClientError("Missing required channel: train.")
    return {
        name: Source(one, width=wanted["feature_dim"], check=partial(check_labels, wanted, name))
        for name, one in found.items()
    }


def check_labels(wanted: Hyperparameters, channel: str, table: Batch) -> None:
    """The labels fit the predictor type; else ClientError with the first value that does not."""
    if wanted.regression:
        return
    labels, classes = labels_of(table), max(2, wanted.outputs)
    wrong = (labels < 0) | (labels > classes - 1) | (labels != np.rint(labels))
    if wrong.any():
        raise ClientError(
            f"Channel {channel}: the label {float(labels[wrong][0]):g} is not allowed for predictor_type "
            f"{wanted.predictor}; labels must be whole numbers in [0, {classes - 1}]."
        )


def prepare(first: Batch, wanted: Hyperparameters, group: Group, stop: Stop) -> Training:
    """What is learnt from the first table before the first step: scales and class counts, of all hosts."""
    classes = max(2, wanted.outputs)
    counts = np.ones(classes)
    if not wanted.regression:
        own = np.bincount(labels_of(first).astype(np.int64), minlength=classes)
        counts = np.maximum(group.sum(own), 1)
    weights = counts.sum() / (classes * counts) if wanted["balance_multiclass_weights"] else np.ones(classes)
    return Training(
        wanted,
        scaler.learn(first, wanted, group),
        candidates(wanted, first.width, balanced=float(counts[0] / counts[1])),
        weights.astype(np.float32),
        group,
        stop,
    )


def epochs(training: Training, optimizer: Optimizer, sources: Mapping[str, Source], tables: Iterator[Batch]) -> None:
    """All passes are made, or fewer when the best model no longer gets better or the job is asked to stop."""
    wanted, group = training.wanted, training.group
    name = objective_name(wanted)
    best, patience = np.inf, 0
    for number in range(wanted["epochs"]):
        losses = training.epoch(optimizer, tables, number)
        watched = losses
        if group.leads:
            report.quality(group.host, "train", name, lowest(losses), better="loss", epoch=number)
        if "validation" in sources:
            watched = training.objective(optimizer, sources["validation"])
            if group.leads:
                report.quality(group.host, "validation", name, lowest(watched), better="loss", epoch=number)
        value = lowest(watched)
        if group.leads:
            say(
                f"#early_stopping_criteria_metric: host={group.host}, epoch={number}, criteria={name}, "
                f"value={value:.10g}"
            )
            report.progress(group.host, number, wanted["epochs"])
        if group.any(bool(training.stop)):
            say("Stopped: the model is what was learnt so far.")
            return
        patience = (
            0 if value < best - wanted["early_stopping_tolerance"] * abs(best) or best == np.inf else patience + 1
        )
        best = min(best, value)
        if patience >= wanted["early_stopping_patience"]:
            if group.leads:
                say(f"Early stopping: {name} did not get better for {patience} epochs.")
            return
        tables = sources["train"].rows()


def lowest(losses: Floats) -> float:
    """Of the models whose numbers did not run away."""
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        raise ClientError(
            "The training diverged: no model has a finite loss. Set normalize_data to true, or learning_rate lower."
        )
    return float(finite.min())


def finish(training: Training, optimizer: Optimizer, sources: Mapping[str, Source], contract: Contract) -> None:
    """The best model is chosen, measured on every channel and saved."""
    wanted, group = training.wanted, training.group
    judge = sources.get("validation", sources["train"])
    losses = training.objective(optimizer, judge)
    lowest(losses)
    chosen, cut = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.inf))), 0.0
    if wanted.binary:
        scores, labels = training.collect(
            judge,
            lambda rows: training.scores(optimizer.weights, optimizer.bias, rows),
            wanted["num_calibration_samples"] or CALIBRATION,
        )
        if group.leads and wanted["binary_classifier_model_selection_criteria"] not in (
            "cross_entropy_loss",
            "loss_function",
        ):
            cuts = [
                selection.threshold(scores[:, one], labels, wanted)
                if np.isfinite(scores[:, one]).all()
                else (-1.0, 0.0)
                for one in range(training.tried.count)
            ]
            # Among models that serve the criterion equally well, the one of the lowest loss.
            chosen = max(range(len(cuts)), key=lambda one: (cuts[one][0], -losses[one]))
            cut = cuts[chosen][1]
    choice = group.sum(np.array([chosen, cut]) * group.leads)
    chosen, cut = int(choice[0]), float(choice[1])
    if group.leads:
        say(f"Best model found for hyperparameters: {json.dumps(training.tried.about(chosen))}")
    columns = slice(chosen * wanted.outputs, (chosen + 1) * wanted.outputs)
    weights, bias = training.scaler.original(optimizer.weights[:, columns], optimizer.bias[columns])
    measure(training, sources, weights, bias, cut)
    if group.leads:
        about = {
            "predictor_type": wanted.predictor,
            "loss": wanted.loss,
            "threshold": selection.shown(cut, wanted.loss),
            "chosen": training.tried.about(chosen),
        }
        artifact.save(contract.model_dir, ALGORITHM, about, {"weights": weights, "bias": bias})
        say(f"Saved the model of {len(weights)} features.")


def measure(training: Training, sources: Mapping[str, Source], weights: Any, bias: Any, cut: float) -> None:
    """The metrics of the chosen model on every channel are in the log. Of a train channel that comes through a pipe
    they are not: that would need one more pass than the job asked for."""
    wanted, group = training.wanted, training.group
    for name, source in sources.items():
        if name == "train" and source.piped:
            continue

        def score(rows: Any) -> Floats:
            return np.asarray(rows @ weights + bias, np.float32)

        scores, labels = training.collect(source, score, wanted["num_calibration_samples"] or CALIBRATION)
        if not group.leads:
            continue
        rows: Iterator[tuple[str, str, float]]
        if wanted.regression:
            rows = selection.regression_metrics(scores[:, 0], labels)
        elif wanted.binary:
            rows = selection.binary_metrics(scores[:, 0], labels, cut, wanted)
        else:
            rows = selection.multiclass_metrics(scores, labels, wanted)
        if name != "train":
            report.quality(group.host, name, objective_name(wanted), mean_loss(scores, labels, wanted), better="loss")
        for metric, better, value in rows:
            report.quality(group.host, name, metric, value, better=better)


def objective_name(wanted: Hyperparameters) -> str:
    return METRIC.get(wanted.loss, wanted.loss) + "_objective"


def mean_loss(scores: Floats, labels: Floats, wanted: Hyperparameters) -> float:
    shaped = scores if wanted.outputs == 1 else scores[:, None, :]
    return float(LOSS[wanted.loss](shaped, labels[:, None], wanted.values)[0].mean())
