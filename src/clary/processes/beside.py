"""The proxy that stands by each job and model server: AWS's own host names lead to Clary there too."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from clary.config import Config
from clary.engines.runners.sidecar import Sidecar

_PASSED = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "pythonpath")
"""What the proxy needs of the server's environment: the way out of this machine, and to its own code."""
LASTS_SECONDS = 600.0
"""How long it is believed of an authority that it lasts: to read it costs a run's start a millisecond, and it is made
anew weeks before it ends."""


class Intercepting:
    """Asked at each start of a run. Makes the home's authority and its bundle when the first run comes."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = dict(environ)
        self._making = threading.Lock()
        self._made: tuple[tuple[int, int], Path] | None = None
        self._lasts = 0.0
        """Until then (monotonic) the authority that was seen is not asked again whether it lasts."""

    def __call__(self) -> Sidecar:
        """The proxy's command line and the files that make a program trust it. Blocks; OSError: they cannot be made."""
        from clary.processes import lender, trust

        config = self._config
        own, bundle = self._trusted()
        hosts = ",".join(dict.fromkeys([*trust.LOOPBACK, urlsplit(config.endpoint_url).hostname or ""]))

        return Sidecar(
            command=(
                *(sys.executable, "-P", "-m", "clary.processes.intercept"),
                *("--home", str(config.home), "--endpoint", config.endpoint_url),
            ),
            log=config.intercept_log,
            environment={
                **{name: value for name, value in self._environ.items() if name.lower() in _PASSED},
                "CLARY_OTHER_HOSTS": config.other_hosts,
                "CLARY_LOG_LEVEL": config.log_level,
            },
            files=(own, bundle),
            variables=lambda port, seen: {
                **trust.variables(port, seen(own), seen(bundle)),
                **dict.fromkeys(("NO_PROXY", "no_proxy"), hosts),
                # Asked only by those that have a warrant to show there, and no keys of their own.
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}{lender.PATH.decode()}",
            },
        )

    def _trusted(self) -> tuple[Path, Path]:
        """(the authority's certificate, the bundle of all), made now unless they are there. Never the key: it lies
        beside them, and only these two files are shown to a run."""
        from clary.processes import certificates, trust

        directory = self._config.authority_dir
        with self._making:
            own = directory / "ca.pem"
            seen = _mark(own)
            if seen is None or self._made is None or self._made[0] != seen or time.monotonic() >= self._lasts:
                if certificates.current(directory) is None:
                    _make(directory)
                seen = _mark(own)
                self._lasts = time.monotonic() + LASTS_SECONDS
            if seen is None:
                raise OSError("the certificate authority is gone")
            # A new authority (the folder was deleted) has a new bundle, too.
            if self._made is None or self._made[0] != seen or not self._made[1].exists():
                self._made = seen, certificates.bundle(directory, trust.sources(self._environ))
            return own, self._made[1]


def _mark(certificate: Path) -> tuple[int, int] | None:
    """What tells this certificate from another at its place; None: there is none."""
    try:
        seen = certificate.stat()
    except FileNotFoundError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def _make(directory: Path) -> None:
    """In a process of its own: what signs stays in memory for good, and is needed once in the life of a home."""
    line = [sys.executable, "-P", "-m", "clary.processes.certificates", str(directory)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"the certificate authority could not be made: {done.stderr.strip()[-500:]}")
