"""What Glue asks of the policies: each family says it of its own operations, in a table ASKS of its `access.py`."""

from collections.abc import Mapping, Sequence

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue import tags
from clary.services.glue.api import service
from clary.services.glue.catalog import access as catalog_access
from clary.services.glue.crawlers import access as crawlers_access
from clary.services.glue.jobs import access as jobs_access
from clary.services.glue.registry import access as registry_access
from clary.services.glue.triggers import access as triggers_access


def _of_arn(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = req["ResourceArn"]
        wanted = req.get("TagsToAdd") or dict.fromkeys(req.get("TagsToRemove", ()), "") or None
        return [Ask(f"glue:{operation}", arn, {}, wanted, lambda: tags.of_arn(ctx, arn))]

    return asks


ASKS: Mapping[str, Asks] = {
    **catalog_access.ASKS,
    **registry_access.ASKS,
    **crawlers_access.ASKS,
    **jobs_access.ASKS,
    **triggers_access.ASKS,
    **{operation: _of_arn(operation) for operation in ("TagResource", "UntagResource", "GetTags")},
}


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        if operation in ASKS:
            service.access(operation, ASKS[operation])
        else:
            service.access(operation)
