"""Log and metric stores behind the `kernel.telemetry` port."""
