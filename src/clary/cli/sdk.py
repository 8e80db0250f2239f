"""What the SageMaker Python SDK must be told besides the variables of every AWS client.

It asks `https://sts.<region>.amazonaws.com` who is calling, whatever AWS_ENDPOINT_URL says. Behind the proxy of
`clary run` Clary answers that. Without the proxy the SDK gets by for its default bucket, if the bucket is named to it.

The variable is the one for an administrator's defaults, so a user's own configuration stays, and wins. Where the
variable names a file already, that one is left alone.
"""

from collections.abc import Mapping
from pathlib import Path

from clary import home as homes
from clary.config import Config

VARIABLE = "SAGEMAKER_ADMIN_CONFIG_OVERRIDE"


def intercepted(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Defaults for a program behind the proxy: nothing is sent to the makers of the SDK."""
    return _given(config.sdk_dir / "defaults.yaml", environ, None)


def direct(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """The same, and the default bucket of the exported region by name, as STS would have let the SDK find it."""
    bucket = f"sagemaker-{config.region}-{homes.read(config).account}"
    return _given(config.sdk_dir / f"defaults-{config.region}.yaml", environ, bucket)


def _given(path: Path, environ: Mapping[str, str], bucket: str | None) -> dict[str, str]:
    theirs = environ.get(VARIABLE)
    if theirs and Path(theirs).parent != path.parent:
        return {VARIABLE: theirs}
    lines = ["SchemaVersion: '1.0'", "SageMaker:", "  PythonSDK:", "    Modules:", "      TelemetryOptOut: true"]
    if bucket is not None:
        lines += ["      Session:", f"        DefaultS3Bucket: {bucket}"]
    text = ("\n".join(lines) + "\n").encode()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != text:
        homes.write_private(path, text)
    return {VARIABLE: str(path)}
