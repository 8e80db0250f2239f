"""The tuners of both major versions of the `sagemaker` SDK, unmodified, as a notebook would use them."""

import pytest

from tests.clients.sdk.environments import SDK2, SDK3, Environment
from tests.clients.sdk.house import ROLE, House
from tests.clients.sdk.sets import Sets

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


@pytest.mark.parametrize(("sdk", "digit"), [(SDK2, "2"), (SDK3, "3")], ids=["v2", "v3"])
def test_tune_find_the_best_and_attach(house: House, sdk: Environment, digit: str, sets: Sets) -> None:
    said = house.run(sdk, f"sdk{digit}_tuning.py", str(sets.place / "iris"), options=("--role", ROLE))
    assert len(said["names"]) == 3
    assert all(name.startswith(f"{said['name']}-00") for name in said["names"])
    values = dict(zip(said["names"], said["values"], strict=True))
    assert said["best"] == said["attached"] == min(values, key=lambda name: values[name])
    assert {"eta", "max_depth", "tree_method", "TrainingElapsedTimeSeconds"} <= set(said["columns"])
    if digit == "2":
        sets.holds_the_bar("iris", said["answers"])
    else:
        sets.model_holds_the_bar("iris", house, said["artifact"])
