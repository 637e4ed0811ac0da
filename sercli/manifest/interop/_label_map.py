"""Names of the labels of a list, from a map in the list or beside it."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sercli.errors import list_some
from sercli.manifest.values import is_absent, parse_cell
from sercli.records import Note

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelMap:
    """The names of labels.

    Attributes:
        place: the file that holds the map, for a note.
        title: what users call the map.
        names: name by the text of a label.
        kept: labels that are names already.
    """

    place: str
    title: str
    names: Mapping[str, str]
    kept: Collection[str] = ()

    def name(self, label: Any) -> Any:
        """Return the name of a label, or the label if the map has no name for it."""
        return self.names.get(label_text(label), label)

    def notes(self, labels: Iterable[Any]) -> Iterator[Note]:
        """Point out the labels of a list that the map does not explain."""
        texts = dict.fromkeys(label_text(label) for label in labels if not is_absent(label))
        if unknown := [text for text in texts if text not in self.names and text not in self.kept]:
            fact = (
                f"{self.title} has no name for {list_some(_quoted(unknown), _SHOWN)}, which the list has; "
                "these labels are kept as they are; correct the list or the map"
            )
            if self.names:
                fact += f", which has names for {list_some(_quoted(self.names), _SHOWN)}"
            yield Note(self.place, fact, title="labels")


def label_text(label: Any) -> str:
    """Return a label as text; 0 and 0.0 are one label."""
    return str(parse_cell("emotion_raw", label))


def turn_round(codes: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of each code, from the code of each name; a code of two names has none."""
    counts = Counter(map(label_text, codes.values()))
    named = ((label_text(code), name) for name, code in codes.items())
    return {code: name for code, name in named if counts[code] == 1 and code not in codes}


def _quoted(labels: Iterable[str]) -> list[str]:
    return [f"'{label}'" for label in labels]
