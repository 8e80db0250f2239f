"""The errors of what is set on buckets."""

from clary.aws.errors import ServiceError


class OperationAborted(ServiceError):
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A conflicting conditional operation is currently in progress against this resource. Please try again."
        )


class NoSuchTagSet(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The TagSet does not exist", BucketName=bucket)


class NoSuchCORSConfiguration(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The CORS configuration does not exist", BucketName=bucket)


class NoSuchLifecycleConfiguration(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The lifecycle configuration does not exist", BucketName=bucket)


class NoSuchWebsiteConfiguration(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified bucket does not have a website configuration", BucketName=bucket)


class NoSuchBucketPolicy(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket policy does not exist", BucketName=bucket)


class NoSuchPublicAccessBlockConfiguration(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The public access block configuration was not found", BucketName=bucket)


class OwnershipControlsNotFoundError(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The bucket ownership controls were not found", BucketName=bucket)


class ServerSideEncryptionConfigurationNotFoundError(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The server side encryption configuration was not found", BucketName=bucket)


class ReplicationConfigurationNotFoundError(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The replication configuration was not found", BucketName=bucket)


class ObjectLockConfigurationNotFoundError(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("Object Lock configuration does not exist for this bucket", BucketName=bucket)


class NoSuchConfiguration(ServiceError):
    status = 404

    def __init__(self, bucket: str) -> None:
        super().__init__("The specified configuration does not exist.", BucketName=bucket)


class MalformedPolicy(ServiceError):
    """The bucket policy breaks the rules of its language."""


class InvalidBucketAclWithObjectOwnership(ServiceError):
    def __init__(self) -> None:
        super().__init__("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")


class InvalidBucketAclWithBlockPublicAccessError(ServiceError):
    def __init__(self) -> None:
        super().__init__("Bucket cannot have public ACLs set with BlockPublicAccess enabled")


class PublicPolicyBlocked(ServiceError):
    code = "AccessDenied"
    status = 403

    def __init__(self, caller: str, arn: str) -> None:
        super().__init__(
            f"User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: {arn} because public"
            " policies are blocked by the BlockPublicPolicy block public access setting."
        )
