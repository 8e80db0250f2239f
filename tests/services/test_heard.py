"""Operations that tell what subscribers have written wait until those have heard what was written before."""

import re
from typing import Any, cast

from clary.aws import heard
from clary.aws.service import Context
from clary.kernel.events import Followers
from clary.kernel.resource import Doc
from clary.services import sagemaker, sagemaker_metrics

FAMILIES = re.compile(r"\.(lineage|experiments|search)\.")
READS = re.compile(r"(Describe|List|Query|Search|GetSearch|Update|Delete|Associate|Disassociate|Add)")


class Late:
    """A subscriber that hears when it is asked to."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def caught_up(self) -> None:
        self.told.append("heard")


class Request:
    """As much of a context as the mark reads."""

    def __init__(self, followers: Any = None) -> None:
        self.ports = {} if followers is None else {Followers: followers}


async def test_what_was_written_before_is_heard_before_the_answer() -> None:
    late = Late()

    @heard.everything
    async def tell(ctx: Context, req: Doc) -> Doc:
        """What was heard."""
        late.told.append("answered")
        return {"Asked": req}

    assert await tell(cast(Context, Request(followers=late)), {"Name": "a"}) == {"Asked": {"Name": "a"}}
    assert late.told == ["heard", "answered"]
    await tell(cast(Context, Request()), {})
    assert late.told == ["heard", "answered", "answered"]


def test_every_operation_that_reads_lineage_or_experiments_waits() -> None:
    found = {
        name: handler
        for name, handler in sagemaker.service.handlers.items()
        if FAMILIES.search(handler.__module__) and READS.match(name)
    }
    assert {"QueryLineage", "DescribeTrialComponent", "Search", "ListAssociations"} <= set(found)
    found |= sagemaker_metrics.service.handlers
    assert [name for name, handler in found.items() if not hasattr(handler, "__wrapped__")] == []
