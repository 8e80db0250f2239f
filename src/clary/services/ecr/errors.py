"""The errors of ECR, by their modelled names, in AWS's words."""

from clary.aws.errors import ServiceError


class InvalidParameterException(ServiceError):
    """A parameter does not comply with its constraints."""


class InvalidTagParameterException(ServiceError):
    """A tag does not comply with its constraints."""


class TooManyTagsException(ServiceError):
    """A repository can have 50 tags."""


class RepositoryNotFoundException(ServiceError):
    """The registry has no such repository."""

    def __init__(self, name: str, registry: str) -> None:
        super().__init__(f"The repository with name '{name}' does not exist in the registry with id '{registry}'")


class RepositoryAlreadyExistsException(ServiceError):
    """The name is taken."""

    def __init__(self, name: str, registry: str) -> None:
        super().__init__(f"The repository with name '{name}' already exists in the registry with id '{registry}'")


class RepositoryNotEmptyException(ServiceError):
    """It holds images, and nobody forced its deletion."""

    def __init__(self, name: str, registry: str) -> None:
        super().__init__(
            f"The repository with name '{name}' in registry with id '{registry}' cannot be deleted because it still"
            " contains images"
        )


class RepositoryPolicyNotFoundException(ServiceError):
    """It carries no policy."""

    def __init__(self, name: str, registry: str) -> None:
        super().__init__(
            f"Repository policy does not exist for the repository with name '{name}' in the registry with id"
            f" '{registry}'"
        )


class LifecyclePolicyNotFoundException(ServiceError):
    """It has no lifecycle policy."""

    def __init__(self, name: str, registry: str) -> None:
        super().__init__(
            f"Lifecycle policy does not exist for the repository with name '{name}' in the registry with id"
            f" '{registry}'"
        )


class ImageNotFoundException(ServiceError):
    """The repository has no such image."""

    def __init__(self, image: str, name: str, registry: str) -> None:
        super().__init__(
            f"The image with imageId {{{image}}} does not exist within the repository with name '{name}' in the"
            f" registry with id '{registry}'"
        )


class ImageAlreadyExistsException(ServiceError):
    """The same manifest is there under the same tag."""

    def __init__(self, digest: str, tag: str | None, name: str, registry: str) -> None:
        said = f"imageDigest:'{digest}', imageTag:'{tag or 'null'}'"
        super().__init__(
            f"Image with {said} already exists in the repository with name '{name}' in registry with id '{registry}'"
        )


class ImageTagAlreadyExistsException(ServiceError):
    """The tag is immutable, and names another image."""

    def __init__(self, tag: str, name: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the"
            " tag is immutable."
        )


class ImageDigestDoesNotMatchException(ServiceError):
    """The manifest has another digest than the request says."""


class LayersNotFoundException(ServiceError):
    """Layers that a manifest names are not in the repository."""


class ReferencedImagesNotFoundException(ServiceError):
    """Manifests that an index names are not in the repository."""


class UploadNotFoundException(ServiceError):
    """There is no such upload of a layer, or it is over."""

    def __init__(self, upload: str, name: str, registry: str) -> None:
        super().__init__(
            f"The upload id '{upload}' for repository with name '{name}' in registry with id '{registry}' does not"
            " exist"
        )


class InvalidLayerPartException(ServiceError):
    """The part does not follow on the last byte received."""


class InvalidLayerException(ServiceError):
    """The layer has another digest than the request says."""


class LayerAlreadyExistsException(ServiceError):
    """The repository has that layer."""


class EmptyUploadException(ServiceError):
    """Nothing was uploaded."""
