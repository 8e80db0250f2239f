"""What is wrong with a policy document."""


class Malformed(Exception):
    """The document is no policy. The message is IAM's sentence; services answer it under their own code
    (MalformedPolicyDocument, MalformedPolicy)."""
