"""`python -m clary` is the `clary` command."""

from clary.cli.main import app

app()
