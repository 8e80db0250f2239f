"""Other orchestrators: ten steps that do nothing, one after the other, each from an environment of its own below
`build/bench/<name>`, made by `pip install <name>` in it (for prefect 3.8 with `fastapi==0.139.2`, since it does not
start with the newest; for zenml, `zenml[server,local]`). What is not installed is passed over with a word."""

import json
import os
import statistics
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "peers"
ENVIRONMENTS = Path("build/bench")
NAMES = {
    "metaflow": ("metaflow", "metaflow_ten.py"),
    "dagster_multiprocess": ("dagster", "dagster_multiprocess.py"),
    "dagster_in_process": ("dagster", "dagster_in_process.py"),
    "prefect": ("prefect", "prefect_ten.py"),
    "zenml": ("zenml", "zenml_ten.py"),
}
"""Each peer's environment, and the program that prints how many seconds its run took as the last line."""
ROUNDS = 3
LONGEST_SECONDS = 600.0


def all_of_them(scratch: Path, steps: int) -> dict[str, Any]:
    """By name: {"run_ms"}, or {"absent"} with the reason."""
    return {name: one(name, scratch / name, steps) for name in NAMES}


def one(name: str, scratch: Path, steps: int) -> dict[str, Any]:
    environment, program = NAMES[name]
    python = (ENVIRONMENTS / environment / "bin" / "python").absolute()
    if not python.exists():
        return {"absent": f"there is no {ENVIRONMENTS / environment}"}
    scratch.mkdir()
    spent = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [python, HERE / program, str(steps)],
            cwd=scratch,
            env=_surroundings(scratch),
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        if done.returncode:
            return {"absent": f"it failed: {done.stderr.strip().splitlines()[-1:]}"}
        spent.append(float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"]))
    return {"run_ms": round(statistics.median(spent) * 1e3, 1)}


def _surroundings(scratch: Path) -> dict[str, str]:
    """A home of its own, and nothing told to anybody."""
    return {
        **os.environ,
        "HOME": str(scratch),
        "USER": "bench",
        "DAGSTER_HOME": str(scratch),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "PREFECT_HOME": str(scratch),
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "ZENML_CONFIG_PATH": str(scratch),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "METAFLOW_DEFAULT_METADATA": "local",
    }
