"""The service object that every family of SageMaker registers its operations with."""

from clary.aws.service import Service

service = Service("sagemaker")
