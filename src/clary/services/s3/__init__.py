"""The AWS service s3."""
