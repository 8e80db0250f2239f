"""Retry policies: whether a step that has failed is tried once more, and when."""

from typing import Final

from clary.kernel.resource import Doc, Resource
from clary.pipeline.language.definition import Retry, Step
from clary.services.sagemaker.pipelines.steps.failures import SERVICE_FAULT, THROTTLING

REPEATS: Final = "_repeats"
"""The status member of a step's row that counts the repetitions by each policy, by its number."""
FIRST: Final = "_first_started"
"""The status member that says when the first attempt of this round began."""
LONGEST_WAIT: Final = 43_200.0
"""Seconds: what AWS allows as an interval."""
BY_ITSELF: Final = Retry((SERVICE_FAULT, THROTTLING), interval=1.0, backoff=2.0, attempts=5)
"""What SageMaker repeats where no policy says otherwise."""


def again(step: Step, row: Resource, kind: str, now: float) -> tuple[float, Doc] | None:
    """(seconds to wait, status members that count it); None: the failure of that kind stands."""
    for number, policy in enumerate([*step.retries, BY_ITSELF]):
        if kind and kind in policy.exceptions:
            return _by(policy, str(number), row, now)
    return None


def _by(policy: Retry, number: str, row: Resource, now: float) -> tuple[float, Doc] | None:
    counts: Doc = row.status.get(REPEATS) or {}
    done = int(counts.get(number, 0))
    if policy.attempts is not None and done >= policy.attempts:
        return None
    wait = min(policy.interval * policy.backoff**done, LONGEST_WAIT)
    began = float(row.status.get(FIRST, now))
    if policy.expire_after is not None and now + wait > began + policy.expire_after:
        return None
    return wait, {REPEATS: {**counts, number: done + 1}}
