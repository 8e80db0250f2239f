"""What crawlers and classifiers ask of the policies."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue import roles, tags

_BY_NAME: Final = ("CreateCrawler", "UpdateCrawler", "GetCrawler", "DeleteCrawler", "StartCrawler", "StopCrawler")
_BY_CRAWLER_NAME: Final = ("UpdateCrawlerSchedule", "StartCrawlerSchedule", "StopCrawlerSchedule", "ListCrawls")


def _of_crawler(operation: str, member: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        arn = ctx.arn("glue", f"crawler/{req[member]}")
        wanted = req.get("Tags") or None
        found = [Ask(f"glue:{operation}", arn, {}, wanted, lambda: tags.of_arn(ctx, arn))]
        if "Role" in req:
            found.append(roles.pass_role(ctx.account, req["Role"]))
        return found

    return asks


def _of_several(ctx: Context, req: Doc) -> Sequence[Ask]:
    return [Ask("glue:BatchGetCrawlers", ctx.arn("glue", f"crawler/{name}")) for name in req["CrawlerNames"]]


ASKS: Final[Mapping[str, Asks]] = {
    **{operation: _of_crawler(operation, "Name") for operation in _BY_NAME},
    **{operation: _of_crawler(operation, "CrawlerName") for operation in _BY_CRAWLER_NAME},
    "BatchGetCrawlers": _of_several,
}
"""The others know no resource, as on AWS."""
