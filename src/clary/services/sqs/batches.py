"""What all batches have in common: their limits, their ids, and answers entry by entry."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from clary.aws.errors import ServiceError
from clary.kernel.resource import Doc
from clary.services.sqs.errors import (
    BatchEntryIdsNotDistinct,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
)

MOST: Final = 10
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


def check(entries: Sequence[Doc], kind: str) -> None:
    """Raises EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct."""
    if not entries:
        raise EmptyBatchRequest(f"There should be at least one {kind} in the request.")
    if len(entries) > MOST:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {MOST}. You have sent {len(entries)}."
        )
    seen: set[str] = set()
    for one in entries:
        if not _ID.fullmatch(one["Id"]):
            raise InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most"
                " 80 letters long."
            )
        if one["Id"] in seen:
            raise BatchEntryIdsNotDistinct(f"Id {one['Id']} repeated.")
        seen.add(one["Id"])


def each(entries: Sequence[Doc], act: Callable[[Doc], Doc]) -> Doc:
    """What came of every entry: one that fails does not keep its neighbours."""
    answer: Doc = {"Successful": [], "Failed": []}
    for one in entries:
        try:
            answer["Successful"].append({"Id": one["Id"], **act(one)})
        except ServiceError as error:
            answer["Failed"].append(failed(one["Id"], error))
    return answer


def failed(entry: str, error: ServiceError) -> Doc:
    code = error.query_code or error.error_code
    return {"Id": entry, "SenderFault": error.http_status < 500, "Code": code, "Message": error.message}
