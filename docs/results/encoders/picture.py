"""Draw the UA of frozen encoders, functionals and networks on unseen speakers.

Usage: picture.py, after `measure.py best`. Reads the CSV files beside it and the leaderboard's metrics.
Writes unseen.png and chart.md, which is the same with characters, for places that show no picture, such as
a package index.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercli.figures import save

HERE = Path(__file__).parent
PLAIN, SPEAKER, NETWORK = "#2457a7", "#c2571a", "#777777"
CORPORA = {"emodb": ("EMO-DB, 4 classes", 25.0), "ravdess": ("RAVDESS, 7 classes", 100 / 7)}
INPUTS = {
    "Whisper tiny.en": "Whisper tiny.en, linear",
    "ComParE_2016": "ComParE, linear",
    "eGeMAPSv02": "eGeMAPS, linear",
}
NETWORKS = {
    "eca, cosine": "ECA-CNN*",
    "mdcnn": "MDCNN*",
    "melcnn": "MelCNN*",
    "diccoser": "DiCCOSER*",
    "cnnlstm": "CNN-LSTM*",
    "attpool": "attention pooling*",
}
WIDTH = 40


@dataclass(frozen=True)
class Mark:
    """A value with its interval, in per cent."""

    value: float
    low: float
    high: float


def main() -> None:
    """Draw all pictures."""
    found = {corpus: _inputs(corpus) | _networks(corpus) for corpus in CORPORA}
    rows = [*INPUTS.values(), *NETWORKS.values()]
    figure = Figure((8.6, 4.6), layout="constrained")
    for axes, (corpus, (title, chance)) in zip(
        figure.subplots(1, 2, sharey=True), CORPORA.items(), strict=True
    ):
        _draw(axes, found[corpus], rows)
        axes.axvline(chance, color="black", lw=1, ls=":")
        axes.set_title(title, fontsize=11)
    first = figure.axes[0]
    first.set_yticks(range(len(rows)), rows)
    first.set_ylim(len(rows) - 0.5, -0.5)  # the first on top
    for label, colour in (
        ("statistics of the training part", PLAIN),
        ("statistics per speaker", SPEAKER),
        ("reduced network of a paper*", NETWORK),
    ):
        first.plot([], [], "o-", color=colour, label=label)
    first.plot([], [], ":", color="black", label="chance")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9, columnspacing=1.2)
    save(figure, HERE / "unseen.png")
    (HERE / "chart.md").write_text(_chart(found["emodb"], rows), encoding="utf-8")


def _draw(axes: Axes, found: dict[str, dict[str, Mark]], rows: list[str]) -> None:
    for place, row in enumerate(rows):
        for colour, mark in found[row].items():
            at = place + {PLAIN: -0.14, SPEAKER: 0.14, NETWORK: 0}[colour]
            axes.hlines(at, mark.low, mark.high, color=colour, lw=2)
            axes.plot(mark.value, at, "o", color=colour, ms=5.5)
    axes.set_xlim(10, 100)
    axes.set_xlabel("UA in %, 95 % over speakers")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params("y", length=0)


def _inputs(corpus: str) -> dict[str, dict[str, Mark]]:
    found: dict[str, dict[str, Mark]] = {}
    for row in _read(f"best-{corpus}"):
        colour = {"per-bin": PLAIN, "per-speaker": SPEAKER}[row["statistics"]]
        found.setdefault(INPUTS[row["features"]], {})[colour] = _mark(row)
    return found


def _networks(corpus: str) -> dict[str, dict[str, Mark]]:
    """Read the leaderboard; on RAVDESS every learning rate falls along a cosine."""
    text = (HERE.parent / "leaderboard" / f"{corpus}.json").read_text(encoding="utf-8")
    rows = {
        each["row"]: Mark(*(100 * each[key] for key in ("value", "low", "high")))
        for each in json.loads(text)["figures"]
        if each["figure"] == "UA" and each["column"] == corpus
    }
    return {
        title: {NETWORK: rows[name] if name in rows else rows[name.partition(",")[0]]}
        for name, title in NETWORKS.items()
    }


def _chart(found: dict[str, dict[str, Mark]], rows: list[str]) -> str:
    """Write a bar for each value."""
    width = max(map(len, rows))
    lines = []
    for row in rows:
        for number, (colour, mark) in enumerate(found[row].items()):
            bar = ("░" if colour == SPEAKER else "█") * round(WIDTH * mark.value / 100)
            note = "  per speaker" if colour == SPEAKER else ""
            lines.append(f"{'' if number else row:<{width}}  {bar:<{WIDTH}}  {mark.value:4.1f}{note}")
    return "\n".join(["```text", *lines, "```", ""])


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _mark(row: dict[str, str]) -> Mark:
    return Mark(float(row["ua"]), float(row["ua_low"]), float(row["ua_high"]))


if __name__ == "__main__":
    main()
