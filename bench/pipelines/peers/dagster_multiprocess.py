"""Ten ops of Dagster, each in a process of its own: what it does by default."""

import json
import time

from dagster import DagsterInstance, execute_job, reconstructable
from dagster_ten import ten

if __name__ == "__main__":
    began = time.perf_counter()
    assert execute_job(reconstructable(ten), DagsterInstance.get()).success
    print(json.dumps({"seconds": time.perf_counter() - began}))
