"""The service object, and the port to where the values are kept: with the trial components of SageMaker."""

from collections.abc import Collection, Sequence
from typing import Protocol

from clary.aws.service import Context, Service

service = Service("sagemaker-metrics", prefix="sagemaker")

Value = tuple[str, float, int | None, float]
"""(metric, time in epoch seconds, step, value)."""


class Series(Protocol):
    """Where values are kept."""

    def put(self, ctx: Context, component: str, values: Sequence[Value]) -> Collection[str]:
        """Kept, and in the component's measures, together or not at all; but for metrics that the component has no
        room for, whose names are the answer. Raises ServiceError where there is no such component."""
        ...

    def read(self, ctx: Context, arn: str, name: str) -> Sequence[Value] | None:
        """All values of that metric of a trial component, or of a job by its component, in the order in which they
        came; None: nothing is called so."""
        ...
