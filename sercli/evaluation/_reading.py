"""What reading predictions of classes and of continuous labels share."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sercli.errors import RunError

AGAIN = "test the fold again"


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """Give the CSV reader of a file of predictions.

    Raises:
        RunError: the file is missing, or no CSV.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield csv.reader(file, strict=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such predictions; {AGAIN}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path}: not a table of predictions ({error}); {AGAIN}") from None


def refuse_repeated(path: Path, tested: Iterable[tuple[str, str, int]]) -> None:
    """Make sure that what was tested, by id, fold and seed, is there once.

    Raises:
        RunError: something occurs more than once in a fold.
    """
    counted = Counter(tested)
    repeated = next((key for key, count in counted.items() if count > 1), None)
    if repeated:
        raise RunError(f"{path}: '{repeated[0]}' occurs more than once in a fold; {AGAIN}")
