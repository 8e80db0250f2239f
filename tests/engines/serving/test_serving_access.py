"""Users and roles at the front: their keys and policies are read from the state file that the control plane writes."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from clary.aws.credentials import HomeKeyRing, Keys, Principal
from clary.aws.sigv4 import Verifier
from clary.aws.uses import use_of
from clary.home import Home
from clary.kernel import ids
from clary.kernel.clock import SystemClock
from clary.kernel.resource import Resource
from clary.kernel.sqlite import SqliteStore
from clary.processes.admission import Admission
from clary.processes.guests import Guests
from clary.services.iam.uses import StoredKeyUses
from tests.serving import ACCOUNT, KEYS, ModelServer, Site, site

MASTER = b"m" * 32
HOME = Home(ACCOUNT, KEYS, MASTER, 0.0)
CARS = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/cars"
RING = HomeKeyRing(KEYS, ACCOUNT, MASTER)


def policy(effect: str = "Allow", resource: str = CARS, **condition: object) -> str:
    statement = {"Effect": effect, "Action": "sagemaker:InvokeEndpoint", "Resource": resource}
    if condition:
        statement["Condition"] = condition  # type: ignore[assignment]
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteStore]:
    """What the control plane writes."""
    store = SqliteStore(tmp_path / "clary.db", SystemClock())
    yield store
    store.close()


@pytest.fixture
async def here(tmp_path: Path, state: SqliteStore) -> AsyncIterator[Site]:
    guests = Guests(tmp_path / "clary.db", HOME, SystemClock())
    verifier = Verifier(HOME.ring_with(guests), SystemClock())
    authenticate = Admission(verifier, ACCOUNT, guests)
    async with site(tmp_path, authenticate=authenticate, uses=guests.uses.docs) as made:
        yield made
    guests.close()


@pytest.fixture
async def model(here: Site) -> AsyncIterator[ModelServer]:
    async with ModelServer(here.sockets / "m.sock") as server:
        for name in ("cars", "boats"):
            await here.serve(name, ("blue", 1.0, [server.address]))
        yield server


def user(state: SqliteStore, **policies: str) -> Resource:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    status = {"UserId": "AIDAANN", "_inline": policies}
    made = state.create(Resource("user", "ann", ACCOUNT, "", ids.new(), arn, status=status))
    state.create(Resource("access-key", "AKIAANN", ACCOUNT, "", ids.new(), phase="Active", parent=made.uid))
    return made


ANN = Keys("AKIAANN", HOME.user_secret("AKIAANN"))


async def refused(here: Site, endpoint: str, keys: Keys) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        await here.invoke(endpoint, keys=keys)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


async def test_a_user_invokes_what_its_policies_allow(here: Site, model: ModelServer, state: SqliteStore) -> None:
    user(state, invoke=policy())
    assert (await here.invoke("cars", keys=ANN))["Body"] == b"1"
    assert await refused(here, "boats", ANN) == (
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sagemaker:InvokeEndpoint on resource: "
        f"{CARS.replace('cars', 'boats')} because no identity-based policy allows the sagemaker:InvokeEndpoint action",
    )


async def test_what_is_written_holds_from_the_next_request_on(
    here: Site, model: ModelServer, state: SqliteStore
) -> None:
    ann = user(state, invoke=policy())
    assert (await here.invoke("cars", keys=ANN))["Body"] == b"1"
    ann = state.update(ann, _inline={"invoke": policy(), "no": policy("Deny")})
    assert "with an explicit deny in an identity-based policy" in (await refused(here, "cars", ANN))[1]
    state.update(ann, _inline={"invoke": policy(IpAddress={"aws:SourceIp": "127.0.0.0/8"})})
    assert (await here.invoke("cars", keys=ANN))["Body"] == b"1"
    key = state.get(ACCOUNT, "", "access-key", "AKIAANN")
    state.update(key, phase="Inactive")
    assert (await refused(here, "cars", ANN))[0] == "UnrecognizedClientException"


async def test_a_roles_session_is_bounded_by_its_own_policies(
    here: Site, model: ModelServer, state: SqliteStore
) -> None:
    status = {"RoleId": "AROAR", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 3600}
    status |= {"_inline": {"all": policy(resource="*")}}
    state.create(Resource("role", "r", ACCOUNT, "", ids.new(), f"arn:aws:iam::{ACCOUNT}:role/r", status=status))
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
    free = Principal(ACCOUNT, session, "AROAR:s", "assumed-role")
    bound = Principal(ACCOUNT, session, "AROAR:s", "assumed-role", policies=(policy(),))
    stranger = Principal(ACCOUNT, session, "AROAOLD:s", "assumed-role")
    for endpoint in ("cars", "boats"):
        assert (await here.invoke(endpoint, keys=RING.issue(free, 4e9)))["Body"] == b"1"
    assert (await here.invoke("cars", keys=RING.issue(bound, 4e9)))["Body"] == b"1"
    assert "no session policy allows" in (await refused(here, "boats", RING.issue(bound, 4e9)))[1]
    # A session of an earlier role of that name has nothing.
    assert "no identity-based policy allows" in (await refused(here, "cars", RING.issue(stranger, 4e9)))[1]


async def test_whom_it_let_in_is_told_to_who_writes_it_down(here: Site, model: ModelServer, state: SqliteStore) -> None:
    user(state, invoke=policy())
    await refused(here, "boats", ANN)
    await here.invoke("cars")
    assert await here.plane.uses() == [], "neither who was refused nor root"
    for _ in range(3):
        await here.invoke("cars", keys=ANN)
    [told] = await here.plane.uses()
    uses = StoredKeyUses(state, SystemClock(), ACCOUNT)
    uses.remember(use_of(told))
    key = state.get(ACCOUNT, "", "access-key", "AKIAANN")
    assert key.status["_used"] == {"at": told["at"], "service": "sagemaker", "region": "us-east-1"}
    uses.remember(use_of(told))
    uses.remember(use_of({**told, "at": told["at"] - 5, "service": "old"}))
    uses.remember(use_of({**told, "name": "AKIAGONE"}))
    assert state.get(ACCOUNT, "", "access-key", "AKIAANN") == key, "once is enough, and the latest counts"


async def test_root_opens_no_file(here: Site, model: ModelServer, tmp_path: Path) -> None:
    guests = Guests(tmp_path / "nowhere" / "clary.db", HOME, SystemClock())
    authenticate = Admission(Verifier(HOME.ring_with(guests), SystemClock()), ACCOUNT, guests)
    here.front.shared.authenticate = authenticate
    assert (await here.invoke("cars"))["Body"] == b"1"
    assert not (tmp_path / "nowhere").exists()
