"""What a decision costs: root's, which needs none, and a role's with three managed policies, as the gateway makes it.

CPU time of one process, in microseconds a request: the look at who is asking, the table of what the operation asks,
the policies. The rest of the request (signature, decoding, the operation) is not in it. What GetObject asks looks the
bucket up first, since S3 tells everybody of a bucket that is not there.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import report
from clary.aws.authorize import Authorizer, IdentityPolicies
from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.kernel import ids
from clary.kernel.clock import SystemClock
from clary.kernel.resource import Doc, Resource
from clary.kernel.sqlite import SqliteStore
from clary.services import s3, sagemaker
from clary.services.iam.effective import StoredIdentities

ACCOUNT = "123456789012"
ROOT = Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root")
ROLE = Principal(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", "AROAR:s", "assumed-role")
POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess", "CloudWatchLogsFullAccess")
BUDGETS = {"root": 0.3, "role_3_policies": 15.0}
"""Microseconds."""


async def _nobody(ctx: Context, service: str, operation: str, params: Doc) -> Doc:
    raise AssertionError(operation)


def main(smoke: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        clock = SystemClock()
        store = SqliteStore(Path(directory) / "clary.db", clock, only_writer=True)  # as the control process opens it
        attached = [f"arn:aws:iam::aws:policy/{name}" for name in POLICIES]
        status = {"RoleId": "AROAR", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 3600}
        arn = f"arn:aws:iam::{ACCOUNT}:role/r"
        store.create(Resource("role", "r", ACCOUNT, "", ids.new(), arn, status={**status, "_attached": attached}))
        store.create(Resource("bucket", "b", ACCOUNT, "", ids.new(), "arn:aws:s3:::b"))
        ports = {IdentityPolicies: StoredIdentities(store, ACCOUNT)}
        authorizer = Authorizer(ports, ACCOUNT)

        def decide(principal: Principal, service: str, operation: str, req: Doc) -> Callable[[], None]:
            asks = {"s3": s3.service, "sagemaker": sagemaker.service}[service].asks(operation)
            ctx = Context(ACCOUNT, "us-east-1", principal, "id", store, clock, ports, _nobody, authority=authorizer)

            def once() -> None:
                if not authorizer.trusted(principal):
                    authorizer.check(ctx, asks(ctx, req))

            return once

        times = 2_000 if smoke else 50_000
        describe = ("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "a"})
        get = ("s3", "GetObject", {"Bucket": "b", "Key": "k"})
        figures = {
            "clary": {
                "root": _cost(decide(ROOT, *describe), times),
                "role_3_policies": _cost(decide(ROLE, *describe), times),
                "role_3_policies_get_object": _cost(decide(ROLE, *get), times),
            }
        }
        store.close()
    notes = [f"{name}: budget {most} us" for name, most in BUDGETS.items()]
    report.keep("authorization", figures, {}, smoke=smoke, notes=notes)


def _cost(once: Callable[[], None], times: int) -> float:
    """Microseconds of CPU time, the empty loop taken off."""

    def spent(work: Callable[[], None]) -> float:
        began = time.process_time()
        for _ in range(times):
            work()
        return time.process_time() - began

    once()
    return round((spent(once) - spent(lambda: None)) / times * 1e6, 2)
