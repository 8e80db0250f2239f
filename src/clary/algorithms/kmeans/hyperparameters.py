"""The hyperparameters of AWS's k-means, with its names, ranges and defaults
(docs.aws.amazon.com/sagemaker/latest/dg/k-means-api-config.html)."""

from collections.abc import Mapping
from typing import Any

from clary.algorithms.kinds import Choice, Integer, Real
from clary.algorithms.tabular.hyperparameters import AUTO, Known, Or, Words, read

METHODS = Choice(("random", "kmeans++"))

KNOWN: Mapping[str, Known] = {
    "k": Known(Integer(1), required=True),
    "feature_dim": Known(Integer(1), required=True),
    "mini_batch_size": Known(Integer(1), 5000),
    "epochs": Known(Integer(1), 1),
    "init_method": Known(METHODS, "random"),
    "extra_center_factor": Known(Or(AUTO, Integer(1))),
    "half_life_time_size": Known(Integer(0), 0),
    "local_lloyd_init_method": Known(METHODS, "kmeans++"),
    "local_lloyd_max_iter": Known(Integer(1), 300),
    "local_lloyd_num_trials": Known(Or(AUTO, Integer(1))),
    "local_lloyd_tol": Known(Real(low=0, high=1), 0.0001),
    "eval_metrics": Known(Words(("msd", "ssd")), ("msd",)),
}


def parse(given: Mapping[str, str]) -> dict[str, Any]:
    """The checked hyperparameters. Raises ClientError that names the first wrong one and what is allowed."""
    return read("K-means", KNOWN, given)
