"""`python -m clary` is the `clary` command."""

from clary.cli.entry import main

main()
