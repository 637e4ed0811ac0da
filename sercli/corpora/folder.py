"""Any corpus whose recordings lie in one folder per emotion: ``angry/x.wav``, ``Happy/sub/y.flac``."""

import os
from collections.abc import Iterator
from pathlib import Path

from sercli.audio import SUFFIXES
from sercli.corpora import Corpus
from sercli.corpora._any import AnyOptions, complete, remedy
from sercli.labels import to_noun
from sercli.records import Problem, Utterance


def parse(root: Path, options: AnyOptions) -> Iterator[Utterance | Problem]:
    """Yield the recordings below each folder of ``root``, sorted; the folder's name is the label.

    A folder whose name is no emotion is one problem, however many recordings it holds. Files of
    other kinds are counted, lest recordings in an unknown format go unnoticed.
    """
    for top in sorted(root.iterdir()):
        if top.name.startswith("."):
            continue
        in_folder = top.is_dir()
        paths = _files(top) if in_folder else [top]
        recordings = [path for path in paths if path.suffix.lower() in SUFFIXES]
        if not recordings and not (in_folder and to_noun(top.name, options.map)):
            continue
        if not options.names_emotion and not in_folder:
            yield Problem(
                top.name, "lies in no emotion's folder; give the folder above those of the emotions"
            )
        elif not options.names_emotion and to_noun(top.name, options.map) is None:
            count = f"{len(recordings)} recording" + "s" * (len(recordings) > 1)
            fact = f"a folder of {count}, whose name is no emotion known here"
            yield Problem(top.name, f"{fact}; {remedy(top.name)}")
        else:
            others = sorted(path.suffix for path in paths if path.suffix.lower() not in SUFFIXES)
            if others:
                kinds = ", ".join(dict.fromkeys(suffix or "no suffix" for suffix in others))
                fact = f"{len(others)} files that are no audio by their suffix ({kinds})"
                yield Problem(top.name, fact, harmless=True)
            raw = None if options.names_emotion else top.name
            for path in recordings:
                file = path.relative_to(root).as_posix()
                yield complete(Utterance(id="", corpus="", file=file, emotion_raw=raw), file, options)


def _files(folder: Path) -> list[Path]:
    """List what lies below a folder, sorted, without what is hidden; links to folders are followed."""
    found: list[Path] = []
    # A link to a folder above would bring in the recordings of every other emotion.
    seen = {str(above) for above in folder.resolve().parents}
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


CORPUS = Corpus(
    parse,
    title="A corpus in folders, one per emotion",
    source="the user's own",
    licence="unknown; whoever has the recordings knows",
    layout="angry/anything.wav, happy/anything.wav and so on",
    options=AnyOptions,
    any_name=True,
)
