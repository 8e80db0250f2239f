"""Amazon Athena: the service object, which every family registers its operations with."""

from clary.aws.service import Service

service = Service("athena")
