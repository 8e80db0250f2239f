"""AWS Glue: the service object, which every family registers its operations with."""

from typing import Final

from clary.aws.service import Service

service = Service("glue")

PRINCIPAL: Final = "glue.amazonaws.com"
"""What the service is called in trust policies."""
