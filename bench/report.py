"""How a result is kept: what was run, where, when, what it measured and how that compares."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    model = next(named, platform.processor())
    return {
        "cpu": model,
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def keep(name: str, figures: dict[str, Any], ratios: dict[str, float], *, smoke: bool, notes: list[str]) -> None:
    """Printed; and, unless this was a smoke run, stored as results/<name>.json."""
    whole = {
        "command": f"python -m bench {name}",
        "machine": machine(),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": figures,
        "ratios": ratios,
        "notes": notes,
    }
    print(json.dumps({"figures": figures, "ratios": ratios, "notes": notes}, indent=1))
    if not smoke:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")
