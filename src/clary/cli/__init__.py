"""The `clary` command: a client of the wire, like any other."""
