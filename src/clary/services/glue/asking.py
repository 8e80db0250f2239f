"""What an operation asks of the policies where it is about several things at once."""

from collections.abc import Callable, Mapping, Sequence

from clary.aws.access import Ask, Asks
from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue import tags

Names = Callable[[Context, Doc], Sequence[str]]
"""The ARNs of what a request is about, the narrowest last."""


def asking(operation: str, names: Names) -> Asks:
    """`glue:<operation>` on each of them; tags are given to the last."""

    def asks(ctx: Context, req: Doc) -> Sequence[Ask]:
        wanted: Mapping[str, str] | None = req.get("Tags") or None
        arns = names(ctx, req)
        found = [Ask(f"glue:{operation}", arn, {}, wanted, _tags(ctx, arn)) for arn in arns]
        if wanted:
            found.append(Ask("glue:TagResource", arns[-1], {}, wanted, _tags(ctx, arns[-1])))
        return found

    return asks


def _tags(ctx: Context, arn: str) -> Callable[[], Mapping[str, str]]:
    return lambda: tags.of_arn(ctx, arn)
