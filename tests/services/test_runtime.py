"""InvokeEndpoint as an ordinary operation: through the gateway, with the real plane behind it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from clary.aws.service import Context
from clary.engines.serving.base import Route, RouteVariant, Serving
from clary.engines.serving.instance import Limits
from clary.engines.serving.plane import Plane
from clary.kernel.resource import Doc
from clary.services.sagemaker_runtime import service
from clary.services.sagemaker_runtime.asynchronous import Asynchronous
from tests.inprocess import ACCOUNT, REGION, InProcess
from tests.serving import Answer, ModelServer, short_directory


class House:
    """The gateway over the runtime service, a plane, and one model server on the gateway's loop."""

    def __init__(self, tmp_path: Path, sockets: Path) -> None:
        self.wire = InProcess(tmp_path, [service])
        self.plane = Plane(tmp_path, sockets, Limits(patience_seconds=0.1, retry_seconds=0.02))
        self.wire.ports[Serving] = self.plane
        self.model = ModelServer(sockets / "m.sock")
        self.wire.run(self.model.__aenter__())
        self.publish("cars", self.model.address)
        self.client = self.wire.client("sagemaker-runtime")

    def publish(self, endpoint: str, *addresses: str) -> None:
        route = Route(ACCOUNT, REGION, endpoint, (RouteVariant("blue", 1.0, addresses),))
        self.wire.run(self.plane.publish(route))

    def close(self) -> None:
        self.wire.run(self.model.stop())
        self.wire.thread.call(self.plane.close)
        self.wire.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with short_directory() as sockets:
        made = House(tmp_path, sockets)
        yield made
        made.close()


def test_the_answer_is_the_models(house: House) -> None:
    async def model(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return 200, {"content-type": "text/csv", "x-amzn-sagemaker-custom-attributes": "t=2"}, body + b"!"

    house.model.model = model
    answer = house.client.invoke_endpoint(
        EndpointName="cars", Body=b"\x00a", ContentType="text/csv", Accept="text/csv", CustomAttributes="t=1"
    )
    assert answer["Body"].read() == b"\x00a!"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/csv", "blue")
    assert answer["CustomAttributes"] == "t=2"
    headers = house.model.seen[0][1]
    assert headers["x-amzn-sagemaker-custom-attributes"] == "t=1" and headers["accept"] == "text/csv"


def test_a_call_from_inside(house: House) -> None:
    answer = house.wire.call("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "cars", "Body": b"x"})
    assert answer["Body"] == b"x"


def test_a_body_may_be_as_long_as_at_the_front(house: House) -> None:
    """botocore's model says 6 MB; AWS takes 25 MB today."""
    body = bytes(7_000_000)
    assert house.client.invoke_endpoint(EndpointName="cars", Body=body)["Body"].read() == body


def test_errors_are_the_fronts(house: House) -> None:
    with pytest.raises(ClientError) as caught:
        house.client.invoke_endpoint(EndpointName="nope", Body=b"")
    assert caught.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint nope of account {ACCOUNT} not found.",
    }

    async def failing(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return 500, {}, b"no such column"

    house.model.model = failing
    with pytest.raises(house.client.exceptions.ModelError) as modelled:
        house.client.invoke_endpoint(EndpointName="cars", Body=b"")
    response = modelled.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (500, "no such column")
    assert response["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/cars")


def test_nobody_answers(house: House) -> None:
    house.publish("gone", "unix:/nowhere/at.all")
    with pytest.raises(ClientError) as caught:
        house.client.invoke_endpoint(EndpointName="gone", Body=b"")
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize("params", [{"EnableExplanations": "`true`"}, {"SessionId": "NEW_SESSION"}])
def test_what_is_not_served_is_named(house: House, params: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        house.client.invoke_endpoint(EndpointName="cars", Body=b"", **params)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert next(iter(params)) in caught.value.response["Error"]["Message"]


def test_an_asynchronous_inference_is_accepted_by_the_backlog(house: House) -> None:
    asked = []

    class Backlog:
        async def accept(self, ctx: Context, req: Doc) -> Doc:
            asked.append(req)
            return {"InferenceId": "i", "OutputLocation": "s3://b/i.out", "FailureLocation": "s3://b/i-error.out"}

    house.wire.ports[Asynchronous] = Backlog()
    answer = house.client.invoke_endpoint_async(
        EndpointName="cars", InputLocation="s3://b/k", RequestTTLSeconds=60, InvocationTimeoutSeconds=3600
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (answer["InferenceId"], answer["OutputLocation"]) == ("i", "s3://b/i.out")
    assert answer["FailureLocation"] == "s3://b/i-error.out"
    assert asked == [
        {
            "Body": b"",
            "EndpointName": "cars",
            "InputLocation": "s3://b/k",
            "RequestTTLSeconds": 60,
            "InvocationTimeoutSeconds": 3600,
        }
    ]


def test_an_answer_in_events(house: House) -> None:
    async def model(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return 200, {"content-type": "text/plain", "x-amzn-sagemaker-custom-attributes": "t=2"}, body * 100_000

    house.model.model = model
    answer = house.client.invoke_endpoint_with_response_stream(EndpointName="cars", Body=b"abcdef", Accept="text/plain")
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "blue")
    assert answer["CustomAttributes"] == "t=2"
    assert b"".join(one["PayloadPart"]["Bytes"] for one in answer["Body"]) == b"abcdef" * 100_000
    assert house.model.seen[0][1]["accept"] == "text/plain"


def test_errors_before_the_first_event(house: House) -> None:
    async def failing(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return 500, {}, b"no such column"

    house.model.model = failing
    with pytest.raises(house.client.exceptions.ModelError) as modelled:
        house.client.invoke_endpoint_with_response_stream(EndpointName="cars", Body=b"")
    assert modelled.value.response["OriginalMessage"] == "no such column"
    with pytest.raises(ClientError, match="not found"):
        house.client.invoke_endpoint_with_response_stream(EndpointName="nope", Body=b"")
    with pytest.raises(ClientError, match="the member SessionId of InvokeEndpointWithResponseStream"):
        house.client.invoke_endpoint_with_response_stream(EndpointName="cars", Body=b"", SessionId="mine")
