"""Search over SageMaker's resources: by any property of their records, in any order."""

from clary.services.sagemaker.search import operations

__all__ = ["operations"]
