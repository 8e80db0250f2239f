"""The hyperparameters of AWS's linear learner, with its names, ranges and defaults
(docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clary.algorithms.contract import ClientError
from clary.algorithms.kinds import Choice, Integer, Real
from clary.algorithms.linear_learner.losses import DEFAULT, OF_PREDICTOR
from clary.algorithms.tabular.hyperparameters import AUTO, Flag, Known, Or, read

NAME = "Linear learner"
POSITIVE = Real(above=0)
SHARE = Real(above=0, below=1)
CRITERIA = (
    "accuracy",
    "f1",
    "f_beta",
    "precision_at_target_recall",
    "recall_at_target_precision",
    "cross_entropy_loss",
    "loss_function",
)
LOSSES = tuple(dict.fromkeys(one for losses in OF_PREDICTOR.values() for one in losses))

KNOWN: Mapping[str, Known] = {
    "predictor_type": Known(Choice(tuple(OF_PREDICTOR)), required=True),
    "num_classes": Known(Integer(1, 1_000_000)),
    "feature_dim": Known(Or(AUTO, Integer(1))),
    "mini_batch_size": Known(Integer(1)),
    "epochs": Known(Integer(1), 15),
    "num_models": Known(Or(AUTO, Integer(1))),
    "num_calibration_samples": Known(Or(AUTO, Integer(1))),
    # What is optimised
    "loss": Known(Or(AUTO, Choice(LOSSES))),
    "margin": Known(Real(low=0), 1.0),
    "quantile": Known(SHARE, 0.5),
    "loss_insensitivity": Known(POSITIVE, 0.01),
    "huber_delta": Known(Real(low=0), 1.0),
    "l1": Known(Or(AUTO, Real(low=0))),
    "wd": Known(Or(AUTO, Real(low=0))),
    "positive_example_weight_mult": Known(Or(("auto", "balanced"), POSITIVE), 1.0),
    "balance_multiclass_weights": Known(Flag(), False),
    # How
    "optimizer": Known(Or(AUTO, Choice(("sgd", "adam", "rmsprop")))),
    "learning_rate": Known(Or(AUTO, POSITIVE)),
    "momentum": Known(Or(AUTO, Real(low=0, below=1))),
    "beta_1": Known(Or(AUTO, Real(low=0, below=1))),
    "beta_2": Known(Or(AUTO, Real(low=0, below=1))),
    "use_bias": Known(Flag(), True),
    "bias_lr_mult": Known(Or(AUTO, POSITIVE)),
    "bias_wd_mult": Known(Or(AUTO, Real(low=0))),
    "use_lr_scheduler": Known(Flag(), True),
    "lr_scheduler_step": Known(Or(AUTO, Integer(1))),
    "lr_scheduler_factor": Known(Or(AUTO, SHARE)),
    "lr_scheduler_minimum_lr": Known(Or(AUTO, POSITIVE)),
    "init_method": Known(Choice(("uniform", "normal")), "uniform"),
    "init_scale": Known(POSITIVE, 0.07),
    "init_sigma": Known(Real(low=0), 0.01),
    "init_bias": Known(Real(), 0.0),
    "early_stopping_patience": Known(Integer(1), 3),
    "early_stopping_tolerance": Known(POSITIVE, 0.001),
    # The data
    "normalize_data": Known(Or(AUTO, Flag()), True),
    "normalize_label": Known(Or(AUTO, Flag())),
    "unbias_data": Known(Or(AUTO, Flag())),
    "unbias_label": Known(Or(AUTO, Flag())),
    "num_point_for_scaler": Known(Integer(1), 10_000),
    # The choice among the models
    "binary_classifier_model_selection_criteria": Known(Choice(CRITERIA), "accuracy"),
    "target_recall": Known(SHARE, 0.8),
    "target_precision": Known(SHARE, 0.8),
    "f_beta": Known(POSITIVE, 1.0),
    "accuracy_top_k": Known(Integer(1), 3),
}


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What the job asked for, checked. None is "auto"."""

    predictor: str
    loss: str
    outputs: int
    """Numbers that a model gives for a row: one a class, or one."""
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def regression(self) -> bool:
        return self.predictor == "regressor"

    @property
    def binary(self) -> bool:
        return self.predictor == "binary_classifier"


def parse(given: Mapping[str, str]) -> Hyperparameters:
    """The checked hyperparameters. Raises ClientError that names the first wrong one and what is allowed."""
    values = read(NAME, KNOWN, given)
    predictor = values["predictor_type"]
    loss = values["loss"] or DEFAULT[predictor]
    if loss not in OF_PREDICTOR[predictor]:
        raise ClientError(
            f"Hyperparameter loss: '{loss}' is not allowed for predictor_type {predictor}; it must be one of auto, "
            f"{', '.join(OF_PREDICTOR[predictor])}."
        )
    outputs = 1
    if predictor == "multiclass_classifier":
        outputs = values["num_classes"] or 0
        if outputs < 3:
            raise ClientError(
                "Hyperparameter num_classes is required for predictor_type multiclass_classifier; it must be an "
                "integer in [3, 1000000]."
            )
    if values["_tuning_objective_metric"]:
        # A tuning job explores by itself; models beside each other would blur what it compares.
        values["num_models"] = 1
    return Hyperparameters(predictor, loss, outputs, values)
