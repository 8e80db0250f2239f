"""Messages to one queue go together."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

from clary.aws.delivery import Delivery

MOST_TOGETHER: Final = 10
_MOST_BYTES: Final = 900_000
"""Of bodies in one call: what SQS takes, with room for the rest."""


def together(ones: Sequence[Delivery]) -> Iterator[tuple[dict[str, Delivery], Delivery]]:
    """Messages to one queue, in order, by calls that hold several: (the messages by their Ids, the call)."""
    batch: dict[str, Delivery] = {}
    size = 0
    for one in ones:
        length = len(one.params["MessageBody"].encode())
        if batch and (len(batch) == MOST_TOGETHER or size + length > _MOST_BYTES):
            yield batch, _batch(batch)
            batch, size = {}, 0
        # The Id makes the message's id: of a repetition it is the same, whatever else is in its batch.
        batch[blake2b(one.id.encode(), digest_size=20).hexdigest()] = one
        size += length
    if batch:
        yield batch, _batch(batch)


def _batch(ones: dict[str, Delivery]) -> Delivery:
    first = next(iter(ones.values()))
    entries = [{"Id": name, "MessageBody": one.params["MessageBody"]} for name, one in ones.items()]
    params = {"QueueUrl": first.params["QueueUrl"], "Entries": entries}
    return Delivery("several", first.region, first.acting, "sqs", "SendMessageBatch", params)
