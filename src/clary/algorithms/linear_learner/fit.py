"""The training itself: mini-batches through all models at once, hosts averaged after each pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.contract import ClientError, Stop
from clary.algorithms.linear_learner.hyperparameters import Hyperparameters
from clary.algorithms.linear_learner.losses import LOSS
from clary.algorithms.linear_learner.optimizer import Candidates, Optimizer
from clary.algorithms.linear_learner.scaler import Scaler
from clary.algorithms.recordio.batches import Batch
from clary.algorithms.tabular.group import Group
from clary.algorithms.tabular.source import Source

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Training:
    """What stays the same from pass to pass."""

    wanted: Hyperparameters
    scaler: Scaler
    tried: Candidates
    class_weights: Floats
    """The weight of each class, for softmax."""
    group: Group
    stop: Stop

    def scores(self, weights: Floats, bias: Floats, features: Any) -> Floats:
        """Raw scores (rows, models), for softmax (rows, models, classes), of features as they are in the data."""
        found = self._raw(weights, bias, self.scaler.features(features))
        return found * np.float32(self.scaler.label_scale) + np.float32(self.scaler.label_shift)

    def _raw(self, weights: Floats, bias: Floats, scaled: Any) -> Floats:
        found = np.asarray(scaled @ weights, np.float32) + bias
        outputs = self.wanted.outputs
        return found if outputs == 1 else found.reshape(len(found), -1, outputs)

    def epoch(self, optimizer: Optimizer, tables: Iterator[Batch], number: int) -> Floats:
        """All hosts have made one pass and have the same weights: the mean loss of every model on the way. A host that
        is asked to stop leaves its pass early, and still averages with the others."""
        chance = np.random.default_rng(number)
        total, seen = np.zeros(self.tried.count), 0
        for table in tables:
            for features, labels in self._mini_batches(table, chance):
                total += self._step(optimizer, features, labels, number)
                seen += len(labels)
                if self.stop:
                    break
            if self.stop:
                break
        own = np.concatenate([optimizer.weights.reshape(-1), optimizer.bias]).astype(np.float64)
        if self.group.size > 1:
            every = self.group.sum(np.concatenate([own * seen, total, [seen]]))
            own, total, seen = every[: len(own)] / max(1, every[-1]), every[len(own) : -1], int(every[-1])
            optimizer.weights = own[: optimizer.weights.size].reshape(optimizer.weights.shape).astype(np.float32)
            optimizer.bias = own[optimizer.weights.size :].astype(np.float32)
        return (total / max(1, seen)).astype(np.float32)

    def _mini_batches(self, table: Batch, chance: np.random.Generator) -> Iterator[tuple[Any, Floats]]:
        """The rows in an order of chance: files are often sorted by what is to be learnt."""
        labels = labels_of(table)
        order = chance.permutation(table.count)
        # Unless the job says otherwise, small data is learnt in small steps: some thirty a pass.
        size = self.wanted["mini_batch_size"] or max(10, min(1000, table.count // 30))
        for begin in range(0, table.count, size):
            rows = order[begin : begin + size]
            yield table.features[rows], labels[rows]

    def _step(self, optimizer: Optimizer, features: Any, labels: Floats, epoch: int) -> NDArray[np.float64]:
        """One step of every model; the summed loss of each before it."""
        scaled = self.scaler.features(features)
        column = self.scaler.labels(labels)[:, None]
        losses, slopes = LOSS[self.wanted.loss](
            self._raw(optimizer.weights, optimizer.bias, scaled), column, self.wanted.values
        )
        factors = self._factors(labels)
        if factors is not None:
            losses = losses * factors
            slopes = slopes * (factors if slopes.ndim == 2 else factors[:, :, None])
        flat = (slopes.reshape(len(labels), -1) / len(labels)).astype(np.float32, copy=False)
        optimizer.step(np.asarray(scaled.T @ flat, np.float32), flat.sum(axis=0), epoch)
        summed: NDArray[np.float64] = losses.sum(axis=0, dtype=np.float64)
        return summed

    def _factors(self, labels: Floats) -> Floats | None:
        """The weight of each row for each model; None when all are 1."""
        if self.wanted.binary and (self.tried.positive != 1).any():
            positive = labels.reshape(-1, 1) > 0.5
            return np.where(positive, self.tried.positive, np.float32(1))
        if self.wanted.outputs > 1 and (self.class_weights != 1).any():
            of_class: Floats = self.class_weights[labels.astype(np.int64)]
            return of_class.reshape(-1, 1)
        return None

    def objective(self, optimizer: Optimizer, source: Source) -> Floats:
        """The mean loss of every model on a whole channel of all hosts, on the labels as they are."""
        total, seen = np.zeros(self.tried.count), 0
        for table in source.rows():
            labels = labels_of(table)
            for begin in range(0, table.count, 10_000):
                part = slice(begin, begin + 10_000)
                scores = self.scores(optimizer.weights, optimizer.bias, table.features[part])
                losses, _ = LOSS[self.wanted.loss](scores, labels[part, None], self.wanted.values)
                total += losses.sum(axis=0, dtype=np.float64)
            seen += table.count
        every = self.group.sum(np.concatenate([total, [seen]]))
        return (every[:-1] / max(1.0, float(every[-1]))).astype(np.float32)

    def collect(self, source: Source, score: Callable[[Any], Floats], limit: int) -> tuple[Floats, Floats]:
        """Scores and labels of up to `limit` rows of each host, on the first host; nothing on others."""
        scores: list[Floats] = []
        labels: list[Floats] = []
        seen = 0
        for table in source.rows():
            take = slice(0, max(0, limit - seen))
            scores.append(score(table.features[take]))
            labels.append(labels_of(table)[take])
            seen += len(labels[-1])
        every = self.group.gather(np.concatenate(scores)), self.group.gather(np.concatenate(labels))
        if not self.group.leads:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        return np.concatenate(every[0]), np.concatenate(every[1])


def labels_of(table: Batch) -> Floats:
    if table.labels is None:
        raise ClientError("The records have no label.")
    return table.labels
