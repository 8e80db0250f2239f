"""The errors of SQS. Each has two names: that of its protocol today, and the older one (`query_code`), which boto3
shows."""

from clary.aws.errors import ServiceError


class QueueDoesNotExist(ServiceError):
    query_code = "AWS.SimpleQueueService.NonExistentQueue"

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist.")


class QueueNameExists(ServiceError):
    query_code = "QueueAlreadyExists"


class InvalidAddress(ServiceError):
    """The text is no address of a queue."""


class InvalidAttributeName(ServiceError):
    """Queues have no attribute of that name."""


class InvalidAttributeValue(ServiceError):
    """The attribute cannot have that value."""


class InvalidParameterValue(ServiceError):
    code = "InvalidParameterValueException"
    query_code = "InvalidParameterValue"


class MissingParameter(ServiceError):
    code = "MissingParameterException"
    query_code = "MissingParameter"


class InvalidMessageContents(ServiceError):
    """The message holds characters that SQS does not take."""


class ReceiptHandleIsInvalid(ServiceError):
    """The receipt handle is not one of this queue's."""


class MessageNotInflight(ServiceError):
    query_code = "AWS.SimpleQueueService.MessageNotInflight"


class OverLimit(ServiceError):
    """There would be too many of something."""


class ResourceNotFoundException(ServiceError):
    """A queue or a task that is named does not exist."""


class UnsupportedOperation(ServiceError):
    query_code = "AWS.SimpleQueueService.UnsupportedOperation"


class EmptyBatchRequest(ServiceError):
    query_code = "AWS.SimpleQueueService.EmptyBatchRequest"


class TooManyEntriesInBatchRequest(ServiceError):
    query_code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"


class BatchEntryIdsNotDistinct(ServiceError):
    query_code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"


class InvalidBatchEntryId(ServiceError):
    query_code = "AWS.SimpleQueueService.InvalidBatchEntryId"


class BatchRequestTooLong(ServiceError):
    query_code = "AWS.SimpleQueueService.BatchRequestTooLong"
