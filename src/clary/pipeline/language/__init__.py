"""The pipeline definition JSON (version 2020-12-01): read, checked, and its expressions resolved. Knows no server: the
service, the command line and pipelines that run in one process mean the same by it."""
