"""What a model server says of a request that it cannot answer."""


class Refused(Exception):
    """The request gets this status and this sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
