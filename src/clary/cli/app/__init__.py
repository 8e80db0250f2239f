"""`clary app`: pages of models for people without keys (docs/apps.md). A client of IAM, S3 and SageMaker, like any."""
