"""Which image a job runs, and how it begins: decided from the URI, the request, the registry and the engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.engines.objects.base import BucketStore
from clary.engines.runners.base import StartError
from clary.kernel.resource import Resource
from clary.services.sagemaker import containers, images
from clary.services.sagemaker.containers import Start
from tests.ecr_house import House, Pusher, ecr_house, layer
from tests.inprocess import ACCOUNT, REGION, URL, make_role

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MINE = images.Image("mine", ("train",), ("serve",), container="sha256:1")
XGBOOST = images.lookup("sagemaker-xgboost")


class EngineInMemory:
    """The port `ContainerImages`: what the engine has, and what it was asked to pull."""

    def __init__(self, why: str | None = None) -> None:
        self.why = why
        self.has: dict[str, str] = {}
        self.pulled: list[tuple[str, str]] = []

    async def refusal(self) -> str | None:
        return self.why

    async def local(self, reference: str) -> str | None:
        return self.has.get(reference)

    async def pull(self, reference: str, username: str, password: str) -> str:
        self.pulled.append((reference, username))
        assert password
        return "sha256:pulled"


class Small:
    """As much of `Engines` as the look-up of an image needs."""

    def __init__(self, house: House, engine: EngineInMemory) -> None:
        self.containers = engine
        self.endpoint_url = URL
        self.inside = house.gateway.inside
        self.identities = house.context().port(containers.roles.IdentityPolicies)
        self.clock = house.clock


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ecr_house(tmp_path) as made:
        assert BucketStore in made.ports
        yield made


@pytest.fixture
def engine() -> EngineInMemory:
    return EngineInMemory()


@pytest.fixture
def role(house: House) -> str:
    return make_role(house)


def resolve(house: House, engine: EngineInMemory, uri: str, role: str) -> images.Image:
    one = Resource(
        "training-job", "j", ACCOUNT, REGION, "u", arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/j"
    )
    small: Any = Small(house, engine)
    return house.run(containers.resolve(small, one, uri, role))


def pushed(house: House, name: str) -> str:
    """The digest of an image in a new repository of that name."""
    client = house.client("ecr")
    client.create_repository(repositoryName=name)
    return Pusher(house, client).image(name, "1", layer("f", b"x"))


def test_a_built_in_image_is_itself_of_whatever_account(house: House, engine: EngineInMemory, role: str) -> None:
    for uri in (f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:1.7-1", f"{HOST}/sagemaker-xgboost:1"):
        assert resolve(house, engine, uri, role) == XGBOOST
    assert engine.pulled == []


@pytest.mark.parametrize("prefix", [HOST, "127.0.0.1:4810", "localhost:4810", f"localhost:4810/{HOST}"])
def test_an_image_of_our_registry_is_pulled_by_its_digest(
    house: House, engine: EngineInMemory, role: str, prefix: str
) -> None:
    digest = pushed(house, "team/mine")
    found = resolve(house, engine, f"{prefix}/team/mine:1", role)
    assert found.container == "sha256:pulled"
    assert engine.pulled == [(f"127.0.0.1:4810/{HOST}/team/mine@{digest}", "AWS")]
    assert resolve(house, engine, f"{prefix}/team/mine@{digest}", role).container == "sha256:pulled"


def test_an_own_image_of_a_built_in_name_comes_first(house: House, engine: EngineInMemory, role: str) -> None:
    pushed(house, "sagemaker-xgboost")
    assert resolve(house, engine, f"{HOST}/sagemaker-xgboost:1", role).container == "sha256:pulled"


def test_an_image_of_the_engine_is_taken_as_it_is(house: House, engine: EngineInMemory, role: str) -> None:
    engine.has["docker.io/somebody/else:2"] = "sha256:local"
    assert resolve(house, engine, "docker.io/somebody/else:2", role).container == "sha256:local"
    assert engine.pulled == []


@pytest.mark.parametrize(
    ("uri", "why", "words"),
    [
        ("docker.io/somebody/else:2", None, "docker pull docker.io/somebody/else:2"),
        (f"{HOST}/none:3", None, "aws ecr create-repository --repository-name none; docker tag IMAGE"),
        ("docker.io/somebody/else:2", "no engine: install one", "no engine: install one"),
        (f"{HOST}/team/mine:1", "no engine: install one", "is in the registry, but no container can run"),
    ],
)
def test_what_cannot_run_says_what_to_do(house: House, role: str, uri: str, why: str | None, words: str) -> None:
    pushed(house, "team/mine")
    with pytest.raises(StartError, match=words):
        resolve(house, EngineInMemory(why), uri, role)


def test_the_role_must_be_allowed_to_pull(house: House, engine: EngineInMemory) -> None:
    pushed(house, "team/mine")
    poor = make_role(house, "poor", ("AmazonS3ReadOnlyAccess",))
    with pytest.raises(StartError, match="ecr:BatchGetImage"):
        resolve(house, engine, f"{HOST}/team/mine:1", poor)


@pytest.mark.parametrize(
    ("verb", "entry", "arguments", "start"),
    [
        ("train", None, None, Start(("train",), "sha256:1")),
        ("serve", None, None, Start(("serve",), "sha256:1")),
        ("", None, None, Start((), "sha256:1")),
        ("train", None, ["--fast"], Start(("--fast",), "sha256:1")),
        ("train", ["python3"], ["x.py"], Start(("x.py",), "sha256:1", ("python3",))),
        ("", ["run"], None, Start((), "sha256:1", ("run",))),
    ],
)
def test_a_container_begins_as_on_aws(verb: Any, entry: Any, arguments: Any, start: Start) -> None:
    assert containers.start(MINE, verb, entry, arguments) == start


def test_a_built_in_image_begins_with_its_own_program_or_the_given_one() -> None:
    assert XGBOOST is not None and XGBOOST.train is not None
    assert containers.start(XGBOOST, "train", None, ["x"]) == Start((*XGBOOST.train, "x"))
    assert containers.start(XGBOOST, "", ["python3"], ["x.py"]) == Start(("python3", "x.py"))
    for verb in ("", "serve", "train"):
        with pytest.raises(StartError):
            containers.start(replace(XGBOOST, train=None, serve=None), verb)  # type: ignore[arg-type]
