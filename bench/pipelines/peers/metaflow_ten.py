"""Ten steps of Metaflow, as its documentation says: each a process of its own, the state in a local directory."""

import json
import subprocess
import sys
import time
from pathlib import Path

STEP = """
    @step
    def {name}(self):
        {after}
"""


def main(count: int) -> None:
    names = ["start", *(f"s{number}" for number in range(1, count - 1)), "end"]
    text = "from metaflow import FlowSpec, step\n\n\nclass Ten(FlowSpec):\n"
    for at, name in enumerate(names):
        after = "pass" if name == "end" else f"self.next(self.{names[at + 1]})"
        text += STEP.format(name=name, after=after)
    Path("flow.py").write_text(f"{text}\n\nif __name__ == '__main__':\n    Ten()\n")
    # The run begins when the program has been read: how long that takes is taken off.
    began = time.perf_counter()
    subprocess.run([sys.executable, "flow.py", "show"], check=True, capture_output=True)
    reading = time.perf_counter() - began
    began = time.perf_counter()
    subprocess.run([sys.executable, "flow.py", "--quiet", "run"], check=True, capture_output=True)
    print(json.dumps({"seconds": time.perf_counter() - began - reading}))


main(int(sys.argv[1]))
