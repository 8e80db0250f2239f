"""Policies of model package groups, handed to whoever decides: each governs its group and all versions of it."""

import re
from typing import Final

from clary.aws.access import Ask
from clary.kernel.errors import Missing
from clary.kernel.store import Store
from clary.services.sagemaker.registry.names import GROUP

_ARN: Final = re.compile(r"arn:aws:sagemaker:([a-z0-9-]+):(\d{12}):model-package(?:-group/([^/]+)|/([^/]+)/[^/]+)")


class GroupPolicies:
    """aws.authorize.ResourcePolicies for model package groups."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    def of(self, ask: Ask) -> str | None:
        """The policy of the group that the ask's ARN names, or whose version it names."""
        match = _ARN.fullmatch(ask.resource)
        if match is None or match[2] != self._account:
            return None
        try:
            group = self._store.get(self._account, match[1], GROUP, match[3] or match[4])
        except Missing:
            return None
        text: str | None = group.status.get("_policy")
        return text
