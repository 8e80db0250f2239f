"""`clary demo churn`: who will leave? A gate that compares with the majority class and with the version in service, and
holds twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clary.cli.demo import churn_data, churn_native
from clary.cli.demo.stage import Stage
from clary.cli.demo.worked import Data, Worked

MODEST = {"Rounds": 5, "Depth": 2}
LEARNS_NOTHING = {"LeastWeight": 1e6}
"""No leaf may be so light: no tree has a split, and every customer gets the same answer."""


class Churn(Worked):
    """One run of the demonstration."""

    def __init__(
        self, client: Callable[[str], Any], region: str, url: str, run: str, stage: Stage, file: Path | None
    ) -> None:
        data = Data.of(file, churn_data.customers, "churn")
        super().__init__("churn", client, region, url, run, stage, data, churn_native.build)

    def play(self) -> dict[str, Any]:
        """Everything but the clean-up. Answers what was measured."""
        self.prepare()
        first = self.execute("a modest model", MODEST)
        self.deploy(self.approve(first))
        second = self.execute("a better one", {"InService": self._served()})
        self.deploy(self.approve(second))
        inference = self.ask(second)
        now = {"InService": self._served()}
        self.execute("the modest one again", MODEST | now, "Failed")
        self.execute("one that learns nothing", LEARNS_NOTHING | now, "Failed")
        self.execute("again, from the cache", LEARNS_NOTHING | now, "Failed")
        return self.found(inference, self.lineage())

    def _served(self) -> str:
        return churn_native.served(self.sagemaker, self.name)
