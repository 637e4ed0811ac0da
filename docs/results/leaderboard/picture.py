"""Draw what a random split reports beside what holds for unseen speakers.

Usage: picture.py metrics.json OUT.png CORPUS
"""

import json
import sys
from pathlib import Path

from matplotlib.figure import Figure

from sercli.figures import save

UNSEEN, RANDOM = "#2457a7", "#aa3377"
TITLES = {
    "mdcnn": "MDCNN",
    "eca": "ECA-CNN",
    "eca, cosine": "ECA-CNN, cosine",
    "melcnn": "MelCNN",
    "diccoser": "DiCCOSER, log-mel",
    "cnnlstm": "CNN-LSTM, log-mel",
    "attpool": "attention pooling",
}
CHANCE = {"emodb": 25.0, "ravdess": 100 / 7}


def main(metrics: Path, out: Path, corpus: str) -> None:
    """Draw UA with its interval over speakers, row by row, unseen speakers first."""
    figures = json.loads(metrics.read_text())["figures"]
    found = {(f["row"], f["column"]): f for f in figures if f["figure"] == "UA"}
    rows = [row for row, column in found if column == corpus and (row, f"{corpus} random") in found]
    figure = Figure((6.4, 0.45 * len(rows) + 1.1), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        for column, colour, shift in ((corpus, UNSEEN, -0.13), (f"{corpus} random", RANDOM, 0.13)):
            told = found[row, column]
            axes.hlines(place + shift, 100 * told["low"], 100 * told["high"], color=colour, lw=2)
            axes.plot(100 * told["value"], place + shift, "o", color=colour, ms=6)
    axes.plot([], [], "o-", color=UNSEEN, label="unseen speakers")
    axes.plot([], [], "o-", color=RANDOM, label="random split, same speakers in training")
    axes.axvline(CHANCE[corpus], color="black", lw=1, ls=":", label="chance")
    axes.set_yticks(range(len(rows)), [TITLES[row] for row in rows])
    axes.set_xlim(10, 100)
    axes.set_ylim(len(rows) - 0.5, -0.5)  # the first on top
    axes.set_xlabel("UA in %, 95 % over speakers")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params("y", length=0)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    save(figure, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
