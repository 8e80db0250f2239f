"""Spark: found, started ahead of time, and handed to one job each."""
