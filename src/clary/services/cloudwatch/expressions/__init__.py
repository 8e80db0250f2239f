"""Metric math: its syntax, its functions, its searches."""
