"""Tags of a model package group that mean something: the approval rules of its versions, and aliases of them.

An alias is the tag "alias:<name>" with a version's number as its value. All tags of a group are one row, so an alias
goes from one version to another in one transaction: nobody ever sees two champions, or none.
"""

from collections.abc import Mapping
from typing import Final

from clary.approval_rules import NotARule, of_tags
from clary.aws.errors import ValidationException
from clary.kernel.errors import Missing
from clary.kernel.resource import Resource
from clary.kernel.store import Store
from clary.services.sagemaker.errors import require

KIND: Final = "model-package-group"
ALIAS: Final = "alias:"


def check(store: Store, group: Resource, added: Mapping[str, str]) -> None:
    """Raises ValidationException for a rule that is none, and for an alias of a version that is not there."""
    check_rules(added)
    for key, value in added.items():
        if key.startswith(ALIAS):
            require(key != ALIAS, 'An alias needs a name: the tag is "alias:<name>"')
            require(_is_there(store, group, value), f"{key} names version {value!r}, which {group.name} has not")


def check_rules(added: Mapping[str, str]) -> None:
    """Raises ValidationException unless the tags, as far as they are approval rules, are ones."""
    try:
        of_tags(added)
    except NotARule as error:
        raise ValidationException(str(error)) from None


def aliases(tags: Mapping[str, str], version: int) -> list[str]:
    """What else the version is called."""
    return sorted(
        key.removeprefix(ALIAS) for key, value in tags.items() if key.startswith(ALIAS) and value == str(version)
    )


def _is_there(store: Store, group: Resource, version: str) -> bool:
    if not (version.isascii() and version.isdigit()):
        return False
    try:
        store.get(group.account, group.region, "model-package", f"{group.name}/{version}")
    except Missing:
        return False
    return True
