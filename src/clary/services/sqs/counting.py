"""The metrics AWS/SQS, where there is somebody who keeps them."""

from collections.abc import Sequence
from typing import Protocol

from clary.aws.service import Context
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Resource

NAMESPACE = "AWS/SQS"


def metric(queue: Resource, name: str) -> MetricName:
    return MetricName(queue.account, queue.region, NAMESPACE, name, dimensions(QueueName=queue.name))


class Used(Protocol):
    """The port that hears which queues are in use."""

    def used(self, queue: str) -> None: ...


def sent(ctx: Context, queue: Resource, sizes: Sequence[int]) -> None:
    _add(ctx, queue, "NumberOfMessagesSent", [float(len(sizes))])
    _add(ctx, queue, "SentMessageSize", [float(size) for size in sizes], unit="Bytes")


def received(ctx: Context, queue: Resource, count: int) -> None:
    if count:
        _add(ctx, queue, "NumberOfMessagesReceived", [float(count)])
    else:
        _add(ctx, queue, "NumberOfEmptyReceives", [1.0])


def deleted(ctx: Context, queue: Resource, count: int) -> None:
    if count:
        _add(ctx, queue, "NumberOfMessagesDeleted", [float(count)])


def _add(ctx: Context, queue: Resource, name: str, values: Sequence[float], unit: str = "Count") -> None:
    sink: MetricSink | None = ctx.ports.get(MetricSink)
    if (heard := ctx.ports.get(Used)) is not None:
        heard.used(queue.uid)
    if sink is not None:
        sink.add([Sample(metric(queue, name), ctx.clock.now(), values, unit=unit)])
