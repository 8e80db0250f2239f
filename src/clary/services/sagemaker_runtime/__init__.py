"""The AWS service sagemaker-runtime."""
