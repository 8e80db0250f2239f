"""The errors of S3, with the fields that its documents carry."""

from clary.aws import times
from clary.aws.errors import ServiceError


class NoSuchBucket(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not exist", BucketName=bucket)


class NoSuchKey(ServiceError):
    """With `marker`, the version id of the delete marker that is the reason."""

    status = 404

    def __init__(self, key: str, marker: str | None = None) -> None:
        headers = {} if marker is None else {"x-amz-delete-marker": "true", "x-amz-version-id": marker}
        super().__init__("The specified key does not exist.", Key=key, _headers=headers)


class NoSuchUpload(ServiceError):
    status = 404

    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or"
            " completed.",
            UploadId=upload_id,
        )


class NoSuchVersion(ServiceError):
    status = 404

    def __init__(self, key: str, version: str) -> None:
        super().__init__("The specified version does not exist.", Key=key, VersionId=version)


class MethodNotAllowed(ServiceError):
    """A delete marker was asked for by its version id: there is nothing to read in it."""

    status = 405

    def __init__(self, marker: str, modified: float) -> None:
        headers = {
            "x-amz-delete-marker": "true",
            "x-amz-version-id": marker,
            "last-modified": times.render(modified, "rfc822"),
            "allow": "DELETE",
        }
        super().__init__(
            "The specified method is not allowed against this resource.",
            Method="GET",
            ResourceType="DeleteMarker",
            _headers=headers,
        )


class BucketAlreadyOwnedByYou(ServiceError):
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "Your previous request to create the named bucket succeeded and you already own it.", BucketName=bucket
        )


class BucketAlreadyExists(ServiceError):
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__(
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system."
            " Please select a different name and try again.",
            BucketName=bucket,
        )


class BucketNotEmpty(ServiceError):
    status = 409

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket you tried to delete is not empty", BucketName=bucket)


class InvalidBucketName(ServiceError):
    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket is not valid.", BucketName=bucket)


class IllegalLocationConstraintException(ServiceError):
    def __init__(self, constraint: str) -> None:
        super().__init__(
            f"The {constraint} location constraint is incompatible for the region specific endpoint this request was"
            " sent to."
        )


class InvalidLocationConstraint(ServiceError):
    def __init__(self, constraint: str) -> None:
        super().__init__("The specified location-constraint is not valid", LocationConstraint=constraint)


class AccessDenied(ServiceError):
    status = 403

    def __init__(self) -> None:
        super().__init__("Access Denied")


class PreconditionFailed(ServiceError):
    status = 412

    def __init__(self, condition: str) -> None:
        super().__init__("At least one of the pre-conditions you specified did not hold", Condition=condition)


class InvalidRange(ServiceError):
    status = 416

    def __init__(self, asked: str, size: int) -> None:
        super().__init__("The requested range is not satisfiable", RangeRequested=asked, ActualObjectSize=size)


class InvalidPartNumber(ServiceError):
    status = 416

    def __init__(self, asked: int, count: int) -> None:
        super().__init__(
            "The requested partnumber is not satisfiable", PartNumberRequested=asked, ActualPartCount=count
        )


class InvalidArgument(ServiceError):
    def __init__(self, message: str, name: str, value: object) -> None:
        super().__init__(message, ArgumentName=name, ArgumentValue=value)


class InvalidRequest(ServiceError):
    """Parts of the request contradict each other."""


class InvalidTag(ServiceError):
    """A tag or a set of tags breaks S3's rules."""


class MalformedXML(ServiceError):
    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class KeyTooLongError(ServiceError):
    def __init__(self, size: int) -> None:
        super().__init__("Your key is too long", Size=size, MaxSizeAllowed=1024)


class MetadataTooLarge(ServiceError):
    def __init__(self, size: int) -> None:
        super().__init__(
            "Your metadata headers exceed the maximum allowed metadata size", Size=size, MaxSizeAllowed=2048
        )


class EntityTooLarge(ServiceError):
    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(
            "Your proposed upload exceeds the maximum allowed size", ProposedSize=size, MaxSizeAllowed=allowed
        )


class EntityTooSmall(ServiceError):
    def __init__(self, number: int, size: int, etag: str, allowed: int) -> None:
        super().__init__(
            "Your proposed upload is smaller than the minimum allowed size",
            ProposedSize=size,
            MinSizeAllowed=allowed,
            PartNumber=number,
            ETag=etag,
        )


class InvalidPart(ServiceError):
    def __init__(self, upload_id: str, number: int, etag: str) -> None:
        super().__init__(
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the"
            " specified entity tag may not match the part's entity tag.",
            UploadId=upload_id,
            PartNumber=number,
            ETag=etag,
        )


class InvalidPartOrder(ServiceError):
    def __init__(self, upload_id: str) -> None:
        super().__init__(
            "The list of parts was not in ascending order. Parts must be ordered by part number.", UploadId=upload_id
        )


class InvalidStorageClass(ServiceError):
    def __init__(self, asked: str) -> None:
        super().__init__("The storage class you specified is not valid", StorageClassRequested=asked)


class InvalidRedirectLocation(ServiceError):
    def __init__(self) -> None:
        super().__init__(
            "The website redirect location must have a prefix of 'http://' or 'https://' or '/', and be no longer than"
            " 2048 bytes."
        )


class AccessControlListNotSupported(ServiceError):
    def __init__(self) -> None:
        super().__init__("The bucket does not allow ACLs")


class MalformedACLError(ServiceError):
    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class UnresolvableGrantByEmailAddress(ServiceError):
    def __init__(self, address: str) -> None:
        super().__init__("The e-mail address you provided does not match any account on record.", EmailAddress=address)


class IllegalVersioningConfigurationException(ServiceError):
    def __init__(self) -> None:
        super().__init__("The Versioning element must be specified")


class MissingSecurityHeader(ServiceError):
    def __init__(self, header: str) -> None:
        super().__init__("Your request was missing a required header", MissingHeaderName=header)
