"""What both versions of the SDK do when steps and executions are retried; each brings its own classes."""

import json
import sys

import boto3


def play(prefix, session, role, counted, pipeline_of, limit):
    """Prints what became of it, as JSON. `counted(name, after=, instances=, policies=)`: a step that counts the rows of
    s3://<bucket>/<prefix>/<name>.csv; `pipeline_of(name, steps=, sagemaker_session=)`; `limit`: a policy for
    ResourceLimitExceeded."""
    client, s3 = (boto3.client(name) for name in ("sagemaker", "s3"))

    def given(name, rows):
        s3.put_object(Bucket=session.default_bucket(), Key=f"{prefix}/{name}.csv", Body=rows)

    def started(name, steps):
        pipeline = pipeline_of(name, steps=steps, sagemaker_session=session)
        pipeline.upsert(role_arn=role)
        return pipeline.start()

    for name, rows in (("First", b"1\n2\n"), ("Second", b"unfit\n"), ("Third", b"1\n"), ("Huge", b"1\n")):
        given(name, rows)

    first = counted("First")
    second = counted("Second", after=[first])
    third = counted("Third", after=[second])
    execution = started(prefix.title(), [first, second, third])
    before = _ended(execution)
    failed = execution.describe()
    given("Second", b"1\n2\n3\n")
    again = client.retry_pipeline_execution(
        PipelineExecutionArn=execution.arn, ClientRequestToken="once-more-" + "x" * 30
    )
    after = _ended(execution)
    huge = _ended(started(f"{prefix.title()}Huge", [counted("Huge", instances=20, policies=[limit])]))["Huge"]
    print(
        json.dumps(
            {
                "before": {name: one["StepStatus"] for name, one in before.items()},
                "failed": [failed["PipelineExecutionStatus"], failed["FailureReason"]],
                "same": again["PipelineExecutionArn"] == execution.arn,
                "after": {name: one["StepStatus"] for name, one in after.items()},
                "status": execution.describe()["PipelineExecutionStatus"],
                "kept": _jobs(before)["First"] == _jobs(after)["First"],
                "anew": _jobs(before)["Second"] != _jobs(after)["Second"],
                "huge": [huge["StepStatus"], huge["AttemptCount"], huge["FailureReason"]],
            }
        )
    )


def _ended(execution):
    """list_steps by name."""
    try:
        execution.wait(delay=1, max_attempts=200)
    except Exception as error:
        print(error, file=sys.stderr)
    return {one["StepName"]: one for one in execution.list_steps()}


def _jobs(steps):
    return {name: one["Metadata"]["ProcessingJob"]["Arn"] for name, one in steps.items()}
