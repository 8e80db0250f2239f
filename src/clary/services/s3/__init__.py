"""S3: buckets and objects. Needs the port `engines.objects.base.BucketStore`."""

from clary.services.s3 import buckets, copies, listing, multipart, objects, tagging, uploads
from clary.services.s3.api import service

__all__ = ["buckets", "copies", "listing", "multipart", "objects", "service", "tagging", "uploads"]
