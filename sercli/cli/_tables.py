"""Tables on a terminal."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sercli.reports.tables import Table


def print_table(table: "Table") -> None:
    """Print a table in columns: text to the left, numbers to the right."""
    typer.echo(table.caption)
    widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
    last = len(widths) - 1
    for row in (table.header, *table.rows):
        cells = [
            f"{cell:<{width}}" if i < table.text or i == last else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        typer.echo("  ".join(cells).rstrip())
