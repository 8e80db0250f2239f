"""Steps along the slope for many models at once, each with its own learning rate and regularisation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clary.algorithms.linear_learner.hyperparameters import Hyperparameters

Floats = NDArray[np.float32]

LEARNING_RATES = (0.1, 0.03, 0.3, 0.01)
"""Tried when learning_rate is auto, beside each other."""
REGULARISATIONS = (
    (0.0, 0.0),
    (0.0, 1e-3),
    (1e-4, 0.0),
    (0.0, 1e-2),
    (1e-3, 1e-4),
    (1e-2, 0.0),
    (0.0, 1e-1),
    (1e-3, 1e-2),
)
"""(l1, wd) that are tried where they are auto."""
MOST_NUMBERS = 40_000
"""Of all models together, when num_models is auto: more of them would cost more than they find."""
MOST_MODELS = 32
DECAY = 0.05
"""What is left of the learning rate at the last epoch, when the schedule is auto."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The models that are trained beside each other: one number each."""

    rates: Floats
    l1: Floats
    wd: Floats
    positive: Floats
    """The weight of positive examples."""

    @property
    def count(self) -> int:
        return len(self.rates)

    def about(self, model: int) -> dict[str, float]:
        return {
            "learning_rate": round(float(self.rates[model]), 9),
            "l1": round(float(self.l1[model]), 9),
            "wd": round(float(self.wd[model]), 9),
        }


def candidates(wanted: Hyperparameters, columns: int, balanced: float) -> Candidates:
    """What is auto is tried in several ways, the most promising first, up to num_models. `balanced` is the weight at
    which positive examples count as much as all others."""
    given = wanted["learning_rate"]
    rates = (given,) if given is not None else LEARNING_RATES
    penalties = [
        (l1 if wanted["l1"] is None else wanted["l1"], wd if wanted["wd"] is None else wanted["wd"])
        for l1, wd in REGULARISATIONS
    ]
    weight = wanted["positive_example_weight_mult"]
    weights = (1.0, balanced) if weight is None else (balanced,) if weight == "balanced" else (weight,)
    grid = dict.fromkeys(
        (rate, l1, wd, positive) for l1, wd in dict.fromkeys(penalties) for rate in rates for positive in weights
    )
    auto = max(1, min(MOST_MODELS, MOST_NUMBERS // max(1, columns * wanted.outputs)))
    chosen = np.array(list(grid)[: wanted["num_models"] or auto], np.float32)
    return Candidates(*(np.ascontiguousarray(column) for column in chosen.T))


class Optimizer:
    """Weights (features, models x outputs) and biases on their way."""

    def __init__(self, wanted: Hyperparameters, tried: Candidates, columns: int) -> None:
        self.kind = wanted["optimizer"] or "adam"
        outputs = wanted.outputs
        self._rates = np.repeat(tried.rates, outputs)
        self._l1 = np.repeat(tried.l1, outputs)
        self._wd = np.repeat(tried.wd, outputs)
        self._wanted = wanted
        self._bias_rate = np.float32(wanted["bias_lr_mult"] or 1.0)
        self._bias_wd = np.float32(wanted["bias_wd_mult"] or 0.0)
        self._momentum = np.float32(wanted["momentum"] or 0.0)
        self._beta_1 = np.float32(0.9 if wanted["beta_1"] is None else wanted["beta_1"])
        self._beta_2 = np.float32(0.999 if wanted["beta_2"] is None else wanted["beta_2"])
        self.weights = _beginning(wanted, (columns, len(self._rates)))
        self.bias = np.full(len(self._rates), wanted["init_bias"] if wanted["use_bias"] else 0.0, np.float32)
        self.steps = 0
        self._first = [np.zeros_like(self.weights), np.zeros_like(self.bias)]
        self._second = [np.zeros_like(self.weights), np.zeros_like(self.bias)]

    def step(self, slope: Floats, bias_slope: Floats, epoch: int) -> None:
        """One step against these slopes of the mean loss."""
        rates = self._rates_now(epoch)
        self.steps += 1
        if self._wd.any():
            slope = slope + self._wd * self.weights
        self.weights -= rates * self._direction(0, slope)
        if self._l1.any():
            # Towards zero and never past it: weights that carry nothing become exactly 0.
            self.weights = np.sign(self.weights) * np.maximum(np.abs(self.weights) - rates * self._l1, 0)
        if self._wanted["use_bias"]:
            pulled = bias_slope + self._bias_wd * self._wd * self.bias
            self.bias -= rates * self._bias_rate * self._direction(1, pulled)

    def _rates_now(self, epoch: int) -> Floats:
        wanted = self._wanted
        if not wanted["use_lr_scheduler"]:
            return self._rates
        step, factor = wanted["lr_scheduler_step"], wanted["lr_scheduler_factor"]
        if step is None and factor is None:
            left = DECAY ** (epoch / max(1, wanted["epochs"] - 1))
        else:
            left = (factor or 0.99) ** (self.steps // (step or 100))
        least = wanted["lr_scheduler_minimum_lr"] or 1e-5
        now: Floats = np.maximum(self._rates * np.float32(left), np.minimum(self._rates, np.float32(least)))
        return now

    def _direction(self, part: int, slope: Floats) -> Floats:
        first, second = self._first[part], self._second[part]
        if self.kind == "sgd":
            first *= self._momentum
            first += slope
            return first
        if self.kind == "rmsprop":
            decay = np.float32(0.9)
            second *= decay
            second += (1 - decay) * slope**2
            scaled: Floats = slope / (np.sqrt(second) + np.float32(1e-8))
            return scaled
        first *= self._beta_1
        first += (1 - self._beta_1) * slope
        second *= self._beta_2
        second += (1 - self._beta_2) * slope**2
        unbiased = np.sqrt(second / np.float32(1 - float(self._beta_2) ** self.steps)) + np.float32(1e-8)
        direction: Floats = first / np.float32(1 - float(self._beta_1) ** self.steps) / unbiased
        return direction


def _beginning(wanted: Hyperparameters, shape: tuple[int, int]) -> Floats:
    chance = np.random.default_rng(0)  # equal on all hosts, and from run to run
    if wanted["init_method"] == "normal":
        return chance.normal(0, wanted["init_sigma"], shape).astype(np.float32)
    return chance.uniform(-wanted["init_scale"], wanted["init_scale"], shape).astype(np.float32)
