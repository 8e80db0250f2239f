"""Training with AWS's k-means: channels in, metric lines in the log, /opt/ml/model/model_algo-1 out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError, Contract, Stop, run_training, say
from clary.algorithms.kmeans import hyperparameters
from clary.algorithms.kmeans.centers import Centers, assign
from clary.algorithms.tabular import artifact, report
from clary.algorithms.tabular.group import Group
from clary.algorithms.tabular.source import Source

ALGORITHM = "k-means"
EXTRA = 10
"""extra_center_factor, when it is auto."""
TRIALS = 10
"""local_lloyd_num_trials, when it is auto."""
Doubles = NDArray[np.float64]


def main(environ: Mapping[str, str]) -> int:
    """One training run; its exit code."""
    return run_training(Contract.read(environ), train)


def train(contract: Contract, stop: Stop) -> None:
    """The model stands in the model directory of the first host. Raises ClientError or AlgorithmError. When `stop` is
    set on the way, the centers so far are reduced to the model; before the first ones it raises Stopped."""
    wanted = hyperparameters.parse(contract.hyperparameters())
    sources = channels(contract, wanted)
    with stop.at_once():
        sources["train"].ready()
        group = Group.of(contract)
    with group:
        centers = Centers(
            wanted["k"] * (wanted["extra_center_factor"] or EXTRA),
            wanted["init_method"],
            wanted["half_life_time_size"],
            np.random.default_rng(group.rank),
        )
        for epoch in range(wanted["epochs"]):
            one_pass(centers, sources["train"], wanted, epoch, stop)
            if group.leads:
                report.progress(group.host, epoch, wanted["epochs"])
            if group.any(bool(stop)):
                say("Stopped: the model is what was learnt so far.")
                break
        final = reduce(centers, wanted, group)
        measure(sources, final, wanted, group)
        if group.leads:
            artifact.save(contract.model_dir, ALGORITHM, {"k": len(final)}, {"centers": final})
            say(f"Saved {len(final)} centers of {final.shape[1]} features.")


def channels(contract: Contract, wanted: Mapping[str, Any]) -> dict[str, Source]:
    """Raises ClientError for a channel that is not known or not there."""
    found = {name: one for name, one in contract.channels().items() if name != "code"}
    unknown = found.keys() - {"train", "test"}
    if unknown:
        raise ClientError(f"Channel {min(unknown)} is not known; k-means reads train (required) and test.")
    if "train" not in found:
        raise ClientError("Missing required channel: train.")
    return {name: Source(one, labels="optional", width=wanted["feature_dim"]) for name, one in found.items()}


def one_pass(centers: Centers, source: Source, wanted: Mapping[str, Any], epoch: int, stop: Stop) -> None:
    """Every row has moved a center, in an order of chance: files are often sorted."""
    chance = np.random.default_rng(epoch)
    for table in source.rows():
        order = chance.permutation(table.count)
        for begin in range(0, table.count, wanted["mini_batch_size"]):
            if stop and centers.places is not None:
                return
            centers.move(table.features[order[begin : begin + wanted["mini_batch_size"]]])


def reduce(centers: Centers, wanted: Mapping[str, Any], group: Group) -> Doubles:
    """The k centers, on every host: those that stand best for the centers of all hosts, by Lloyd's algorithm."""
    places = group.gather(centers.places if centers.places is not None else np.zeros((0, wanted["feature_dim"])))
    weights = group.gather(centers.weights)
    final = np.zeros((wanted["k"], wanted["feature_dim"]))
    known = np.zeros(1)
    if group.leads:
        every, weight = np.concatenate(places), np.concatenate(weights)
        every, weight = every[weight > 0], weight[weight > 0]
        known[0] = len(np.unique(every, axis=0))
        if known[0] >= wanted["k"]:
            final = lloyd(every, weight, wanted)
    if group.sum(known)[0] < wanted["k"]:
        raise ClientError(
            f"Hyperparameter k: '{wanted['k']}' is not allowed for this data; it has only {int(known[0])} different "
            "rows."
        )
    return group.sum(final)


def lloyd(places: Doubles, weights: Doubles, wanted: Mapping[str, Any]) -> Doubles:
    from sklearn.cluster import KMeans

    method = {"kmeans++": "k-means++"}.get(wanted["local_lloyd_init_method"], wanted["local_lloyd_init_method"])
    found = KMeans(
        wanted["k"],
        init=method,
        n_init=wanted["local_lloyd_num_trials"] or TRIALS,
        max_iter=wanted["local_lloyd_max_iter"],
        tol=wanted["local_lloyd_tol"],
        random_state=0,
    ).fit(places, sample_weight=weights)
    return np.asarray(found.cluster_centers_, np.float64)


def measure(sources: Mapping[str, Source], final: Doubles, wanted: Mapping[str, Any], group: Group) -> None:
    """The mean and the sum of the squared distances are in the log, for every channel of all hosts. Of a train channel
    that comes through a pipe they are not: that would need one more pass than the job asked for."""
    for name, source in sources.items():
        if name == "train" and source.piped:
            continue
        own = np.zeros(2)
        for table in source.rows():
            own += (assign(table.features, final)[1].sum(), table.count)
        squared, rows = group.sum(own)
        if group.leads:
            values = {"msd": squared / rows, "ssd": squared}
            for metric in wanted["eval_metrics"]:
                report.quality(group.host, name, metric, float(values[metric]), better="loss")
