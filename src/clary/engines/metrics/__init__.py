"""The metric store: time series in one SQLite file, aggregated as they come in, coarser as they age."""
