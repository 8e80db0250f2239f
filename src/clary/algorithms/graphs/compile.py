"""`python -m clary.algorithms.graphs.compile [compile.json] [output directory]`: a model becomes a graph, or a sentence
says why it does not.

Reads /opt/ml/input/config/compile.json:
    {"stages": [{"image": "xgboost", "model": "/opt/ml/model/0", "environment": {...}}, ...], "rows": "...csv" or null}
and writes, below /opt/ml/output, graph/{graph.onnx,graph.json}, or refused.json: {"why": "..."}. The exit code is 0 for
both. The artifacts are a user's: this runs in a sandbox, and what it writes is data to those who read it."""

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from clary.algorithms.contract import AlgorithmError, ClientError, say
from clary.algorithms.graphs.features import CannotCompile
from clary.algorithms.graphs.native import Stage, chain, read


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, also for a refusal."""
    config = Path(arguments[0]) if arguments else Path("/opt/ml/input/config/compile.json")
    output = Path(arguments[1]) if len(arguments) > 1 else Path("/opt/ml/output")
    output.mkdir(parents=True, exist_ok=True)
    try:
        stages, real = read(config)
        agreed = compiled(stages, real, output / "graph")
    except (CannotCompile, AlgorithmError, ClientError) as error:
        why = str(error)
    except Exception as error:
        # Whatever is wrong with a user's artifact, the native server says it better: it is the one that serves then.
        traceback.print_exc(limit=-4)
        why = f"the compiler failed: {type(error).__name__}: {error}"
    else:
        say(f"Compiled {', '.join(one.image for one in stages)}: {agreed:,} rows agree with the native servers.")
        return 0
    say(f"Not compiled: {why}")
    (output / "refused.json").write_text(json.dumps({"why": why[:1000]}), encoding="utf-8")
    return 0


def compiled(stages: Sequence[Stage], real: Path | None, directory: Path) -> int:
    """The graph of the stages stands in `directory`; how many rows it answered as the native servers. Raises
    CannotCompile, and what loading a model raises; then there is nothing."""
    from clary.algorithms.graphs import building, parity, rows

    native = chain(stages)
    built = building.build(stages)
    part = directory.with_name(f".{directory.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    (part / "graph.onnx").write_bytes(built.model.SerializeToString())
    (part / "graph.json").write_text(json.dumps({**built.plan, "agreed": 0}), encoding="utf-8")
    given = rows.real(real, len(built.given)) + rows.made(built.given, built.features, built.thresholds)
    agreed = parity.check(part, native, given)
    (part / "graph.json").write_text(json.dumps({**built.plan, "agreed": agreed}), encoding="utf-8")
    # By one rename, so that a graph that was not compared is never taken for one that was.
    part.replace(directory)
    return agreed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
