"""Draw the leaderboard with characters, for places that show no picture, such as a package index.

Usage: chart.py GAP.csv OUT.md
"""

import csv
import sys
from pathlib import Path

NAMES = {
    "mdcnn": "MDCNN",
    "eca": "ECA-CNN",
    "eca, cosine": "ECA-CNN, cosine",
    "melcnn": "MelCNN",
    "diccoser": "DiCCOSER",
    "cnnlstm": "CNN-LSTM",
    "attpool": "attention pooling",
}
WIDTH = 40


def main(table: Path, out: Path) -> None:
    """Write two bars for each network: its UA on unseen speakers, and on a random split."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    width = max(map(len, NAMES.values()))
    lines = []
    for row in rows:
        for name, title, column in (
            (NAMES[row["row"]], "unseen", "unseen UA"),
            ("", "random", "random UA"),
        ):
            value = float(row[column])
            bar = ("█" if title == "unseen" else "░") * round(WIDTH * value / 100)
            lines.append(f"{name:<{width}}  {title}  {bar:<{WIDTH}}  {value:4.1f}")
    out.write_text("\n".join(["```text", *lines, "```", ""]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
