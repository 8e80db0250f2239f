"""What SageMaker's resources tell: AWS's own shapes, from the rows that its reconcilers write."""

from typing import Any

import pytest

from clary.aws.heralds import Heralds
from clary.kernel.clock import ManualClock
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.services.sagemaker.heralds import HERALDS
from tests.sagemaker_house import ACCOUNT, REGION, processing_request, training_request
from tests.tuning_house import tuning_request

TOLD = Heralds(HERALDS)


def told(*changes: dict[str, Any], kind: str, spec: Doc, phase: str = "", status: Doc | None = None,
         delete: bool = False) -> list[Doc]:  # fmt: skip
    """The events of a resource of that kind that is made, changed a second apart, and perhaps deleted."""
    clock = ManualClock(1_700_000_000.5)
    store = SqliteStore(":memory:", clock)
    try:
        one = store.create(
            Resource(
                kind,
                "n",
                ACCOUNT,
                REGION,
                uid="u",
                arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/n",
                phase=phase,
                spec=spec,
                status=status or {},
            )
        )
        for change in changes:
            clock.advance(1)
            one = store.update(one, **change)
        if delete:
            store.delete(one)
        return [event for line in store.events(0, 100) for event in TOLD.told(line)]
    finally:
        store.close()


def test_a_tuning_job() -> None:
    counters = {"TrainingJobStatusCounters": {"Completed": 1}, "_creator": {}}
    first, last = told(
        counters,  # no move
        {"phase": "Completed", "HyperParameterTuningEndTime": 1_700_000_002.5},
        kind="hyper-parameter-tuning-job",
        spec={**tuning_request(), "Tags": [{"Key": "team", "Value": "x"}]},
        phase="InProgress",
    )
    assert first["detail-type"] == "SageMaker HyperParameter Tuning Job State Change"
    detail = last["detail"]
    assert (detail["HyperParameterTuningJobName"], detail["HyperParameterTuningJobStatus"]) == ("tune", "Completed")
    assert detail["TrainingJobStatusCounters"] == {"Completed": 1}
    assert detail["HyperParameterTuningEndTime"] == 1_700_000_002_500
    assert detail["Tags"] == {"team": "x"}
    assert "_creator" not in detail


def test_a_training_job() -> None:
    spec = {**training_request(), "Tags": [{"Key": "team", "Value": "x"}]}
    started = {"SecondaryStatus": "Starting", "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 1.25}]}
    first, last = told(
        {"SecondaryStatus": "Training"},  # no move: AWS's rules on the status are not woken
        {"phase": "Failed", "SecondaryStatus": "Failed", "FailureReason": "why", "TrainingEndTime": 1_700_000_002.5},
        kind="training-job",
        spec=spec,
        phase="InProgress",
        status=started,
    )
    assert (first["source"], first["detail-type"]) == ("aws.sagemaker", "SageMaker Training Job State Change")
    assert first["resources"] == [f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/n"]
    assert (first["time"], first["account"], first["region"]) == ("2023-11-14T22:13:20Z", ACCOUNT, REGION)
    detail = first["detail"]
    assert (detail["TrainingJobName"], detail["TrainingJobStatus"]) == (spec["TrainingJobName"], "InProgress")
    assert detail["CreationTime"] == detail["LastModifiedTime"] == 1_700_000_000_500
    assert detail["SecondaryStatusTransitions"] == [{"Status": "Starting", "StartTime": 1250}]
    assert detail["Tags"] == {"team": "x"}
    detail = last["detail"]
    assert (detail["TrainingJobStatus"], detail["FailureReason"]) == ("Failed", "why")
    assert (detail["CreationTime"], detail["TrainingEndTime"]) == (1_700_000_000_500, 1_700_000_002_500)
    assert first["id"] != last["id"]


def test_a_processing_job() -> None:
    (first, last) = told({"phase": "Completed"}, kind="processing-job", spec=processing_request(), phase="InProgress")
    assert first["detail-type"] == "SageMaker Processing Job State Change"
    assert last["detail"]["ProcessingJobStatus"] == "Completed"


def test_an_endpoint() -> None:
    variant = {"name": "v", "model": "m", "container": {"Image": "i"}, "count": 1, "weight": 1.0}
    live = {"generation": 1, "config": "c", "started": 5.0, "variants": [variant]}
    changes: list[dict[str, Any]] = [
        {"phase": "InService", "_live": live, "_target": None},
        {"phase": "Updating", "_target": {**live, "generation": 2, "config": "d"}},
        {"phase": "InService", "_target": None},
        {"phase": "Deleting"},
    ]
    found = told(
        *changes,
        kind="endpoint",
        spec={"EndpointName": "n", "EndpointConfigName": "c"},
        phase="Creating",
        status={"_target": live},
        delete=True,
    )
    state, deployment = "SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"
    assert [(one["detail-type"], one["detail"]["EndpointStatus"]) for one in found] == [
        (state, "CREATING"),
        (state, "IN_SERVICE"),
        (state, "UPDATING"),
        (deployment, "UPDATING"),
        (state, "IN_SERVICE"),
        (deployment, "IN_SERVICE"),
        (state, "DELETING"),
        (state, "DELETED"),
    ]
    assert found[3]["detail"]["PendingDeploymentSummary"]["EndpointConfigName"] == "d"
    assert found[3]["detail"]["PendingDeploymentSummary"]["StartTime"] == 5000
    assert len({one["id"] for one in found}) == len(found)


@pytest.mark.parametrize(
    ("kind", "detail_type", "member"),
    [
        ("model", "SageMaker Model State Change", "Model"),
        ("endpoint-config", "SageMaker Endpoint Config State Change", "EndpointConfig"),
    ],
)
def test_what_is_made_and_deleted(kind: str, detail_type: str, member: str) -> None:
    first, last = told(kind=kind, spec={f"{member}Name": "n", "Tags": []}, delete=True)
    assert first["detail-type"] == last["detail-type"] == detail_type
    assert first["detail"] == {
        f"{member}Name": "n",
        f"{member}Arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/n",
        "CreationTime": 1_700_000_000_500,
        "Tags": {},
    }


def test_other_kinds_tell_nothing() -> None:
    assert told(kind="sagemaker-tags", spec={}) == []
