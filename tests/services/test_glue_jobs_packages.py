"""--additional-python-modules with a real pip, and wheels that only this machine has."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.glue_house import TRUST
from tests.real import RealClary, until
from tests.wheels import write_wheel

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClary]:
    wheels = tmp_path_factory.mktemp("wheels")
    write_wheel(wheels)
    made = RealClary(tmp_path_factory.mktemp("clary") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PIP_FIND_LINKS", str(wheels))
        patched.setenv("PIP_NO_INDEX", "1")
        made.up()
    yield made
    made.sweep()


def test_a_script_finds_the_packages_that_its_job_names(server: RealClary) -> None:
    s3, glue, iam = (server.client(name) for name in ("s3", "glue", "iam"))
    role = iam.create_role(RoleName="jobs", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="jobs", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="shell.py", Body=b"import tinything; print('value', tinything.VALUE)")
    command = {"Name": "pythonshell", "ScriptLocation": "s3://lake/shell.py", "PythonVersion": "3.9"}
    glue.create_job(Name="shell", Role=role, Command=command)

    def ran(modules: str) -> tuple[dict[str, Any], str]:
        given = {"--additional-python-modules": modules}
        run = glue.start_job_run(JobName="shell", Arguments=given)["JobRunId"]

        def over() -> Any:
            said = glue.get_job_run(JobName="shell", RunId=run)["JobRun"]
            return said if said["JobRunState"] in ("SUCCEEDED", "FAILED", "ERROR", "TIMEOUT") else None

        said: dict[str, Any] = until(over, 120.0, f"{run} to end")
        events = server.client("logs").get_log_events(
            logGroupName="/aws-glue/python-jobs/output", logStreamName=run, startFromHead=True
        )["events"]
        return said, "\n".join(one["message"] for one in events)

    said, lines = ran("tinything==1.0")
    assert said["JobRunState"] == "SUCCEEDED", said
    assert "Successfully installed tinything-1.0" in lines and "value 42" in lines
    said, lines = ran("tinything==1.0")
    assert said["JobRunState"] == "SUCCEEDED", said
    assert lines == "value 42", "the environment is kept"
    said, lines = ran("no-such-package==7")
    assert said["JobRunState"] == "FAILED"
    assert "No matching distribution found for no-such-package==7" in said["ErrorMessage"]
