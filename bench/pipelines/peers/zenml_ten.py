"""Ten steps of ZenML, one after the other, in one process, its store a local file."""

import json
import sys
import time

from zenml import pipeline, step


@step(enable_cache=False)
def nothing() -> None:
    pass


@pipeline(enable_cache=False)
def ten() -> None:
    for number in range(int(sys.argv[1])):
        after = [f"s{number - 1}"] if number else []
        nothing(id=f"s{number}", after=after)


began = time.perf_counter()
ten()
print(json.dumps({"seconds": time.perf_counter() - began}))
