"""Waiting for an endpoint, with a word of what it does meanwhile."""

import time
from typing import Final

from clary.cli.demo.stage import Line
from clary.cli.registry.wire import Wire

PATIENCE_SECONDS: Final = 900.0
LOOK_SECONDS: Final = 0.2


class TakenBack(Exception):
    """The endpoint does not serve what was asked; the message carries the server's reason."""


def until_serving(wire: Wire, endpoint: str, config: str, line: Line, bake: float) -> None:
    """The endpoint is InService with that configuration. Raises TakenBack."""
    deadline = time.monotonic() + PATIENCE_SECONDS + 2 * bake
    while time.monotonic() < deadline:
        said = wire.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        status = said["EndpointStatus"]
        if status == "InService" and said["EndpointConfigName"] == config:
            return
        if status in ("InService", "Failed", "OutOfService", "UpdateRollbackFailed"):
            why = said.get("FailureReason", "no reason given")
            raise TakenBack(f"{endpoint} does not serve {config}, it is {status}: {why}")
        variants = (said.get("PendingDeploymentSummary") or said).get("ProductionVariants") or []
        told = [one["StatusMessage"] for variant in variants for one in variant.get("VariantStatus") or []]
        line.say(told[0] if told else status)
        time.sleep(LOOK_SECONDS)
    raise TakenBack(f"{endpoint} was not InService with {config} in time")


def until_gone(wire: Wire, endpoint: str) -> None:
    """There is no endpoint of that name any more, or it was not gone in time."""
    from botocore.exceptions import ClientError

    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            wire.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if "Could not find" in error.response["Error"]["Message"]:
                return
            raise
        time.sleep(LOOK_SECONDS)
