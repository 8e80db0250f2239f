"""What a program must be told so that AWS's own host names lead to Clary: a proxy, and whom to trust behind it."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

LOOPBACK = ("127.0.0.1", "localhost", ".localhost")
"""No `::1`: older clients take it for a name with a port, and stop. It is added where Clary listens there."""
TRUST = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
"""Each names one file of all authorities that a program trusts."""
SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def variables(port: int, own: str, bundle: str) -> dict[str, str]:
    """For a proxy on that port of 127.0.0.1; `own` is the file of Clary's authority, `bundle` that of all."""
    proxy = f"http://127.0.0.1:{port}"
    found = {name: proxy for word in ("http_proxy", "https_proxy") for name in (word, word.upper())}
    found |= dict.fromkeys(TRUST, bundle)
    # Node adds these to its own list, and looks at the proxy variables only when told to.
    return found | {"NODE_EXTRA_CA_CERTS": own, "NODE_USE_ENV_PROXY": "1"}


def named(environ: Mapping[str, str]) -> list[Path]:
    """The authorities that variables name, whether or not they are there."""
    return [Path(environ[name]) for name in (*TRUST, "NODE_EXTRA_CA_CERTS") if environ.get(name)]


def sources(environ: Mapping[str, str]) -> list[Path]:
    """Whatever this user trusts already: named by variables, the system's list, and the one that botocore brings."""
    system = next((Path(name) for name in SYSTEM_BUNDLES if Path(name).exists()), None)
    spec = importlib.util.find_spec("botocore")
    brought = Path(spec.origin).with_name("cacert.pem") if spec and spec.origin else None
    wanted = [*named(environ), *([system] if system else []), *([brought] if brought else [])]
    return [path for path in dict.fromkeys(wanted) if path.exists()]
