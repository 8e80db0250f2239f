"""The process that looks into files: a JSON line in, a JSON line out, until nobody asks any more.

    python -m clary.engines.schemas.worker IDLE_SECONDS

It ends when its input does, that is when who started it is gone, and after so many seconds without a question."""

import select
import sys

import orjson

from clary.engines.schemas.base import Sample
from clary.engines.schemas.look import survey


def main(idle_seconds: float) -> None:
    while select.select([sys.stdin], [], [], idle_seconds)[0]:
        line = sys.stdin.buffer.readline()  # One question at a time is under way: nothing is left in the buffer.
        if not line:
            return
        asked = orjson.loads(line)
        said = survey([Sample(path, size) for path, size in asked["samples"]], asked["classifiers"])
        answer = {
            "schemas": said.schemas,
            "seen": [[one.kind, one.schema, one.records, one.why] for one in said.seen],
        }
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
