"""The SDK's estimators of linear learner, k-means and factorization machines, unmodified."""

import pytest

from tests.clients.sdk.environments import SDK2
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


def test_from_record_sets_to_predictions(house: House) -> None:
    said = house.run(SDK2, "sdk2_tables.py", options=("--role", ROLE))
    assert said["right"] >= 0.95
    assert said["clusters"] == 3, "each group of rows is one cluster"
    assert said["off"] < 1
    assert said["names"] == {
        "linear": ["predicted_label", "score"],
        "kmeans": ["closest_cluster", "distance_to_cluster"],
        "machines": ["score"],
    }
    assert said["metrics"]["linear"]["test:binary_classification_accuracy"] >= 0.95
    assert 0 < said["metrics"]["linear"]["train:objective_loss"] < 1
    assert 0 < said["metrics"]["kmeans"]["train:msd"] < 5
    assert said["metrics"]["machines"]["train:rmse"] > 0
