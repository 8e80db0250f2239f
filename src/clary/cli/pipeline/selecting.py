"""Which steps run when a pipeline is to run from some of them on."""

from typing import Any

from clary.cli.say import fail
from clary.pipeline.language import graph
from clary.pipeline.language.parse import parse

Doc = dict[str, Any]


def from_steps(definition: str, first: list[str], source: str) -> Doc:
    """SelectiveExecutionConfig that runs these steps and everything behind them, on what the execution `source` has
    left. Ends the command where the pipeline has no such step."""
    read = parse(definition)
    for name in first:
        if name not in read.steps:
            fail(f"there is no step {name!r}", f"the steps are {', '.join(read.steps)}", code=2)
    needs = graph.needs(read)
    chosen = set(first)
    while more := {name for name, wanted in needs.items() if wanted & chosen} - chosen:
        chosen |= more
    steps = [{"StepName": name} for name in read.steps if name in chosen]
    return {"SourcePipelineExecutionArn": source, "SelectedSteps": steps}
