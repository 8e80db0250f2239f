"""A Clary with an execution role, and a user's shell in which unmodified clients run against it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.sdk.environments import Environment
from tests.real import RealClary

FLOWS = Path(__file__).parent / "flows"
FLOW_SECONDS = 400.0
ROLE = "AmazonSageMaker-ExecutionRole-20250101T000000"
STRAY = ("AWS_", "SAGEMAKER_", "PYTHONPATH", "PYTHONWARNINGS")


@dataclass(frozen=True, slots=True)
class House:
    """A running Clary whose clients may reach nothing but AWS's names, and AWS's names are Clary."""

    clary: RealClary
    account: str
    role: str
    place: Path

    def environ(self, client: Environment, own_defaults: bool = False) -> dict[str, str]:
        """A user's shell in which nothing was ever set up for AWS, with the client's programs first on the path. With
        `own_defaults`, its administrator has set defaults of the SDK, and they are empty."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(STRAY)}
        path = f"{client.directory / 'bin'}{os.pathsep}{kept.get('PATH', '')}"
        found = kept | {"HOME": str(self.place), "PATH": path, "CLARY_OTHER_HOSTS": "refuse"}
        if own_defaults:
            empty = self.place / "defaults.yaml"
            empty.touch()
            found["SAGEMAKER_ADMIN_CONFIG_OVERRIDE"] = str(empty)
        return found

    def run(
        self,
        client: Environment,
        flow: str,
        *arguments: str,
        options: tuple[str, ...] = (),
        own_defaults: bool = True,
    ) -> dict[str, Any]:
        """The flow has run unmodified under `clary run`: the document of its last line.

        Most flows have defaults of their own, since the second SDK checks Clary's against its schema at every look at
        them, for 0.1 s of CPU each time; those from session to prediction have Clary's."""
        script = FLOWS / flow
        program = ["sh"] if script.suffix == ".sh" else ["python", "-W", "ignore"]
        clary = [sys.executable, "-m", "clary", "run", "--home", str(self.clary.home), *options, "--"]
        done = subprocess.run(
            [*clary, *program, str(script), *arguments],
            env=self.environ(client, own_defaults),
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=FLOW_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        # What draws progress may leave its line open.
        _, brace, document = done.stdout.strip().rpartition("\n")[2].partition("{")
        said: dict[str, Any] = json.loads(brace + document) if brace else {}
        return said | {"stdout": done.stdout, "stderr": done.stderr}

    def went_elsewhere(self) -> list[str]:
        """The hosts beyond AWS's that some client asked for, so far."""
        log = self.clary.home / "intercept.log"  # not there as long as nobody asked through the proxy
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line["host"] for line in lines if line["message"].startswith("refused a host")]
