"""`clary demo abalone`: how old is a snail? A pipeline of plain functions with a gate, from raw data to an endpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clary.cli.demo import abalone_data, abalone_native
from clary.cli.demo.stage import Stage
from clary.cli.demo.worked import Data, Worked


class Abalone(Worked):
    """One run of the demonstration."""

    def __init__(
        self, client: Callable[[str], Any], region: str, url: str, run: str, stage: Stage, file: Path | None
    ) -> None:
        data = Data.of(file, abalone_data.snails, "abalone")
        super().__init__("abalone", client, region, url, run, stage, data, abalone_native.build)

    def play(self) -> dict[str, Any]:
        """Everything but the clean-up. Answers what was measured."""
        self.prepare()
        first = self.execute("data to gate", {})
        self.deploy(self.approve(first))
        inference = self.ask(first)
        self.execute("again, from the cache", {})
        return self.found(inference, self.lineage())
