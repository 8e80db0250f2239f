"""Training with AWS's factorization machines: channels in, metric lines in the log, /opt/ml/model/model_algo-1 out."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError, Contract, Stop, run_training, say
from clary.algorithms.factorization_machines import hyperparameters
from clary.algorithms.factorization_machines.machine import Learner, Machine, begin
from clary.algorithms.recordio.batches import Batch
from clary.algorithms.tabular import artifact, report
from clary.algorithms.tabular.group import Group
from clary.algorithms.tabular.source import Source

ALGORITHM = "factorization-machines"
Floats = NDArray[np.float32]


def main(environ: Mapping[str, str]) -> int:
    """One training run; its exit code."""
    return run_training(Contract.read(environ), train)


def train(contract: Contract, stop: Stop) -> None:
    """The model stands in the model directory of the first host. Raises ClientError or AlgorithmError. When `stop` is
    set on the way, what was learnt so far is the model; before the first step it raises Stopped."""
    wanted = hyperparameters.parse(contract.hyperparameters())
    sources = channels(contract, wanted)
    machine = begin(wanted, wanted["feature_dim"])
    learner = Learner(machine, wanted)
    with stop.at_once():
        sources["train"].ready()
        group = Group.of(contract)
    with group:
        for epoch in range(wanted["epochs"]):
            loss = one_pass(learner, sources["train"], epoch, group, stop)
            if group.leads:
                told(group, "train", dict(losses(loss, wanted)), epoch)
                report.progress(group.host, epoch, wanted["epochs"])
            if group.any(bool(stop)):
                say("Stopped: the model is what was learnt so far.")
                break
        for name, source in sources.items():
            if name == "test" or not source.piped:
                measure(machine, name, source, wanted, group)
    if group.leads:
        arrays = {"bias": machine.bias, "linear": machine.linear, "factors": machine.factors}
        artifact.save(contract.model_dir, ALGORITHM, {"predictor_type": wanted["predictor_type"]}, arrays)
        say(f"Saved {machine.factors.shape[1]} factors of {machine.columns} features.")


def channels(contract: Contract, wanted: Mapping[str, Any]) -> dict[str, Source]:
    """Raises ClientError for a channel that is not known or not there."""
    found = {name: one for name, one in contract.channels().items() if name != "code"}
    unknown = found.keys() - {"train", "test"}
    if unknown:
        raise ClientError(
            f"Channel {min(unknown)} is not known; factorization machines read train (required) and test."
        )
    if "train" not in found:
        raise ClientError("Missing required channel: train.")
    return {
        name: Source(one, width=wanted["feature_dim"], check=partial(check_labels, wanted, name))
        for name, one in found.items()
    }


def check_labels(wanted: Mapping[str, Any], channel: str, table: Batch) -> None:
    """The labels fit the predictor type; else ClientError with the first value that does not."""
    if wanted["predictor_type"] == "regressor" or table.labels is None:
        return
    wrong = (table.labels != 0) & (table.labels != 1)
    if wrong.any():
        raise ClientError(
            f"Channel {channel}: the label {float(table.labels[wrong][0]):g} is not allowed for predictor_type "
            "binary_classifier; labels must be 0 or 1."
        )


def one_pass(learner: Learner, source: Source, epoch: int, group: Group, stop: Stop) -> float:
    """All hosts have made one pass and have the same machine: the mean loss on the way. A host that is asked to stop
    leaves its pass early, and still averages with the others."""
    chance = np.random.default_rng(epoch)
    total, seen = 0.0, 0
    for table in source.rows():
        for rows, labels in mini_batches(table, learner, chance):
            total += learner.step(rows, labels)
            seen += len(labels)
            if stop:
                break
        if stop:
            break
    machine = learner.machine
    if not np.isfinite(total):
        raise ClientError("The training diverged. Set bias_lr, linear_lr and factors_lr lower, or clip_gradient.")
    if group.size == 1:
        return total / max(1, seen)
    for values in (machine.bias, machine.linear, machine.factors):
        values[...] = group.sum(values.astype(np.float64) * seen) / max(1.0, float(group.sum(np.array([seen]))[0]))
    every = group.sum(np.array([total, seen]))
    return float(every[0] / max(1, every[1]))


def mini_batches(table: Batch, learner: Learner, chance: np.random.Generator) -> Iterator[tuple[Any, Floats]]:
    """The rows as CSR, in an order of chance: files are often sorted by user or by what is to be learnt."""
    from scipy.sparse import csr_matrix

    if table.labels is None:
        raise ClientError("The records have no label.")
    order = chance.permutation(table.count)
    size = learner.mini_batch_size
    rows = csr_matrix(table.features)[order]
    labels = table.labels[order]
    for begin_row in range(0, table.count, size):
        yield rows[begin_row : begin_row + size], labels[begin_row : begin_row + size]


def losses(loss: float, wanted: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if wanted["predictor_type"] == "binary_classifier":
        yield "binary_classification_cross_entropy", loss
    else:
        yield "rmse", float(np.sqrt(loss))
        yield "mse", loss


def told(group: Group, name: str, values: Mapping[str, float], epoch: int | None = None) -> None:
    for metric, value in values.items():
        better = "score" if metric in ("binary_classification_accuracy", "binary_f_1.000") else "loss"
        report.quality(group.host, name, metric, value, better=better, epoch=epoch)


def measure(machine: Machine, name: str, source: Source, wanted: Mapping[str, Any], group: Group) -> None:
    """The metrics of the machine on a channel of all hosts are in the log."""
    own = np.zeros(6)
    for table in source.rows():
        for begin_row in range(0, table.count, 10_000):
            part = slice(begin_row, begin_row + 10_000)
            labels = table.labels[part] if table.labels is not None else np.zeros(0, np.float32)
            own += sums(machine.scores(table.features[part]), labels, wanted)
    count, loss, absolute, right, hits, picked_and_real = group.sum(own)
    if not group.leads:
        return
    values = dict(losses(loss / count, wanted))
    if wanted["predictor_type"] == "binary_classifier":
        values["binary_classification_accuracy"] = right / count
        values["binary_f_1.000"] = 2 * hits / picked_and_real if picked_and_real else 0.0
    else:
        values["absolute_loss"] = absolute / count
    told(group, name, values)


def sums(scores: Floats, labels: Floats, wanted: Mapping[str, Any]) -> NDArray[np.float64]:
    """Rows, loss, absolute loss, right answers, hits of class 1, and predicted plus real ones of it."""
    off = scores.astype(np.float64) - labels
    if wanted["predictor_type"] != "binary_classifier":
        return np.array([len(labels), (off**2).sum(), np.abs(off).sum(), 0, 0, 0])
    chosen, true = scores > 0, labels > 0.5
    loss = np.logaddexp(0, np.where(true, -scores, scores)).sum(dtype=np.float64)
    return np.array(
        [len(labels), loss, 0, (chosen == true).sum(), (chosen & true).sum(), chosen.sum() + true.sum()], np.float64
    )
