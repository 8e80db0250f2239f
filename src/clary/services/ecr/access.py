"""What ECR asks of the policies. The registry's own protocol asks the same, action by action."""

from collections.abc import Mapping, Sequence

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.errors import Missing
from clary.kernel.resource import Doc
from clary.services.ecr.api import REPOSITORY, arn_of, service


def ask(ctx: Context, action: str, name: str, tags: Mapping[str, str] | None = None) -> Ask:
    """May the caller do that to the repository of that name?"""
    return Ask(f"ecr:{action}", arn_of(ctx.account, ctx.region, name), {}, tags, lambda: _tags(ctx, name))


def _asks(operation: str) -> Asks:
    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        tags = {one["Key"]: one["Value"] for one in req.get("tags", ())} or None
        if "tagKeys" in req:
            tags = dict.fromkeys(req["tagKeys"], "")
        if "resourceArn" in req:
            arn = req["resourceArn"]
            known = arn if arn.startswith("arn:") and arn.count(":") >= 5 else "*"
            return [Ask(f"ecr:{operation}", known, {}, tags, lambda: _tags(ctx, arn.partition(":repository/")[2]))]
        names = req.get("repositoryNames") or [req.get("repositoryName", "*")]
        found = [ask(ctx, operation, name, tags) for name in names]
        if operation == "CreateRepository" and tags:
            found.append(ask(ctx, "TagResource", names[0], tags))
        return found

    return asks


def _tags(ctx: Context, name: str) -> Mapping[str, str]:
    try:
        return dict(ctx.store.get(ctx.account, ctx.region, REPOSITORY, name).status["Tags"])
    except Missing:
        return {}


def register() -> None:
    """Every operation that is served says what it asks. To be called once all of them are registered."""
    for operation in service.handlers:
        service.access(operation, None if operation == "GetAuthorizationToken" else _asks(operation))
