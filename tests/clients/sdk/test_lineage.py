"""The lineage classes of the SDK, unmodified: of a model that was trained and is served, and of entities made by
hand."""

import pytest

from tests.clients.sdk.environments import SDK2
from tests.clients.sdk.house import ROLE, House

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.sdk, pytest.mark.timeout(1500)]


def test_the_lineage_of_a_served_model(house: House) -> None:
    said = house.run(SDK2, "sdk2_lineage.py", options=("--role", ROLE))
    job = f":training-job/{said['job']}"
    assert said["data_of_endpoint"] == said["data_of_component"] == [said["train"]]
    assert said["train"] in said["data_of_image"] or said["data_of_image"] == []
    assert [arn.endswith(job) for arn in said["jobs_of_endpoint"]] == [True]
    assert said["jobs_of_model"] == said["jobs_of_endpoint"]
    assert said["components"] == [f"{said['job']}-aws-training-job"]
    assert said["actions"] == ["ModelDeployment"]
    assert (said["pipeline"], said["processing"], said["transform"], said["trained"]) == (None, [], [], [])
    assert said["endpoints_of_model"] == [said["context"]]
    assert said["contexts_of_model"] == said["contexts_of_data"] == [said["context_name"]]
    assert said["models_of_component"] == said["models_of_data"] == [said["model"]]
    rows = {tuple(row[1:]) for row in said["table"]}
    assert rows == {
        ("Input", "DataSet", "ContributedTo", "artifact"),
        ("Input", "Image", "ContributedTo", "artifact"),
        ("Output", "Model", "Produced", "artifact"),
    }
    assert [row[1:] for row in said["table_of_endpoint"]] == [["Input", "ModelDeployment", "AssociatedWith", "action"]]
    assert said["starts"]
    assert said["pages"] == {"pages": "4"} and said["tags"] == [{"Key": "team", "Value": "blue"}]
    assert said["models"] and said["models_v2"] and said["artifacts"] and said["left"] == []
