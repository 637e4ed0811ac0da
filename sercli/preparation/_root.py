"""Find a corpus whose folder is a level above or below the one that was given."""

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from sercli.corpora import Corpus
from sercli.errors import CorpusError
from sercli.preparation._reading import Place
from sercli.records import Note, Utterance

_LEVELS = 2
# A folder with more sub-folders is nobody's copy of a corpus.
_MOST_FOLDERS = 1000


def find_root(source: str, place: Place) -> tuple[Place, list[Note]]:
    """Return where a corpus with a reader of its own really begins, and a note if that is elsewhere.

    Raises:
        CorpusError: several folders below hold the corpus, or the one that was given is a part of it.
    """
    corpus, root = place.corpus, place.root
    if corpus.any_name or corpus.generate is not None or _utterance(corpus, root, place) is not None:
        return place, []
    level = [root]
    for _ in range(_LEVELS):
        level = [child for folder in level for child in _folders(folder)][:_MOST_FOLDERS]
        holding = [folder for folder in level if _utterance(corpus, folder, place) is not None]
        if len(holding) > 1:
            named = ", ".join(folder.relative_to(root).as_posix() for folder in holding[:3])
            raise CorpusError(f"{root}: more than one copy of the corpus ({named}); give the folder of one")
        if holding:
            note = f"begins in {holding[0].relative_to(root).as_posix()}, below the folder that was given"
            return replace(place, root=holding[0], base=holding[0]), [Note(".", note, title="corpus")]
    within = root.resolve()
    for above in list(within.parents)[:_LEVELS]:
        if not any(fnmatch(within.name, pattern) for pattern in corpus.inner):
            break
        found = [item for item in corpus.parse(above, *place.options) if isinstance(item, Utterance)]
        if not found:
            continue
        # A folder of labels goes with the whole corpus, one session of several does not.
        part = above / within.relative_to(above).parts[0]
        inside = [(above / utterance.file).is_relative_to(part) for utterance in found]
        if any(inside) and not all(inside):
            raise CorpusError(
                f"{root}: a part of corpus '{source}', which begins in {above}; "
                f"run `sercli prepare {source} {above}`"
            )
        note = f"begins in {above}, above the folder that was given"
        return replace(place, root=above, base=above), [Note(".", note, title="corpus")]
    return place, []


def _utterance(corpus: Corpus, root: Path, place: Place) -> Utterance | None:
    items = corpus.parse(root, *place.options)
    return next((item for item in items if isinstance(item, Utterance)), None)


def _folders(folder: Path) -> Iterator[Path]:
    try:
        yield from (
            path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")
        )
    except PermissionError:
        return
