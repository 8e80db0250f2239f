"""Tables whose cells stay whole: numbers that are cut off are worse than long lines."""

from rich.console import Console
from rich.table import Table

from clary.cli.say import out

_WIDEST = 1000


def show(table: Table) -> None:
    """Printed as wide as it is, whatever the terminal's width."""
    for column in table.columns:
        column.no_wrap = True
    wide = out.measure(table, options=out.options.update(max_width=_WIDEST)).maximum
    # A console of its own: the common one prints nothing wider than it believes the terminal to be.
    Console(file=out.file, width=max(wide, 1), highlight=False, soft_wrap=True).print(table)
