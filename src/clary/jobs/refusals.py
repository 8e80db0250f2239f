"""What an input is refused with."""


class InputError(Exception):
    """An input that the job's owner must mend; the message is for them."""
