"""Cross-validation inside the algorithm: one model for each part of the rows, trained on the others, asked for that."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError, Stop, say
from clary.algorithms.xgboost import boosting
from clary.algorithms.xgboost.boosting import Beginning, Scores
from clary.algorithms.xgboost.checkpoint import Checkpoints
from clary.algorithms.xgboost.data import matrix
from clary.algorithms.xgboost.engine import xgb
from clary.algorithms.xgboost.hyperparameters import Hyperparameters
from clary.algorithms.xgboost.table import Rows

Places = NDArray[np.int64]
PREDICTIONS = "predictions.csv"


def cross_validate(
    wanted: Hyperparameters, params: Mapping[str, Any], rows: Rows, stop: Stop, checkpoints: Path | None
) -> tuple[list[Any], Any]:
    """(one Booster a fold, table of predictions): the label of each row and what the models that had not seen it say:
    the number, or the probability and the class. When `stop` was set, the folds so far and no table."""
    folds = wanted.kfold or 2
    say(f"Run {wanted.num_cv_round}-round of {folds}-fold cross validation with {rows.count} rows")
    if folds > rows.count:
        raise ClientError(f"Hyperparameter _kfold: {folds} folds need as many rows; there are {rows.count}.")
    boosters: list[Any] = []
    scores: list[Scores] = []
    said = Said(rows, wanted)
    for turn in range(wanted.num_cv_round):
        for part, held in enumerate(parts(rows, wanted, turn)):
            say(f"Train cross validation fold {part + 1}")
            model = _fold(wanted, params, rows, held, stop, _kept(checkpoints, len(boosters)))
            boosters.append(model.booster)
            scores.append(model.scores)
            if stop:
                say(f"Stopped in fold {part + 1}: the models so far are kept.", level="WARNING")
                return boosters, None
            said.hear(model.booster, held, params["nthread"])
        say(f"The metrics of round {turn + 1} cross validation")
        print(_mean(wanted.num_round, scores[-folds:]), flush=True)
    if wanted.num_cv_round > 1:
        say(f"The overall metrics of {wanted.num_cv_round}-round cross validation")
        print(_mean(wanted.num_round, scores), flush=True)
    return boosters, said.table()


def _kept(checkpoints: Path | None, fold: int) -> Checkpoints:
    return Checkpoints(checkpoints / f"model-{fold}" if checkpoints else None)


def _fold(
    wanted: Hyperparameters, params: Mapping[str, Any], rows: Rows, held: Places, stop: Stop, checkpoints: Checkpoints
) -> boosting.Boosted:
    others = np.setdiff1d(np.arange(rows.count), held)
    evals = [
        (matrix(xgb, rows.take(places), params["nthread"], wanted.objective), name)
        for places, name in ((others, "train"), (held, "validation"))
    ]
    begun = checkpoints.load()
    return boosting.boost(wanted, params, evals, stop, checkpoints=checkpoints, beginning=Beginning(*begun))


def _mean(rounds: int, scores: list[Scores]) -> str:
    """The metric line of several models: the mean of each metric. An early stop may have left different rounds."""
    found = [one for one in scores if one]
    names = [name for name, _ in found[0]] if found else []
    return boosting.line(rounds, [(name, float(np.mean([dict(one)[name] for one in found]))) for name in names])


def parts(rows: Rows, wanted: Hyperparameters, turn: int) -> Iterator[Places]:
    """The rows of each fold, by chance, the same for the same seed. Classes are spread evenly over the folds, and the
    rows of one query stay together."""
    chance = np.random.default_rng([abs(int(wanted.booster.get("seed", 0))), turn])
    folds = wanted.kfold or 2
    if rows.groups is not None:
        names, members = np.unique(rows.groups, return_inverse=True)
        fold_of = (chance.permutation(len(names)) % folds)[members]
    else:
        mixed = chance.permutation(rows.count)
        if wanted.objective.startswith(("binary:", "multi:")):
            mixed = mixed[np.argsort(rows.labels[mixed], kind="stable")]
        fold_of = np.empty(rows.count, np.int64)
        fold_of[mixed] = np.arange(rows.count) % folds
    for fold in range(folds):
        yield np.flatnonzero(fold_of == fold)


class Said:
    """What the models say of the rows that they have not seen."""

    def __init__(self, rows: Rows, wanted: Hyperparameters) -> None:
        self._rows = rows
        self._objective = wanted.objective
        self._classes = wanted.objective.startswith(("binary:", "multi:"))
        self._numbers: list[list[float]] = [[] for _ in range(rows.count)]
        self._chosen: list[list[float]] = [[] for _ in range(rows.count)]

    def hear(self, booster: Any, held: Places, nthread: int) -> None:
        found = booster.predict(matrix(xgb, self._rows.take(held), nthread))
        many = found.ndim > 1 and found.shape[1] > 1
        numbers = found.max(axis=1) if many else found.reshape(-1)
        cut = 0 if self._objective == "binary:logitraw" else 0.5
        chosen = found.argmax(axis=1) if many else numbers > cut if self._objective.startswith("binary:") else numbers
        for place, number, one in zip(held, numbers, chosen, strict=True):
            self._numbers[place].append(float(number))
            self._chosen[place].append(float(one))

    def table(self) -> NDArray[np.float64]:
        """(rows, 3) for classes: label, mean probability, most frequent class; else (rows, 2): label, mean number."""
        means = np.array([np.mean(one) for one in self._numbers])
        columns = [self._rows.labels.astype(np.float64), means]
        if self._classes:
            columns.append(np.array([max(sorted(set(one)), key=one.count) for one in self._chosen]))
        return np.column_stack(columns)


def save_predictions(table: NDArray[np.float64], folder: Path) -> None:
    """The table stands in `folder`/predictions.csv, which becomes a part of the job's output.tar.gz."""
    folder.mkdir(parents=True, exist_ok=True)
    say(f"Storing predictions on validation set(s) in {folder / PREDICTIONS}")
    np.savetxt(folder / PREDICTIONS, table, delimiter=",", fmt="%f")
