"""Data capture of endpoints: what is asked of the fronts, and how what they wrote down comes to S3."""

from clary.services.sagemaker.capturing import rules
from clary.services.sagemaker.capturing.shipping import Shipper

__all__ = ["Shipper", "rules"]
