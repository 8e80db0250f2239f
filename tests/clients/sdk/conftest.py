"""The clients' own environments, and a Clary with an execution role for them."""

import json
from collections.abc import Iterator

import pytest

from tests.clients.sdk import environments
from tests.clients.sdk.house import ROLE, House
from tests.clients.sdk.sets import Sets
from tests.real import RealClary


@pytest.fixture(scope="session")
def made_environments() -> None:
    environments.make()


@pytest.fixture(scope="module")
def house(made_environments: None, server: RealClary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    account = json.loads((server.home / "credentials.json").read_text())["AccountId"]
    trusted = {"Service": "sagemaker.amazonaws.com", "AWS": f"arn:aws:iam::{account}:root"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}],
    }
    iam = server.client("iam")
    role = iam.create_role(RoleName=ROLE, Path="/service-role/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    made = House(server, account, role["Arn"], tmp_path_factory.mktemp("user"))
    yield made
    assert made.went_elsewhere() == []


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    return Sets(tmp_path_factory.mktemp("sets"))
