"""Summarise what measure.py wrote, as a table in Markdown.

python summary.py FOLDER
"""

import csv
import sys
from pathlib import Path


def main() -> None:
    """Print a row a training."""
    print(
        "| network | epochs | score | last: running | re-estimated | chosen: running | re-estimated | "
        "mean of the second half: running | re-estimated | training part: running | re-estimated |"
    )
    print("|---" * 11 + "|")
    for path in sorted(Path(sys.argv[1]).glob("*-fold-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        kind = "ccc" if "running_ccc" in rows[0] else "ua"
        pairs = [(float(row[f"running_{kind}"]), float(row[f"reestimated_{kind}"])) for row in rows]
        chosen = max(pairs, key=lambda pair: pair[0])  # the epoch is chosen by the running averages
        half = pairs[len(pairs) // 2 :]
        means = [sum(each) / len(half) for each in zip(*half, strict=True)]
        train = [rows[-1].get(f"{which}_train_{kind}") for which in ("running", "reestimated")]
        shown = [*pairs[-1], *chosen, *means, *(float(value) if value else None for value in train)]
        cells = [show(value, kind) for value in shown]
        name = path.stem.partition("-fold-")[0]
        print(f"| {name} | {rows[-1]['epoch']} | {kind.upper()} | {' | '.join(cells)} |")


def show(value: float | None, kind: str) -> str:
    """Write a CCC as it is, a UA in per cent."""
    if value is None:
        return ""
    return f"{value:.3f}" if kind == "ccc" else f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
