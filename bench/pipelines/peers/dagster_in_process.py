"""Ten ops of Dagster in one process."""

import json
import time

from dagster_ten import ten

began = time.perf_counter()
assert ten.execute_in_process().success
print(json.dumps({"seconds": time.perf_counter() - began}))
