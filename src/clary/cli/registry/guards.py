"""How traffic moves to a new version, and what takes it back."""

from collections.abc import Sequence
from typing import Any, Final

from clary.cli.registry.wire import Wire
from clary.cli.say import warn

NAMESPACE: Final = "AWS/SageMaker"
PERIOD_SECONDS: Final = 10


def deployment(canary: int, bake: int, alarms: Sequence[str]) -> dict[str, Any]:
    """A DeploymentConfig: blue/green, with a canary of so many percent unless that is 0."""
    routing: dict[str, Any] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": bake if alarms else 0}
    if canary:
        size = {"Type": "CAPACITY_PERCENT", "Value": canary}
        routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": bake}
    said: dict[str, Any] = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    }
    if alarms:
        said["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": one} for one in alarms]}
    return said


def alarms(wire: Wire, endpoint: str, named: Sequence[str]) -> list[str]:
    """The alarms that take the update back: those that were named, else one on the endpoint's own errors, which is
    there afterwards. One that is in ALARM already would end the update before it began: that is said, and it is left
    out if it is ours."""
    if named:
        return list(named)
    ours = _on_errors(wire, endpoint)
    states = wire.client("cloudwatch").describe_alarms(AlarmNames=[ours])["MetricAlarms"]
    if states and states[0]["StateValue"] == "ALARM":
        warn(f"{ours} is in ALARM already, with what is served now: nothing takes this update back")
        return []
    return [ours]


def _on_errors(wire: Wire, endpoint: str) -> str:
    name = f"{endpoint}-errors"
    variant = wire.client("sagemaker").describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]["VariantName"]
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    wire.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription="Answers with 5xx of the endpoint: takes a deployment back",
        Namespace=NAMESPACE,
        MetricName="Invocation5XXErrors",
        Dimensions=dimensions,
        Statistic="Sum",
        Period=PERIOD_SECONDS,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return name
