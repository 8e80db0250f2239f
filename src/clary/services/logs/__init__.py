"""The AWS service logs."""
