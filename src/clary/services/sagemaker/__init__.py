"""The AWS service sagemaker."""
