"""Floor 2, beside the wire. Where work really happens: one file is one way of doing it."""
