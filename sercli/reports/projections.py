"""Project the test utterances of a trial on the principal components of its network's embeddings.

The result for one trial, or for trials of several runs side by side, is a picture, a table of points, and the
correlation of each component with the raters' arousal and valence.

Source: Tang et al., EURASIP Journal on Audio, Speech, and Music Processing 2021:18, section 5.4, figure 8.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sercli import files
from sercli.figures import insight as pictures
from sercli.inference import insight
from sercli.inference.stored import Stored
from sercli.records import TRACE_DIMENSIONS, ClassPredictions

Correlations = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Utterances of a trial in a plane.

    Attributes:
        run: name of the run.
        heading: heading of the picture.
        classes: names of the classes.
        ids: ids of the utterances.
        target: index of the class of each utterance.
        plane: points of the utterances.
        ratings: by dimension, the raters' mean of each utterance; NaN if it has no rating.
    """

    run: str
    heading: str
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    target: tuple[int, ...]
    plane: insight.Projection
    ratings: Mapping[str, NDArray[np.float64]]

    @property
    def correlations(self) -> dict[str, Correlations]:
        """Pearson's correlation of both components with each rated dimension."""
        found = {
            name: (correlation(self.plane.points[:, 0], values), correlation(self.plane.points[:, 1], values))
            for name, values in self.ratings.items()
        }
        return {name: pair for name, pair in found.items() if pair != (None, None)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON; a list has a value for each component."""
        return {
            "share": list(self.plane.share),
            "correlations": {name: list(pair) for name, pair in self.correlations.items()},
            "rated": {name: int(np.isfinite(values).sum()) for name, values in self.ratings.items()},
        }


def project(
    run: str,
    heading: str,
    stored: Stored,
    predictions: ClassPredictions,
    device: torch.device | str = "cpu",
) -> Projected | str:
    """Project the utterances of a trial, or return the reason why its network has no embedding."""
    found = insight.embeddings(stored, device=device)
    if isinstance(found, str):
        return found
    what, vectors = found
    return Projected(
        run=run,
        heading=f"{heading}\n{what}",
        classes=stored.bundle.classes,
        ids=predictions.ids,
        target=tuple(predictions.target.tolist()),
        plane=insight.project(vectors),
        ratings={
            name: np.array([getattr(each, name) for each in stored.utterances], dtype=np.float64)
            for name in TRACE_DIMENSIONS
        },
    )


def correlation(values: NDArray[np.float64], ratings: NDArray[np.float64]) -> float | None:
    """Correlate values with the existing ratings; ``None`` if these are fewer than three, or constant."""
    rated = np.isfinite(ratings)
    x, y = values[rated], ratings[rated]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def draw(projected: Sequence[Projected], *, dark: bool = False) -> Figure:
    """Draw a panel for each projection; all have the classes of the first one."""
    panels = [
        pictures.Panel(each.heading, each.plane.points, each.target, (_axis(each, 0), _axis(each, 1)))
        for each in projected
    ]
    return pictures.projection(panels, projected[0].classes, dark=dark)


def write(projected: Sequence[Projected], folder: Path) -> list[Path]:
    """Write ``projection.csv``, a row per point, and ``projection.json``, variance and correlations."""
    points = folder / "projection.csv"
    with files.replacing(points) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["run", "id", "class", "component_1", "component_2", *TRACE_DIMENSIONS])
        for each in projected:
            for row, name in enumerate(each.ids):
                rated = [each.ratings[dimension][row] for dimension in TRACE_DIMENSIONS]
                table.writerow(
                    [
                        each.run,
                        name,
                        each.classes[each.target[row]],
                        *(f"{value:.9g}" for value in each.plane.points[row]),
                        *("" if np.isnan(value) else f"{value:.9g}" for value in rated),
                    ]
                )
    numbers = folder / "projection.json"
    files.write_json(numbers, {each.run: each.to_dict() for each in projected})
    return [points, numbers]


def describe(projected: Projected) -> str:
    """Describe in a line the correlations of the components with arousal and valence."""
    found = projected.correlations
    if not found:
        return f"{projected.run}: the corpus has no ratings of {' and '.join(TRACE_DIMENSIONS)} to correlate"
    pairs = ", ".join(
        f"component {number} with {name} {_r(pair[number - 1])}"
        for number in (1, 2)
        for name, pair in found.items()
    )
    return f"{projected.run}: correlation of {pairs}"


def _axis(projected: Projected, number: int) -> str:
    label = f"component {number + 1}, {100 * projected.plane.share[number]:.1f} % of the variance"
    found = [f"{name} {_r(pair[number])}" for name, pair in projected.correlations.items()]
    return f"{label}\nr with {', '.join(found)}" if found else label


def _r(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f}"
