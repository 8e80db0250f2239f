"""What the kernel can refuse.

KernelError
  Exists        a resource of that key is already there
  Missing       no resource of that key
  Stale         somebody wrote the resource since it was read
  IllegalMove   a state machine does not know that move
  BadToken      a page token was not made by this list, or not with these filters
  ForeignState  the state file was not written by this Clary, or by a newer one
"""


class KernelError(Exception):
    """The base of every refusal of the kernel."""


class Exists(KernelError):
    """A resource of that key is already there."""


class Missing(KernelError):
    """No resource of that key."""


class Stale(KernelError):
    """Somebody wrote the resource since it was read: look again."""


class IllegalMove(KernelError):
    """A state machine does not know that move."""


class BadToken(KernelError):
    """A page token that this list, with these filters, did not give out."""


class ForeignState(KernelError):
    """The state file was not written by Clary, or by a newer Clary than this one: nothing was read or changed."""
