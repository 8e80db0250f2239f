"""sagemaker 3.x: triggers of a pipeline: put, put again, described, fired, deleted.

python sdk3_triggers.py <the role that starts it>"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta

from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.triggers import PipelineSchedule

session = PipelineSession()
what = ParameterString("What", default_value="x")
step = ConditionStep(name="Look", conditions=[ConditionEquals(left=what, right="x")], if_steps=[], else_steps=[])
pipeline = Pipeline(name="Triggered3", parameters=[what], steps=[step], sagemaker_session=session)
pipeline.upsert(get_execution_role(session))

nightly = PipelineSchedule(name="Nightly3", cron="0 3 * * ? *")
hourly = PipelineSchedule(name="Hourly3", rate=(1, "hour"), enabled=False)
first = pipeline.put_triggers([nightly, hourly], role_arn=sys.argv[1])
soon = PipelineSchedule(name="Soon3", at=datetime.now(UTC) + timedelta(seconds=3))
second = pipeline.put_triggers([nightly, soon], role_arn=sys.argv[1])
described = [pipeline.describe_trigger(name) for name in ("Nightly3", "Hourly3", "Soon3")]
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    started = pipeline.list_executions()["PipelineExecutionSummaries"]
    if started and started[0]["PipelineExecutionStatus"] != "Executing":
        break
    time.sleep(0.2)
pipeline.delete_triggers(["Nightly3", "Hourly3", "Soon3", "Never3"])
left = session.boto_session.client("scheduler").list_schedules()["Schedules"]
print(
    json.dumps(
        {
            "arns": [sorted(first), sorted(second)],
            "described": described,
            "started": [one["PipelineExecutionStatus"] for one in started],
            "left": len(left),
        }
    )
)
