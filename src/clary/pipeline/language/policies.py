"""CacheConfig and RetryPolicies of a step, read and checked."""

import re
from collections.abc import Sequence
from typing import Any, Final

from clary.pipeline.language.definition import Cache, Retry
from clary.pipeline.language.findings import Findings, below, kind, meant

EXCEPTIONS: Final = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
MOST_ATTEMPTS: Final = 20
ATTEMPTS: Final = 5
"""Repetitions where a policy gives neither MaxAttempts nor ExpireAfterMin."""
LONGEST_INTERVAL: Final = 43_200
LONGEST_MINUTES: Final = 14_400

_DURATION: Final = re.compile(
    r"P?(?!$|T$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?",
    re.IGNORECASE,
)
_SECONDS: Final = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1)


def seconds(duration: str) -> float | None:
    """An ISO 8601 duration in seconds, a year as 365 days and a month as 30; the leading P may be missing, as in the
    SDK's own examples. None: it is none."""
    match = _DURATION.fullmatch(duration)
    if match is None or not any(match.groups()):
        return None
    return float(sum(int(given) * unit for given, unit in zip(match.groups(), _SECONDS, strict=True) if given))


def cache(value: Any, path: str, findings: Findings, step: str | None) -> Cache | None:
    given = findings.object(value, path, ("Enabled", "ExpireAfter"), step)
    if given is None:
        return None
    enabled, after = given.get("Enabled"), given.get("ExpireAfter")
    if not isinstance(enabled, bool):
        what = "is missing: true or false" if enabled is None else f"must be true or false, but is {kind(enabled)}"
        findings.add(below(path, "Enabled"), what, step)
        enabled = False
    lasts = None
    if after is not None:
        lasts = seconds(after) if isinstance(after, str) else None
        if lasts is None:
            wrong = f"{after!r} is no ISO 8601 duration, such as PT1H or P30D"
            findings.add(below(path, "ExpireAfter"), wrong, step)
    return Cache(enabled, lasts)


def retries(value: Any, path: str, findings: Findings, step: str | None) -> tuple[Retry, ...]:
    given = enumerate(findings.list(value, path, step))
    made = (_retry(one, below(path, number), findings, step) for number, one in given)
    return tuple(one for one in made if one is not None)


def _retry(value: Any, path: str, findings: Findings, step: str | None) -> Retry | None:
    members = ("ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin")
    given = findings.object(value, path, members, step)
    if given is None:
        return None
    if "MaxAttempts" in given and "ExpireAfterMin" in given:
        findings.add(path, "only one of MaxAttempts and ExpireAfterMin can be given; leave one out", step)

    def number(name: str, least: float, most: float, *, whole: bool = True) -> float | None:
        if name not in given:
            return None
        return findings.number(given[name], below(path, name), step, least, most, whole=whole)

    interval = number("IntervalSeconds", 0, LONGEST_INTERVAL)
    backoff = number("BackoffRate", 0, 1e6, whole=False)
    attempts = number("MaxAttempts", 0, MOST_ATTEMPTS)
    minutes = number("ExpireAfterMin", 1, LONGEST_MINUTES)
    if "MaxAttempts" not in given and "ExpireAfterMin" not in given:
        attempts = ATTEMPTS
    return Retry(
        exceptions=tuple(_exceptions(given.get("ExceptionType"), below(path, "ExceptionType"), findings, step)),
        interval=1.0 if interval is None else interval,
        backoff=2.0 if backoff is None else backoff,
        attempts=None if attempts is None else int(attempts),
        expire_after=None if minutes is None else minutes * 60.0,
    )


def _exceptions(value: Any, path: str, findings: Findings, step: str | None) -> Sequence[str]:
    if value is None or value == []:
        findings.add(path, f"is missing: one or more of {', '.join(EXCEPTIONS)}", step)
        return ()
    found = []
    for number, one in enumerate(findings.list(value, path, step)):
        if one in EXCEPTIONS:
            found.append(one)
        else:
            wrong = f"{one!r} is no type of exception that is retried{meant(str(one), EXCEPTIONS)}"
            findings.add(below(path, number), wrong, step)
    return found
