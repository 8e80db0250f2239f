"""The process that answers questions: a JSON line in, a JSON line out, until nobody asks any more.

    python -m clary.engines.search.worker IDLE_SECONDS

It ends when its input does, that is when who started it is gone, and after so many seconds without a question."""

import json
import select
import sys
from typing import Any

from clary.engines.search.base import Question
from clary.engines.search.tpe import answer


def question_of(said: dict[str, Any]) -> Question:
    return Question(
        axes=said["axes"],
        tried=[(tuple(point), value) for point, value in said["tried"]],
        running=[tuple(point) for point in said["running"]],
        seed=said["seed"],
    )


def main(idle_seconds: float) -> None:
    while select.select([sys.stdin], [], [], idle_seconds)[0]:
        line = sys.stdin.buffer.readline()  # One question at a time is under way: nothing is left in the buffer.
        if not line:
            return
        sys.stdout.write(json.dumps(answer(question_of(json.loads(line)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
