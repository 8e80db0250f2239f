"""The monitor's image in real processing jobs: baseline, violations, the exit message, and metrics in CloudWatch."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.jobs_house import CLUSTER, PLACE, Jobs, entry
from tests.real import RealClary, until

Doc = dict[str, Any]
MONITOR = "468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer:latest"

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def jobs(server: RealClary) -> Iterator[Jobs]:
    made = Jobs(server)
    told = {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": told})
    made.iam.put_role_policy(RoleName="job", PolicyName="metrics", PolicyDocument=document)
    yield made


def analyze(jobs: Jobs, name: str, uri: str, *more: Doc, **environ: str) -> Doc:
    """What Describe says at the end of a job that analyzes the CSV there."""
    out = {"S3Uri": f"s3://lake/out/{name}", "LocalPath": f"{PLACE}/output", "S3UploadMode": "EndOfJob"}
    jobs.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=jobs.role,
        AppSpecification={"ImageUri": MONITOR},
        ProcessingResources={"ClusterConfig": CLUSTER},
        ProcessingInputs=[entry("dataset", {"S3Uri": uri}), *more],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": out}]},
        Environment={
            "dataset_source": f"{PLACE}/dataset",
            "dataset_format": '{"csv": {"header": true}}',
            "output_path": f"{PLACE}/output",
            "publish_cloudwatch_metrics": "Disabled",
            **environ,
        },
    )
    return jobs.ended("Processing", name)


def read(jobs: Jobs, key: str) -> Doc:
    found: Doc = json.loads(jobs.s3.get_object(Bucket="lake", Key=key)["Body"].read())
    return found


def test_a_baseline_and_what_violates_it(jobs: Jobs) -> None:
    rows = "".join(f"{at % 60},{'abc'[at % 3]}\n" for at in range(600))
    said = analyze(jobs, "base", jobs.put("watch/base/a.csv", f"age,kind\n{rows}".encode()))
    assert said["ProcessingJobStatus"] == "Completed", said
    assert said["ExitMessage"] == "Completed: Job completed successfully with no violations."
    assert read(jobs, "out/base/statistics.json")["dataset"] == {"item_count": 600}
    rows = "".join(f"{at % 60 + 30},{'abz'[at % 3]}\n" for at in range(600))
    said = analyze(
        jobs,
        "drift",
        jobs.put("watch/drift/a.csv", f"age,kind\n{rows}".encode()),
        entry("constraints", {"S3Uri": "s3://lake/out/base/constraints.json"}),
        entry("statistics", {"S3Uri": "s3://lake/out/base/statistics.json"}),
        baseline_constraints=f"{PLACE}/constraints/constraints.json",
        baseline_statistics=f"{PLACE}/statistics/statistics.json",
        publish_cloudwatch_metrics="Enabled",
        sagemaker_endpoint_name="shop",
        sagemaker_monitoring_schedule_name="hourly",
    )
    assert said["ProcessingJobStatus"] == "Completed", said
    found = read(jobs, "out/drift/constraint_violations.json")["violations"]
    assert {(one["feature_name"], one["constraint_check_type"]) for one in found} == {
        ("age", "baseline_drift_check"),
        ("kind", "baseline_drift_check"),
        ("kind", "categorical_values_check"),
    }
    assert said["ExitMessage"] == "CompletedWithViolations: Job completed successfully with 3 violations."
    told(jobs)


def told(jobs: Jobs) -> None:
    """What the second job measured is in CloudWatch, under the names that AWS gives it."""
    cloudwatch = jobs.server.client("cloudwatch")
    space = "aws/sagemaker/Endpoints/data-metrics"
    known = [{"Name": "Endpoint", "Value": "shop"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]
    listed = cloudwatch.list_metrics(Namespace=space)["Metrics"]
    assert {one["MetricName"] for one in listed} == {
        *("feature_data_age", "feature_non_null_age", "feature_non_null_kind"),
        *("feature_baseline_drift_age", "feature_baseline_drift_kind"),
    }
    assert all(one["Dimensions"] == known for one in listed)
    at = jobs.sagemaker.describe_processing_job(ProcessingJobName="drift")["ProcessingEndTime"].timestamp()

    def points() -> list[Doc]:
        found: list[Doc] = cloudwatch.get_metric_statistics(
            Namespace=space,
            MetricName="feature_data_age",
            Dimensions=known,
            StartTime=at - 3600,
            EndTime=at + 3600,
            Period=3600,
            Statistics=["Maximum", "Average", "SampleCount"],
        )["Datapoints"]
        return found

    (one,) = until(points, 30.0, "the metric is there")
    assert (one["Maximum"], one["Average"], one["SampleCount"]) == (89.0, 59.5, 600.0)


def test_data_that_cannot_be_read_fails_the_job_in_plain_words(jobs: Jobs) -> None:
    said = analyze(jobs, "bad", jobs.put("watch/bad/a.csv", b"a,b\n1,2,3\n"))
    assert said["ProcessingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("ClientError: a.csv cannot be read as CSV of 2 columns")
