"""Draw the UA of frozen encoders, functionals and networks on unseen speakers, and on a random split.

Usage: picture.py, after `measure.py best` and `measure.py random`. Reads the CSV files beside it, the metrics
of the finished networks at full size, and those of the leaderboard, whose networks are reduced.
Writes unseen.png and chart.md, which is the same with characters, for places that show no picture, such as
a package index.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sercli.figures import save

HERE = Path(__file__).parent
CORPORA = {"emodb": ("EMO-DB, 4 classes", 25.0), "ravdess": ("RAVDESS, 7 classes", 100 / 7)}
INPUTS = {
    "Whisper tiny.en": "Whisper tiny.en, linear",
    "ComParE_2016": "ComParE, linear",
    "eGeMAPSv02": "eGeMAPS, linear",
}
# Each network by its title: its row at full size, and its row of the leaderboard.
NETWORKS = {
    "ECA-CNN": ("ECA-CNN", "eca, cosine"),
    "MDCNN": ("MDCNN", "mdcnn"),
    "MelCNN": ("MelCNN", "melcnn"),
    "DiCCOSER": ("DiCCOSER, log-mel", "diccoser"),
    "CNN-LSTM": ("CNN-LSTM, log-mel", "cnnlstm"),
    "attention pooling": ("attention pooling", "attpool"),
}
WIDTH = 40


@dataclass(frozen=True)
class Style:
    """How a kind of values is drawn."""

    label: str
    colour: str
    marker: str = "o"
    hollow: bool = False
    shift: float = 0.0


PLAIN = Style("unseen speakers", "#2457a7", shift=-0.2)
SPEAKER = Style("the same, statistics per speaker", "#c2571a")
NETWORK = Style("unseen speakers, network of a paper at full size", "#444444", shift=-0.1)
REDUCED = Style("unseen speakers, network made smaller or stopped early", "#777777", hollow=True, shift=-0.1)
RANDOM = Style("random split, same speakers in training", "#aa3377", marker="D", hollow=True, shift=0.22)


@dataclass(frozen=True)
class Mark:
    """A value with its interval, in per cent."""

    value: float
    low: float
    high: float


Row = dict[Style, Mark]


def main() -> None:
    """Draw all pictures."""
    found = {corpus: _inputs(corpus) | _networks(corpus) for corpus in CORPORA}
    rows = [*INPUTS.values(), *NETWORKS]
    figure = Figure((8.6, 5.4), layout="constrained")
    for axes, (corpus, (title, chance)) in zip(
        figure.subplots(1, 2, sharey=True), CORPORA.items(), strict=True
    ):
        _draw(axes, found[corpus], rows)
        axes.axvline(chance, color="black", lw=1, ls=":")
        axes.set_title(title, fontsize=11)
    first = figure.axes[0]
    first.set_yticks(range(len(rows)), rows)
    first.set_ylim(len(rows) - 0.5, -0.5)  # the first on top
    for style in (PLAIN, SPEAKER, NETWORK, REDUCED, RANDOM):
        first.plot([], [], "-", label=style.label, **_look(style))
    first.plot([], [], ":", color="black", label="chance")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9, columnspacing=1.6)
    save(figure, HERE / "unseen.png")
    (HERE / "chart.md").write_text(_chart(found["emodb"], rows), encoding="utf-8")


def _draw(axes: Axes, found: dict[str, Row], rows: list[str]) -> None:
    for place, row in enumerate(rows):
        for style, mark in found[row].items():
            at = place + style.shift
            axes.hlines(at, mark.low, mark.high, color=style.colour, lw=1 if style.hollow else 2)
            axes.plot(mark.value, at, ls="", **_look(style))
    axes.set_xlim(10, 100)
    axes.set_xlabel("UA in %, 95 % over speakers")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params("y", length=0)


def _look(style: Style) -> dict[str, Any]:
    inside = "white" if style.hollow else style.colour
    return {"color": style.colour, "marker": style.marker, "mfc": inside, "ms": 5}


def _inputs(corpus: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in _read(f"best-{corpus}"):
        style = {"per-bin": PLAIN, "per-speaker": SPEAKER}[row["statistics"]]
        found.setdefault(INPUTS[row["features"]], {})[style] = _mark(row)
    for row in _read(f"random-{corpus}"):
        found[INPUTS[row["features"]]][RANDOM] = _mark(row)
    return found


def _networks(corpus: str) -> dict[str, Row]:
    """Read the rows at full size; of the other networks, the leaderboard."""
    # Rows in 32-bit floats have files of their own; a row that was trained again in bf16 replaces them.
    complete = _ua(f"full-size/{corpus}-32-bit") | _ua(f"full-size/{corpus}")
    reduced = _ua(f"leaderboard/{corpus}")
    found = {}
    for title, (full, row) in NETWORKS.items():
        # On RAVDESS every learning rate of the leaderboard falls along a cosine.
        name = row if (row, corpus) in reduced else row.partition(",")[0]
        if (full, corpus) in complete:
            found[title] = {NETWORK: complete[full, corpus]}
        else:
            found[title] = {REDUCED: reduced[name, corpus], RANDOM: reduced[name, f"{corpus} random"]}
    return found


def _ua(name: str) -> dict[tuple[str, str], Mark]:
    file = HERE.parent / f"{name}.json"
    figures = json.loads(file.read_text(encoding="utf-8"))["figures"] if file.exists() else []
    return {
        (each["row"], each["column"]): Mark(*(100 * each[key] for key in ("value", "low", "high")))
        for each in figures
        if each["figure"] == "UA"
    }


def _chart(found: dict[str, Row], rows: list[str]) -> str:
    """Write a bar for each value on unseen speakers."""
    width = max(map(len, rows))
    notes = {SPEAKER: "  per speaker", REDUCED: "  reduced"}
    lines = []
    for row in rows:
        shown = {style: mark for style, mark in found[row].items() if style is not RANDOM}
        for number, (style, mark) in enumerate(shown.items()):
            bar = ("░" if style is SPEAKER else "█") * round(WIDTH * mark.value / 100)
            note = notes.get(style, "")
            lines.append(f"{'' if number else row:<{width}}  {bar:<{WIDTH}}  {mark.value:4.1f}{note}")
    return "\n".join(["```text", *lines, "```", ""])


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _mark(row: dict[str, str]) -> Mark:
    return Mark(float(row["ua"]), float(row["ua_low"]), float(row["ua_high"]))


if __name__ == "__main__":
    main()
