"""Draw time per utterance and memory by the size of the corpus, a line for each command.

Usage: growth.py, after `python -m benchmarks --json > results.json`, which it reads. Writes growth.png.
"""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks._results import read
from sercli.figures import save

HERE = Path(__file__).parent
MARKERS = "osD^v<"


def main() -> None:
    """Draw the picture."""
    seconds, memory = _read()
    figure = Figure((8.6, 4.0), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    lines: list[Line2D] = []
    for marker, command in zip(MARKERS, seconds, strict=True):
        sizes = sorted(seconds[command])
        each = [1000 * seconds[command][size] / size for size in sizes]
        lines += time_axes.plot(sizes, each, marker=marker, ms=5, lw=1.4, label=command)
        memory_axes.plot(sizes, [memory[command][size] for size in sizes], marker=marker, ms=5, lw=1.4)
    time_axes.set_ylabel("milliseconds an utterance")
    time_axes.set_yscale("log")
    memory_axes.set_ylabel("memory of the largest process, MiB")
    memory_axes.set_ylim(0, None)
    for axes in (time_axes, memory_axes):
        axes.set_xscale("log")
        axes.set_xlabel("utterances in the corpus")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(handles=lines, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    save(figure, HERE / "growth.png")


def _read() -> tuple[dict[str, dict[int, float]], dict[str, dict[int, float]]]:
    """Read seconds and MiB by command and size."""
    seconds: dict[str, dict[int, float]] = {}
    memory: dict[str, dict[int, float]] = {}
    for row in read(HERE / "results.json").stages["growth"]:
        command, _, rest = row.name.partition(": ")
        size, _, kind = rest.partition(" utterances")
        (memory if kind else seconds).setdefault(command, {})[int(size)] = row.value
    return seconds, memory


if __name__ == "__main__":
    main()
