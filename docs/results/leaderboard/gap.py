"""Test, row by row, what a random split claims against what holds for speakers never heard.

The same utterances, two networks for each: differences by speaker, as `sercli compare` tests them.

Usage: gap.py STUDY WORKSPACE CORPUS OUT.csv
"""

import csv
import sys
from pathlib import Path

from sercli.evaluation import compare, holm
from sercli.reports.run import report_run
from sercli.studies import get_study
from sercli.studies.results import find_finished
from sercli.workspace import Workspace


def main(study: str, workspace: str, corpus: str, out: str) -> None:
    """Write a line for each row: UA under both protocols, difference, interval, p corrected for all rows."""
    place = Workspace(workspace)
    found = {(cell.row.name, cell.on.name): find_finished(cell, place) for cell in get_study(study).cells()}
    lines = []
    for row in dict.fromkeys(name for name, _ in found):
        unseen, random = found[row, corpus], found.get((row, f"{corpus} random"))
        if unseen and random:
            pair = {"unseen": report_run(unseen).predictions, "random": report_run(random).predictions}
            tested = set.intersection(*(set(each.ids) for each in pair.values()))
            kept = {
                name: each.select([i for i, own in enumerate(each.ids) if own in tested])
                for name, each in pair.items()
            }
            comparison = compare(kept)
            lines.append((row, comparison))
    tested = [comparison.table.group("difference")[0] for _, comparison in lines]  # in UA
    corrected = holm([difference.test.p for difference in tested])
    with Path(out).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ("row", "utterances", "speakers", "unseen UA", "random UA", "difference", "low", "high")
        writer.writerow([*names, "p", "Holm p"])
        for (row, comparison), difference, p in zip(lines, tested, corrected, strict=True):
            runs = (comparison.table.row("ua", "run", run=run.name).value for run in comparison.runs)
            found = (*runs, difference.value, difference.interval.low, difference.interval.high)
            figures = [f"{100 * value:.1f}" for value in found]
            counts = (comparison.tested, comparison.speakers)
            writer.writerow([row, *counts, *figures, f"{difference.test.p:.4f}", f"{p:.4f}"])


if __name__ == "__main__":
    main(*sys.argv[1:])
