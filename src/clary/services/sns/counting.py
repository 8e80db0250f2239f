"""The metrics AWS/SNS, where there is somebody who keeps them."""

from collections.abc import Sequence
from typing import Final

from clary.aws.delivery import Counted
from clary.aws.service import Context
from clary.kernel.metrics import MetricName, MetricSink, Sample, dimensions
from clary.kernel.resource import Resource

NAMESPACE: Final = "AWS/SNS"


def metric(account: str, region: str, topic: str, name: str) -> MetricName:
    return MetricName(account, region, NAMESPACE, name, dimensions(TopicName=topic))


def published(ctx: Context, topic: Resource, sizes: Sequence[int]) -> None:
    sink: MetricSink | None = ctx.ports.get(MetricSink)
    if sink is None:
        return
    now = ctx.clock.now()

    def named(name: str) -> MetricName:
        return metric(topic.account, topic.region, topic.name, name)

    sink.add(
        [
            Sample(named("NumberOfMessagesPublished"), now, (float(len(sizes)),), unit="Count"),
            Sample(named("PublishSize"), now, [float(size) for size in sizes], unit="Bytes"),
        ]
    )


def counted(region: str, topic: str) -> Counted:
    """How deliveries of the topic's messages are counted."""
    return Counted(
        NAMESPACE,
        {"TopicName": topic},
        delivered="NumberOfNotificationsDelivered",
        failed="NumberOfNotificationsFailed",
        dead="NumberOfNotificationsRedrivenToDlq",
        undead="NumberOfNotificationsFailedToRedriveToDlq",
        region=region,
    )
