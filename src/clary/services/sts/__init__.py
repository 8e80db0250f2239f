"""The AWS service sts."""
