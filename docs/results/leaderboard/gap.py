"""Test, row by row, what a random split claims against what holds for speakers never heard.

The same utterances, two networks for each: differences by speaker, as `sercli compare` tests them.

Usage: gap.py STUDY WORKSPACE CORPUS OUT.csv
"""

import csv
import sys
from pathlib import Path

from sercli.evaluation.class_comparison import compare
from sercli.evaluation.sign_flip import holm
from sercli.reports.gather import gather
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
            pair = {"unseen": gather(unseen).predictions, "random": gather(random).predictions}
            tested = set.intersection(*(set(each.ids) for each in pair.values()))
            kept = {
                name: each.select([i for i, own in enumerate(each.ids) if own in tested])
                for name, each in pair.items()
            }
            comparison = compare(kept)
            lines.append((row, comparison, comparison.differences[0]))
    corrected = holm([difference.test.p for _, _, difference in lines])
    with Path(out).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = ("row", "utterances", "speakers", "unseen UA", "random UA", "difference", "low", "high")
        writer.writerow([*names, "p", "Holm p"])
        for (row, comparison, difference), p in zip(lines, corrected, strict=True):
            first, second = (100 * run.ua for run in comparison.runs)
            interval = (100 * difference.ua_interval.low, 100 * difference.ua_interval.high)
            figures = [f"{value:.1f}" for value in (first, second, 100 * difference.ua, *interval)]
            counts = (comparison.utterances, comparison.speakers)
            writer.writerow([row, *counts, *figures, f"{difference.test.p:.4f}", f"{p:.4f}"])


if __name__ == "__main__":
    main(*sys.argv[1:])
