"""Show the answer of a stream on a terminal: a bar for each class, drawn again at each step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sercli.inference.steadiness import Step

_WIDTH = 30  # characters of a full bar


@contextmanager
def bars(names: Sequence[str], classes: Sequence[str]) -> "Iterator[Callable[[list[Step]], None]]":
    """Show bars while a stream is followed; yield the function that receives its steps.

    Args:
        names: names of the values of a step; those of the classes come first.
        classes: names of the classes; values of dimensions have no bar, because they have no fixed range.
    """
    from rich.live import Live

    shown = Bars(names, classes)
    with Live(shown, refresh_per_second=10):
        yield shown.add


class Bars:
    """The latest step, drawn whenever the terminal requests it."""

    def __init__(self, names: Sequence[str], classes: Sequence[str]) -> None:
        """Begin without a step."""
        self.names, self.classes = tuple(names), tuple(classes)
        self.step: Step | None = None

    def add(self, steps: "list[Step]") -> None:
        """Show the last one of some steps."""
        self.step = steps[-1] if steps else self.step

    def lines(self) -> Iterator[str]:
        """Yield the lines: the class that is shown, then each value."""
        if self.step is None:
            yield "listening"
            return
        step = self.step
        title = "silence" if step.silent else step.shown or ""
        yield f"{step.end:8.1f} s  {title}".rstrip()
        widest = max(map(len, self.names))
        values = step.smoothed or (None,) * len(self.names)
        for number, (name, value) in enumerate(zip(self.names, values, strict=True)):
            mark = ">" if name == step.shown and number < len(self.classes) else " "
            if value is None:
                yield f"{mark} {name:<{widest}}"
            elif number < len(self.classes):
                bar = "█" * round(_WIDTH * value)
                yield f"{mark} {name:<{widest}}  {bar:<{_WIDTH}} {100 * value:5.1f} %"
            else:
                yield f"{mark} {name:<{widest}}  {value:8.2f}"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        """Draw the lines; names of classes are not markup."""
        from rich.text import Text

        yield from map(Text, self.lines())
