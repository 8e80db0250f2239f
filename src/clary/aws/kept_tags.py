"""Tags that are kept in the status of their resource."""

from collections.abc import Callable, Mapping

from clary.kernel.errors import Exists, Stale
from clary.kernel.resource import Resource
from clary.kernel.store import Store


def of(one: Resource) -> Mapping[str, str]:
    found: Mapping[str, str] = one.status.get("_tags", {})
    return found


def change(
    store: Store, find: Callable[[], Resource], changed: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> None:
    """The tags of what `find` answers are what `changed` makes of them. Both may raise; both are asked again when
    somebody else wrote the resource meanwhile. A resource that has no row yet gets one."""
    while True:
        found = find()
        tags = dict(changed(of(found)))
        try:
            store.update(found if found.version else store.create(found), _tags=tags)
        except (Stale, Exists):  # written since it was read: look again
            continue
        return
