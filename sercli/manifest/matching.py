"""Find the utterances of a corpus that a list of another tool names."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sercli.manifest.recordings import spelling_key
from sercli.records import Utterance

_SAME_TIME_S = 0.05
_NEAR_AMONG = 50_000


@dataclass(frozen=True, slots=True)
class Matched:
    """The result for the utterances of a list.

    Attributes:
        ids: id in the corpus by the id in the list.
        reasons: reason by the id in the list, for utterances that are not found or not sure; empty text if
            nothing in the corpus has a similar name.
    """

    ids: dict[str, str]
    reasons: dict[str, str]


class Matcher:
    """Finds the utterances of a corpus by their id, their file, or the end of its path without the suffix.

    Case, the coding of accents and the folders of another computer are ignored. A result is used only if it
    is the single one, and no other utterance of the list leads to it.
    """

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        """Index the utterances of a corpus by each end of their names."""
        self._by_id = {each.id: each for each in utterances}
        self._by_tail: dict[str, dict[str, Utterance]] = defaultdict(dict)
        for each in utterances:
            for name in (each.source or each.file, each.id.partition("/")[2]):
                for tail in _tails(name):
                    self._by_tail[tail][each.id] = each

    def match(self, listed: Sequence[Utterance]) -> Matched:
        """Return the result for all utterances of a list."""
        ids: dict[str, str] = {}
        reasons: dict[str, str] = {}
        names: dict[str, list[str]] = defaultdict(list)
        for each in listed:
            found = self._find(each)
            if isinstance(found, Utterance):
                ids[each.id] = found.id
                names[found.id].append(each.id)
            else:
                reasons[each.id] = found
        for found_id, several in names.items():
            if len(several) > 1:
                for name in several:
                    other = next(each for each in several if each != name)
                    reasons[name] = f"{found_id} has a similar name, as it has to {other}"
                    del ids[name]
        return Matched(ids, reasons)

    def nearest(self, listed: Utterance) -> str:
        """Name the utterance of the corpus with the most similar name; empty text if there is none."""
        if len(self._by_tail) > _NEAR_AMONG:
            return ""
        close = get_close_matches(_tails(listed.file or listed.id)[-1], self._by_tail, 1, 0.8)
        return next(iter(self._by_tail[close[0]])) if close else ""

    def _find(self, listed: Utterance) -> Utterance | str:
        if listed.id in self._by_id:
            return self._by_id[listed.id]
        for name in dict.fromkeys((listed.file, listed.id.partition("/")[2])):
            for tail in _tails(name):
                found = [each for each in self._by_tail.get(tail, {}).values() if _same_time(listed, each)]
                if len(found) > 1:
                    return f"{found[0].id} and {found[1].id} have that name"
                if found:
                    return found[0]
        return ""


def _tails(name: str) -> list[str]:
    """Return each end of a path without its suffix, the longest first, without differences of spelling."""
    key = spelling_key(name.strip().replace("\\", "/"))
    parts = [part for part in key.split("/") if part not in ("", ".")] or [""]
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _same_time(listed: Utterance, own: Utterance) -> bool:
    """Return whether two utterances begin at the same time of their recording, as far as both state it."""
    if listed.start is None or own.start is None:
        return True
    return abs(listed.start - own.start) <= _SAME_TIME_S
