"""What model quality reads of each row: the truth, what the model said, and how sure it was."""

import re
from collections.abc import Iterator
from typing import Final

from clary.algorithms.contract import ClientError
from clary.algorithms.monitor import captured, records, source
from clary.algorithms.monitor.columns import Batch
from clary.algorithms.monitor.records import Doc
from clary.algorithms.monitor.settings import Quality, Settings

TRUTH: Final = "truth"
INFERENCE: Final = "inference"
PROBABILITY: Final = "probability"
_STEP: Final = re.compile(r"\[\s*(?:'([^']*)'|\"([^\"]*)\"|(\d+))\s*\]")


def batches(settings: Settings, quality: Quality) -> Iterator[Batch]:
    """Batches with the columns TRUTH, and INFERENCE and PROBABILITY where they are asked for."""
    preprocess = records.preprocessor(settings.preprocessor)
    if settings.format.kind == "capture" and preprocess is None:
        yield from records.gathered(_captured(settings, quality))
        return
    wanted = _wanted(quality)
    if TRUTH not in wanted:
        raise ClientError("ground_truth_attribute is missing: it says which column holds what was true.")
    for batch in source.batches(settings, preprocess, ()):
        yield {name: batch[_column(list(batch), one, name)] for name, one in wanted.items()}


def _wanted(quality: Quality) -> dict[str, str]:
    asked = {TRUTH: quality.truth, INFERENCE: quality.inference, PROBABILITY: quality.probability}
    return {name: path(one) for name, one in asked.items() if one is not None}


def path(attribute: str) -> str:
    """A JSON path (`$.a['b'][0]`) as the name that flat documents give to that member: `a.b.0`."""
    text = _STEP.sub(lambda step: "." + next(one for one in step.groups() if one is not None), attribute.strip())
    return text.removeprefix("$").strip(".")


def _column(names: list[str], attribute: str, what: str) -> str:
    """The column of that name, else of that position."""
    if attribute in names:
        return attribute
    if attribute.isdigit() and int(attribute) < len(names):
        return names[int(attribute)]
    raise ClientError(
        f"The {what} should be in the column {attribute!r}; the data set has the columns {', '.join(names[:20])}."
    )


def _captured(settings: Settings, quality: Quality) -> Iterator[Doc]:
    wanted = _wanted(quality)
    files = list(source.files(settings.source))
    for where, record in captured.inferences(files, settings):
        about = record.get(captured.TRUTH)
        if about is None:
            continue  # nobody has said yet what was true of this one
        if "endpointOutput" not in record["captureData"]:
            raise ClientError(f"{where}: the record has no endpointOutput, so there is nothing to judge.")
        told = captured.rows_of(record["captureData"]["endpointOutput"], "endpointOutput")
        truths = captured.rows_of(about, captured.TRUTH)
        if len(told) != len(truths):
            raise ClientError(f"{where}: there are {len(told)} answers and {len(truths)} truths.")
        for answer, truth in zip(told, truths, strict=True):
            said: Doc = {
                name: _cell(answer, wanted[name], name, where) for name in (INFERENCE, PROBABILITY) if name in wanted
            }
            yield {TRUTH: _cell(truth, wanted.get(TRUTH, "0"), TRUTH, where), **said}


def _cell(row: Doc | list[object], attribute: str, what: str, where: str) -> object:
    if isinstance(row, dict):
        if attribute in row:
            return row[attribute]
        if len(row) == 1 and attribute == "0":
            return next(iter(row.values()))
        have = ", ".join(map(str, list(row)[:20]))
    else:
        if attribute.isdigit() and int(attribute) < len(row):
            return row[int(attribute)]
        if len(row) == 1 and what == TRUTH:
            return row[0]
        have = f"the positions 0 to {len(row) - 1}"
    raise ClientError(f"{where}: the {what} should be at {attribute!r}; there are {have}.")
