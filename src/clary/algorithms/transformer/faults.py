"""Why an object could not be transformed."""

from typing import Literal


class Failure(Exception):
    """One object has no output; the others go on. The message is for the owner of the job."""

    def __init__(self, kind: Literal["ClientError", "AlgorithmError"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
