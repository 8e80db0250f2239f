"""Compiled models in the data plane: graphs, held by worker processes that answer many requests at a time."""
