"""Launchers of jobs and model servers. `base` is the port; every other file is one way to run work."""
