"""The AWS service iam."""
