"""The machine: a bias, a weight a feature, and factors whose products weigh each pair of features. Learnt by Adam, in
which only the features that a mini-batch holds are touched."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BETA_1, BETA_2, EPS = np.float32(0.9), np.float32(0.999), 1e-8


class Machine:
    """Bias (1,), linear weights (features,) and factors (features, num_factors)."""

    def __init__(self, bias: Floats, linear: Floats, factors: Floats) -> None:
        self.bias, self.linear, self.factors = bias, linear, factors

    @property
    def columns(self) -> int:
        return len(self.linear)

    def scores(self, rows: Any) -> Floats:
        """Raw scores of a CSR matrix or an array: bias + x w + sum over pairs of x_i x_j <v_i, v_j>."""
        met = np.asarray(rows @ self.factors, np.float32)
        own = np.asarray(squared(rows) @ self.factors**2, np.float32)
        found: Floats = self.bias + np.asarray(rows @ self.linear, np.float32) + (met**2 - own).sum(axis=1) / 2
        return found


def squared(rows: Any) -> Any:
    return rows**2 if isinstance(rows, np.ndarray) else rows.power(2)


def begin(wanted: Mapping[str, Any], columns: int) -> Machine:
    chance = np.random.default_rng(0)  # equal on all hosts, and from run to run

    def part(name: str, shape: tuple[int, ...]) -> Floats:
        match wanted[f"{name}_init_method"]:
            case "uniform":
                scale = wanted[f"{name}_init_scale"]
                return chance.uniform(-scale, scale, shape).astype(np.float32)
            case "constant":
                return np.full(shape, wanted[f"{name}_init_value"], np.float32)
        return chance.normal(0, wanted[f"{name}_init_sigma"], shape).astype(np.float32)

    return Machine(part("bias", (1,)), part("linear", (columns,)), part("factors", (columns, wanted["num_factors"])))


class Learner:
    """Moves a machine along the slope of the loss."""

    def __init__(self, machine: Machine, wanted: Mapping[str, Any]) -> None:
        self.machine = machine
        self.steps = 0
        self._wanted = wanted
        self._moments = {name: (np.zeros_like(of), np.zeros_like(of)) for name, of in self._parts()}

    @property
    def mini_batch_size(self) -> int:
        return int(self._wanted["mini_batch_size"])

    def _parts(self) -> tuple[tuple[str, Floats], ...]:
        machine = self.machine
        return ("bias", machine.bias), ("linear", machine.linear), ("factors", machine.factors)

    def step(self, rows: Any, labels: Floats) -> float:
        """One step on these rows (CSR); their summed loss before it."""
        touched, held = _compressed(rows)
        machine, classifies = self.machine, self._wanted["predictor_type"] == "binary_classifier"
        factors = machine.factors[touched]
        met = np.asarray(held @ factors, np.float32)
        both = squared(held)
        own = np.asarray(both @ factors**2, np.float32)
        scores = machine.bias + np.asarray(held @ machine.linear[touched], np.float32) + (met**2 - own).sum(axis=1) / 2
        if classifies:
            slopes = 1 / (1 + np.exp(-np.clip(scores, -60, 60))) - labels
            loss = np.logaddexp(0, np.where(labels > 0.5, -scores, scores)).sum(dtype=np.float64)
        else:
            slopes = 2 * (scores - labels)
            loss = ((scores - labels) ** 2).sum(dtype=np.float64)
        rescale = self._wanted["rescale_grad"]
        slopes = (slopes * (1 / len(labels) if rescale is None else rescale)).astype(np.float32)
        self.steps += 1
        self._move("bias", machine.bias, slice(None), slopes.sum(keepdims=True))
        self._move("linear", machine.linear, touched, np.asarray(held.T @ slopes, np.float32))
        pairs = np.asarray(held.T @ (slopes[:, None] * met), np.float32)
        pairs -= np.asarray(both.T @ slopes, np.float32)[:, None] * factors
        self._move("factors", machine.factors, touched, pairs)
        return float(loss)

    def _move(self, name: str, values: Floats, where: Any, slope: Floats) -> None:
        """One step of Adam at `where`. What was not touched keeps its moments, as AWS's lazy update does."""
        wanted = self._wanted
        slope = slope + np.float32(wanted[f"{name}_wd"]) * values[where]
        if wanted["clip_gradient"] is not None:
            slope = np.clip(slope, -abs(wanted["clip_gradient"]), abs(wanted["clip_gradient"])).astype(np.float32)
        first, second = self._moments[name]
        first[where] = BETA_1 * first[where] + (1 - BETA_1) * slope
        second[where] = BETA_2 * second[where] + (1 - BETA_2) * slope**2
        rate = wanted[f"{name}_lr"] * np.sqrt(1 - float(BETA_2) ** self.steps) / (1 - float(BETA_1) ** self.steps)
        eps = np.float32(EPS if wanted["eps"] is None else wanted["eps"])
        values[where] -= np.float32(rate) * first[where] / (np.sqrt(second[where]) + eps)


def _compressed(rows: Any) -> tuple[NDArray[np.int64], Any]:
    """The columns that these rows hold, and the rows with those columns alone."""
    from scipy.sparse import csr_matrix

    touched, places = np.unique(rows.indices, return_inverse=True)
    return touched, csr_matrix((rows.data, places.reshape(-1), rows.indptr), shape=(rows.shape[0], len(touched)))
