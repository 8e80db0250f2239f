"""`clary models`, `approve`, `compare` and `deploy`: the model registry at the command line. Clients of the wire."""
