"""Benchmarks: ratios against peers, measured in one run on one machine; results are kept as files."""
