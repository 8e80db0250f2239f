"""Models as graphs: `compile` makes one of a container or an inference pipeline, `serve` answers requests with many."""
