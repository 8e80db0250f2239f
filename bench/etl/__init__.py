"""Glue, Athena and Spark bundles: beside the bare engines."""
