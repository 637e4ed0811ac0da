"""Write tables of text for the terminal, Markdown and LaTeX, and CSV for programs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sercli import files
from sercli.plain import csv

_WIDTH = 100  # characters of a line on the terminal
_GAP = "  "

_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "“": "``",
    "”": "''",
    "\N{NARROW NO-BREAK SPACE}": r"\,",
    "\N{NO-BREAK SPACE}": "~",
    "\n": " ",
    "\r": " ",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text.

    Attributes:
        caption: subject of the table.
        header: names of the columns.
        rows: rows with one cell per column.
        text: number of columns, from the left, that hold text and not numbers.
        ends_with_text: whether the last column holds text too.
        bars: columns that a page draws as bars, each with the factor from its numbers to percent.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: int = 1
    ends_with_text: bool = False
    bars: Mapping[int, int] = field(default_factory=dict)

    @property
    def alignment(self) -> str:
        """Alignment of each column: ``l`` for text, ``r`` for numbers."""
        numbers = len(self.header) - self.text - self.ends_with_text
        return "l" * self.text + "r" * numbers + "l" * self.ends_with_text

    def without_empty_columns(self, empty: str) -> "Table":
        """Leave out columns of numbers in which every cell is ``empty``."""
        kept = [
            i
            for i, kind in enumerate(self.alignment)
            if kind == "l" or any(row[i] != empty for row in self.rows)
        ]
        rows = tuple(tuple(row[i] for i in kept) for row in self.rows)
        return replace(self, header=tuple(self.header[i] for i in kept), rows=rows)


def to_text(table: Table, width: int = _WIDTH) -> str:
    """Format a table for the terminal; the columns of a wide table continue below.

    Args:
        table: table with one row or more.
        width: characters per line; a line is longer only if two columns alone are wider.
    """
    columns = list(zip(table.header, *table.rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    blocks, used = [[0]], widths[0]
    for i, own in enumerate(widths[1:], 1):
        if used + len(_GAP) + own > width and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(i)
        used += len(_GAP) + own
    lines = [table.caption] if table.caption else []
    for number, block in enumerate(blocks):
        lines += [""] if number else []
        for row in zip(*(columns[i] for i in block), strict=True):
            cells = [
                f"{cell:<{widths[i]}}" if table.alignment[i] == "l" else f"{cell:>{widths[i]}}"
                for i, cell in zip(block, row, strict=True)
            ]
            lines.append(_GAP.join(cells).rstrip())
    return "\n".join(lines)


def to_markdown(title: str, remarks: Sequence[str], tables: Sequence[Table]) -> str:
    """Format a heading, the remarks on the tables, and the tables."""
    parts = [f"# {_plain(title)}", *map(_plain, remarks)]
    rules = {"l": ":---", "r": "---:"}
    for table in tables:
        lines = [table.header, [rules[kind] for kind in table.alignment], *table.rows]
        parts += [
            f"## {_plain(table.caption)}",
            "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines),
        ]
    return "\n\n".join(parts) + "\n"


def to_latex(title: str, remarks: Sequence[str], tables: Sequence[Table]) -> str:
    r"""Format tables for ``\input`` in a document with booktabs; title and remarks become comments."""
    lines = [r"% \usepackage{booktabs,textcomp} and \usepackage[T1]{fontenc} in the preamble"]
    lines += [f"% {' '.join(line.split())}" for line in (title, *remarks)]
    for table in tables:
        lines += [
            "",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\begin{{tabular}}{{{table.alignment}}}",
            r"\toprule",
            _latex_row(table.header),
            r"\midrule",
            *map(_latex_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"


def to_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format rows for programs: numbers have all digits, and a missing value is an empty cell."""
    known = (
        ["" if cell is None or cell != cell else cell for cell in row]  # noqa: PLR0124  NaN
        for row in rows
    )
    return csv.to_csv([header, *known])


def write_tables(
    folder: Path,
    title: str,
    remarks: Sequence[str],
    tables: Sequence[Table],
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Write ``table.csv``, ``table.md`` and ``table.tex``.

    Args:
        folder: folder for the files.
        title: heading.
        remarks: remarks that readers of the metrics must know.
        tables: tables for people; those without rows are left out.
        header: columns of the CSV.
        rows: rows of the CSV.
    """
    files.write_text(folder / "table.csv", to_csv(header, rows))
    shown = [table for table in tables if table.rows]
    files.write_text(folder / "table.md", to_markdown(title, remarks, shown))
    files.write_text(folder / "table.tex", to_latex(title, remarks, shown))


def escape_latex(text: str) -> str:
    """Escape ``text`` so that LaTeX prints it unchanged."""
    return "".join(_TEX.get(character, character) for character in text)


def _latex_row(cells: Sequence[str]) -> str:
    # Without braces, LaTeX would read a leading [ as the optional argument of the previous row.
    escaped = [escape_latex(cell) for cell in cells]
    return " & ".join(f"{{{cell}}}" if cell.startswith("[") else cell for cell in escaped) + r" \\"


def _plain(text: str) -> str:
    """Escape the names of a corpus or a user, so that they are not read as Markdown or markup."""
    text = " ".join(text.split()) if "\n" in text or "\r" in text else text
    for character in "\\|<>*_`[]#":
        text = text.replace(character, f"\\{character}")
    return text
