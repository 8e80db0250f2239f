"""How many files and connections a process may have open."""

import resource

WANTED = 65536


def raise_limit() -> None:
    """As many as wanted, or as this machine lets us: every client costs one, and the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
