"""Tables for papers: Markdown and LaTeX for people, CSV for programs."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
        caption: what it shows.
        header: names of the columns.
        rows: as many cells each.
        text: how many columns, from the left, hold text and not numbers.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: int = 1


def to_markdown(title: str, told: Sequence[str], tables: Sequence[Table]) -> str:
    """Write tables under a heading, after what has to be told with them."""
    parts = [f"# {_plain(title)}", *map(_plain, told)]
    for table in tables:
        left = [":---"] * table.text + ["---:"] * (len(table.header) - table.text)
        lines = [table.header, left, *table.rows]
        parts += [
            f"## {_plain(table.caption)}",
            "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines),
        ]
    return "\n\n".join(parts) + "\n"


def to_latex(title: str, told: Sequence[str], tables: Sequence[Table]) -> str:
    r"""Write tables for ``\input`` in a document with booktabs; what is told stands in comments."""
    lines = [r"% \usepackage{booktabs,textcomp} and \usepackage[T1]{fontenc} in the preamble"]
    lines += [f"% {' '.join(line.split())}" for line in (title, *told)]
    for table in tables:
        columns = "l" * table.text + "r" * (len(table.header) - table.text)
        lines += [
            "",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape_latex(table.caption)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
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
    """Write rows for programs: numbers with all digits, an empty cell where there is nothing."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(
        ["" if cell is None or cell != cell else cell for cell in row]  # noqa: PLR0124  NaN
        for row in rows
    )
    return file.getvalue()


def escape_latex(text: str) -> str:
    """Make LaTeX print ``text`` as it is."""
    return "".join(_TEX.get(character, character) for character in text)


def _latex_row(cells: Sequence[str]) -> str:
    # Braces keep a leading [ from being taken for the optional argument of the row before.
    escaped = [escape_latex(cell) for cell in cells]
    return " & ".join(f"{{{cell}}}" if cell.startswith("[") else cell for cell in escaped) + r" \\"


def _plain(text: str) -> str:
    """Keep a corpus's or a user's names from being Markdown or markup."""
    text = " ".join(text.split()) if "\n" in text or "\r" in text else text
    for character in "\\|<>*_`[]#":
        text = text.replace(character, f"\\{character}")
    return text
