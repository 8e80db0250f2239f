"""The hyperparameters of AWS's factorization machines, with its names, ranges and defaults
(docs.aws.amazon.com/sagemaker/latest/dg/fact-machines-hyperparameters.html)."""

from collections.abc import Mapping
from typing import Any

from clary.algorithms.contract import ClientError
from clary.algorithms.kinds import Choice, Integer, Real
from clary.algorithms.tabular.hyperparameters import Known, read

METHODS = Choice(("uniform", "normal", "constant"))
NOT_NEGATIVE = Real(low=0)
PARTS: Mapping[str, tuple[float, float, float]] = {
    "bias": (0.1, 0.01, 0.01),
    "linear": (0.001, 0.001, 0.01),
    "factors": (0.0001, 0.00001, 0.001),
}
"""Learning rate, weight decay and spread at the beginning, when nobody says."""

KNOWN: Mapping[str, Known] = {
    "feature_dim": Known(Integer(1), required=True),
    "num_factors": Known(Integer(1), required=True),
    "predictor_type": Known(Choice(("binary_classifier", "regressor")), required=True),
    "epochs": Known(Integer(1), 1),
    "mini_batch_size": Known(Integer(1), 1000),
    "clip_gradient": Known(Real()),
    "rescale_grad": Known(Real()),
    "eps": Known(Real()),
} | {
    f"{part}_{name}": known
    for part, (rate, decay, sigma) in PARTS.items()
    for name, known in {
        "lr": Known(NOT_NEGATIVE, rate),
        "wd": Known(NOT_NEGATIVE, decay),
        "init_method": Known(METHODS, "normal"),
        "init_sigma": Known(NOT_NEGATIVE, sigma),
        "init_scale": Known(NOT_NEGATIVE),
        "init_value": Known(Real()),
    }.items()
}


def parse(given: Mapping[str, str]) -> dict[str, Any]:
    """The checked hyperparameters. Raises ClientError that names the first wrong one and what is allowed."""
    values = read("Factorization machines", KNOWN, given)
    for part in PARTS:
        for method, needed in (("uniform", "init_scale"), ("constant", "init_value")):
            if values[f"{part}_init_method"] == method and values[f"{part}_{needed}"] is None:
                raise ClientError(
                    f"Hyperparameter {part}_{needed} is required when {part}_init_method is {method}; it must be a "
                    "number."
                )
    return values
