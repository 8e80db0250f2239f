"""PutMetricData: what programs measure themselves."""

import asyncio
import errno
import math
from collections.abc import Iterator
from typing import Final

import orjson

from clary.aws.service import Context
from clary.kernel.metrics import MetricName, MetricStore, Sample, Summary
from clary.kernel.resource import Doc
from clary.services.cloudwatch.api import (
    InternalServiceFault,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
    metric_of,
    service,
)

MOST_DATA: Final = 1000
MOST_VALUES: Final = 150
LARGEST: Final = 2.0**360
_ALONE: Final = frozenset({"Values", "Counts", "StatisticValues"})
"""What a datum with a Value must not have."""
_OLDEST_SECONDS: Final = 14 * 86_400
_NEWEST_SECONDS: Final = 2 * 3_600


@service.operation("PutMetricData", ignores=("EntityMetricData.Entity", "StrictEntityValidation"))
async def put_metric_data(ctx: Context, req: Doc) -> Doc:
    """All data are stored, durably, or none of them.

    Errors: InvalidParameterValue, InvalidParameterCombination, MissingParameter; InternalServiceError, also when the
    disk is full."""
    namespace: str = req["Namespace"]
    if namespace.startswith("AWS/"):
        raise InvalidParameterValueException(
            f"The value {namespace} for parameter Namespace is invalid. What begins with AWS/ is for services."
        )
    _check_text(namespace, "Namespace")
    data = list(_data(req))
    if not data:
        raise MissingRequiredParameterException("The parameter MetricData is required.")
    if len(data) > MOST_DATA:
        raise InvalidParameterValueException(
            f"The collection MetricData must not have a size greater than {MOST_DATA}."
        )
    now = ctx.clock.now()
    metrics: dict[tuple[str, bytes], MetricName] = {}
    samples = [_sample(ctx, namespace, one, where, now, metrics) for where, one in data]
    try:
        await asyncio.to_thread(ctx.port(MetricStore).put, samples)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InternalServiceFault("The metrics were not stored: no space is left on the disk.") from error
        raise
    return {}


def _data(req: Doc) -> Iterator[tuple[str, Doc]]:
    """(how a message names it, datum)."""
    for number, one in enumerate(req.get("MetricData", ()), 1):
        yield f"MetricData.member.{number}", one
    for first, entity in enumerate(req.get("EntityMetricData", ()), 1):
        for number, one in enumerate(entity.get("MetricData", ()), 1):
            yield f"EntityMetricData.member.{first}.MetricData.member.{number}", one


def _sample(
    ctx: Context, namespace: str, datum: Doc, where: str, now: float, metrics: dict[tuple[str, bytes], MetricName]
) -> Sample | Summary:
    # A thousand data mostly name few metrics: what was checked once is found by the bytes of its name.
    key = datum["MetricName"], orjson.dumps(datum.get("Dimensions"))
    metric = metrics.get(key)
    if metric is None:
        metric = metrics[key] = _named(ctx, namespace, datum, where)
    at = _time(datum, where, now)
    unit, resolution = datum.get("Unit", "None"), datum.get("StorageResolution", 60)
    if resolution not in (1, 60):
        raise InvalidParameterValueException(
            f"The value {resolution} for parameter {where}.StorageResolution is invalid. Use 1 or 60."
        )
    value = datum.get("Value")
    if value is not None and _ALONE.isdisjoint(datum):
        return Sample(metric, at, (_number(value, where, "Value"),), (), unit, resolution)
    given = [name for name in ("Value", "Values", "StatisticValues") if name in datum]
    if len(given) > 1:
        raise InvalidParameterCombinationException(
            f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive "
            "and you have specified both."
        )
    if not given:
        raise MissingRequiredParameterException(
            f"At least one of the parameters {where}.Value, {where}.Values and "
            f"{where}.StatisticValues must be specified."
        )
    if "Counts" in datum and given != ["Values"]:
        raise InvalidParameterCombinationException(f"The parameter {where}.Counts goes with {where}.Values only.")
    if given == ["Values"]:
        values, counts = _values(datum, where)
        return Sample(metric, at, values, counts, unit, resolution)
    return _summary(metric, at, datum["StatisticValues"], f"{where}.StatisticValues", unit, resolution)


def _named(ctx: Context, namespace: str, datum: Doc, where: str) -> MetricName:
    _check_text(datum["MetricName"], f"{where}.MetricName")
    for number, one in enumerate(datum.get("Dimensions", ()), 1):
        place = f"{where}.Dimensions.member.{number}"
        if one["Name"].startswith(":"):
            raise InvalidParameterValueException(f"The parameter {place}.Name must not start with a colon.")
        _check_text(one["Name"], f"{place}.Name")
        _check_text(one["Value"], f"{place}.Value")
    return metric_of(ctx, namespace, datum["MetricName"], datum.get("Dimensions", []))


def _check_text(text: str, where: str) -> None:
    if not text.isascii() or not text.isprintable():
        raise InvalidParameterValueException(f"The parameter {where} must contain only printable ASCII characters.")
    if not text.strip():
        raise InvalidParameterValueException(f"The parameter {where} must contain at least one character but blanks.")


def _time(datum: Doc, where: str, now: float) -> float:
    at: float = datum.get("Timestamp", now)
    if at < now - _OLDEST_SECONDS:
        raise InvalidParameterValueException(
            f"The parameter {where}.Timestamp must specify a time within the past two weeks."
        )
    if at > now + _NEWEST_SECONDS:
        raise InvalidParameterValueException(
            f"The parameter {where}.Timestamp must specify a time no more than two hours in the future."
        )
    return at


def _number(value: float, where: str, name: str) -> float:
    # Comparisons with NaN are false.
    if not -LARGEST <= value <= LARGEST:
        shown = "NaN" if math.isnan(value) else value
        raise InvalidParameterValueException(
            f"The value {shown} for parameter {where}.{name} is invalid. It must be a number from -2^360 to 2^360."
        )
    return value


def _values(datum: Doc, where: str) -> tuple[list[float], list[float]]:
    values, counts = datum["Values"], datum.get("Counts", [])
    for name, numbers in (("Values", values), ("Counts", counts)):
        if len(numbers) > MOST_VALUES:
            raise InvalidParameterValueException(
                f"The collection {where}.{name} must not have a size greater than {MOST_VALUES}."
            )
        for number, one in enumerate(numbers, 1):
            _number(one, where, f"{name}.member.{number}")
    if not values:
        raise MissingRequiredParameterException(f"The parameter {where}.Values must have at least one member.")
    if counts and len(counts) != len(values):
        raise InvalidParameterValueException(
            f"The parameters {where}.Values and {where}.Counts must be of the same size."
        )
    if any(count < 0 for count in counts) or (counts and not any(counts)):
        raise InvalidParameterValueException(
            f"The parameter {where}.Counts must not hold negative numbers, nor zeros only."
        )
    return values, counts


def _summary(metric: MetricName, at: float, given: Doc, where: str, unit: str, resolution: int) -> Summary:
    count, total, low, high = (
        _number(given[name], where, name) for name in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if count <= 0:
        raise InvalidParameterValueException(f"The parameter {where}.SampleCount must be greater than 0.")
    if low > high:
        raise InvalidParameterValueException(
            f"The parameter {where}.Maximum must be greater than or equal to {where}.Minimum."
        )
    return Summary(metric, at, count, total, low, high, unit, resolution)
