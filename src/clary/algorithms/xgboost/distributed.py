"""Training by several hosts: each holds a part of the rows, all grow the same trees, the first one saves the model."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from clary.algorithms.contract import AlgorithmError, ClientError, Contract, Stop, say, visible_cpus
from clary.algorithms.xgboost import boosting
from clary.algorithms.xgboost import train as training
from clary.algorithms.xgboost.data import matrix
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.group import Collective, Group
from clary.algorithms.xgboost.hyperparameters import Hyperparameters
from clary.algorithms.xgboost.rendezvous import Rendezvous, Told, address_of, end_process
from clary.algorithms.xgboost.table import Rows

END_SECONDS = 60
"""How long the tracker waits at the end for all hosts to say goodbye."""


def train(contract: Contract, stop: Stop, environ: Mapping[str, str], wanted: Hyperparameters) -> None:
    """The model of the rows of all hosts stands in the first one's model directory; the others leave none. Raises
    ClientError or AlgorithmError; the process ends with words when another host is lost."""
    hosts, current = contract.hosts(), contract.current_host()
    check(wanted, hosts, current)
    say(f"Distributed node training with {len(hosts)} hosts: {hosts}")
    with stop.at_once():
        found = training.find(contract, wanted)
    if found["train"] is None:
        say(f"Host {current} does not have training data: it takes part with none.", level="WARNING")

    def lost(reason: str) -> None:
        contract.fail(reason)
        end_process(reason)

    meeting = Rendezvous(hosts, current, lost)
    tracker = Tracker(hosts)
    with stop.at_once():
        agreed = meeting.meet(told(found), tracker.agree)
    # Named by its place, so that the first host has rank 0 and the others theirs in the order of the job's list.
    place = f"{hosts.index(current):05d}"
    with xgb.collective.CommunicatorContext(**agreed["tracker"], dmlc_task_id=place):
        group = Collective(xgb)
        params = training.parameters(wanted, agreed["rows"], visible_cpus(environ), hosts=len(hosts))
        evals = []
        for name in agreed["channels"]:
            rows = widened(found.pop(name, None), agreed)
            say(f"{name.capitalize()} matrix has {rows.count} rows and {rows.width} columns")
            evals.append((matrix(xgb, rows, params["nthread"], wanted.objective), name))
            del rows
        checkpoints, wanted, beginning = training.begin(contract, wanted)
        try:
            made = boosting.boost(
                wanted, params, evals, stop, checkpoints=checkpoints, beginning=beginning, group=group
            )
        except AlgorithmError:
            meeting.wait_for_loss()
            raise
        stopped = bool(group.sum(np.array([float(bool(stop))]))[0])
        same_everywhere(made.booster, group)
    if group.rank == 0:
        if stopped:
            stop.ask()  # another host may have heard it first
        training.finish(contract, wanted, [made.booster], stop)
    meeting.leave()
    tracker.end()


def check(wanted: Hyperparameters, hosts: list[str], current: str) -> None:
    """What several hosts cannot do is refused by name."""
    if current not in hosts:
        raise AlgorithmError(f"resourceconfig.json: current_host {current} is not one of the hosts {', '.join(hosts)}.")
    if wanted.kfold is not None:
        raise ClientError("Hyperparameter _kfold: cross-validation runs on one instance; set InstanceCount to 1.")
    if wanted.booster.get("tree_method") == "exact" or "grow_colmaker" in str(wanted.booster.get("updater")):
        raise ClientError("Hyperparameter tree_method: exact grows trees on one instance only; use hist or approx.")
    if wanted.booster.get("booster") == "gblinear":
        raise ClientError("Hyperparameter booster: gblinear trains on one instance only; use gbtree or dart.")
    if wanted.objective == "survival:cox":
        raise ClientError("Hyperparameter objective: survival:cox looks at all rows at once; set InstanceCount to 1.")


def told(found: Mapping[str, Rows | None]) -> Told:
    """What this host says of its rows: for each of its channels how many, how wide, how kept."""
    return {
        "channels": {
            name: {
                "rows": rows.count if rows else 0,
                "columns": rows.width if rows else 0,
                "sparse": bool(rows and rows.sparse),
                "weights": None if rows is None else rows.weights is not None,
                "queries": None if rows is None else rows.groups is not None,
            }
            for name, rows in found.items()
        }
    }


class Tracker:
    """XGBoost's own meeting point, beside ours: on the first host only."""

    def __init__(self, hosts: list[str]) -> None:
        self._hosts = hosts
        self._tracker: Any = None

    def agree(self, said: list[Told]) -> Told:
        """What all hosts train on. Raises ClientError when their rows do not fit together."""
        names = [name for name in training.CHANNELS if any(name in one["channels"] for one in said)]
        parts = [one["channels"][name] for one in said for name in names if name in one["channels"]]
        holding = [part for part in parts if part["rows"]]
        for name in names:
            if not any(one["channels"].get(name, {}).get("rows") for one in said):
                raise ClientError(f"No data in {name} channel path of any of the hosts {', '.join(self._hosts)}.")
        widths = sorted({part["columns"] for part in holding if not part["sparse"]})
        width = max(part["columns"] for part in holding)
        if len(widths) > 1 or (widths and widths[0] < width):
            raise ClientError(f"The files of the hosts differ: some have {widths[0]} feature columns, some {width}.")
        for about in ("weights", "queries"):
            if len({one["channels"]["train"][about] for one in said if one["channels"]["train"]["rows"]}) > 1:
                raise ClientError(f"The files of the hosts differ: only some have {about}.")
        self._tracker = xgb.tracker.RabitTracker(n_workers=len(said), host_ip=address_of(self._hosts[0]), sortby="task")
        self._tracker.start()
        train = [one["channels"]["train"] for one in said]
        return {
            "tracker": self._tracker.worker_args(),
            "channels": names,
            "columns": width,
            "sparse": any(part["sparse"] for part in holding),
            "weights": any(part["weights"] for part in train),
            "queries": any(part["queries"] for part in train),
            "rows": sum(part["rows"] for part in train),
        }

    def end(self) -> None:
        if self._tracker is not None:
            self._tracker.wait_for(END_SECONDS)


def widened(rows: Rows | None, agreed: Told) -> Rows:
    """This host's rows with the columns that all have together; an empty table of them where it has no rows."""
    width = agreed["columns"]
    if rows is None:
        features: Any = np.empty((0, width), np.float32)
        if agreed["sparse"]:
            from scipy.sparse import csr_matrix

            features = csr_matrix((0, width), dtype=np.float32)
        nothing = np.empty(0, np.float32)
        return Rows(
            features,
            nothing,
            nothing if agreed["weights"] else None,
            np.empty(0, np.int64) if agreed["queries"] else None,
        )
    if rows.sparse:
        rows.features.resize(rows.count, width)
    return rows


def same_everywhere(booster: Any, group: Group) -> None:
    """All hosts have the same model. Raises AlgorithmError when not: then one of them did not train on what all did."""
    digest = hashlib.sha256(booster.save_raw("ubj")).digest()
    numbers = group.gather(np.frombuffer(digest, np.int64))
    if len(np.unique(numbers.reshape(group.size, -1), axis=0)) > 1:
        raise AlgorithmError("The hosts ended with different models.")
