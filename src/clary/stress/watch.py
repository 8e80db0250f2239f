"""What the endpoint does meanwhile: instances and status once a second, and what autoscaling says that it did."""

import asyncio
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clary.stress.target import Target

LOOK_SECONDS = 1.0
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def reason(error: Exception) -> str:
    """Why it could not be had, in a few words."""
    if isinstance(error, ClientError):
        said = error.response["Error"]
        return f"{said.get('Code', '?')}: {said.get('Message', '')}".rstrip(": ")
    return str(error)


class Watch:
    """Keeps every change of the endpoint's instances, with its time (epoch seconds). What cannot be seen is told in
    `missing`, once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._sagemaker = target.client("sagemaker")
        self.started = time.time()
        self.instances: dict[str, list[list[float]]] = {}
        """By variant: [epoch seconds, current, desired], one where it changed and one at the latest look."""
        self.statuses: list[tuple[float, str]] = []
        self.weights: dict[str, float] = {}
        self.activities: list[dict[str, Any]] = []
        self.missing: dict[str, str] = {}

    @property
    def variants(self) -> list[str]:
        return list(self.instances)

    def look(self) -> dict[str, Any]:
        """The endpoint's description now. Raises ClientError, BotoCoreError."""
        said: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=self._target.endpoint)
        now = time.time()
        status = said["EndpointStatus"]
        if not self.statuses or self.statuses[-1][1] != status:
            self.statuses.append((now, status))
        for one in said.get("ProductionVariants", []):
            name, current = one["VariantName"], one.get("CurrentInstanceCount", 0)
            self.weights[name] = one.get("CurrentWeight", 0.0)
            _note(self.instances.setdefault(name, []), [now, current, one.get("DesiredInstanceCount", current)])
        return said

    async def keep_looking(self, stop: asyncio.Event) -> None:
        """Once a second until `stop`."""
        while not stop.is_set():
            began = time.monotonic()
            await self._try("DescribeEndpoint", self.look)
            wait = max(0.05, LOOK_SECONDS - (time.monotonic() - began))
            try:
                await asyncio.wait_for(stop.wait(), wait)
            except TimeoutError:
                continue

    async def _try(self, what: str, look: Any) -> None:
        try:
            await asyncio.to_thread(look)
        except (ClientError, BotoCoreError) as error:
            self.missing[what] = reason(error)

    async def read_activities(self) -> None:
        """Scaling activities since the start are in `activities`, the oldest first."""
        await self._try("DescribeScalingActivities", self._activities)

    def _activities(self) -> None:
        client = self._target.client("application-autoscaling")
        found: list[dict[str, Any]] = []
        for variant in self.variants:
            resource = f"endpoint/{self._target.endpoint}/variant/{variant}"
            pages = client.get_paginator("describe_scaling_activities").paginate(
                ServiceNamespace="sagemaker", ResourceId=resource, ScalableDimension=DIMENSION
            )
            several = (activity for page in pages for activity in page["ScalingActivities"])
            recent = (one for one in several if one["StartTime"].timestamp() >= self.started - 1.0)
            found += [{**one, "variant": variant} for one in recent]
        self.activities = sorted(found, key=lambda one: one["StartTime"])


def _note(seen: list[list[float]], now: list[float]) -> None:
    """Changes are kept, and the latest look: between two equal ones nothing happened that was seen."""
    if len(seen) >= 2 and seen[-1][1:] == seen[-2][1:] == now[1:]:
        seen[-1] = now
    else:
        seen.append(now)
