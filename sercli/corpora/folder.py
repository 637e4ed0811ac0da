"""Any corpus whose recordings lie in one folder per emotion: ``angry/x.wav``, ``Happy/sub/y.flac``."""

from collections.abc import Iterator
from pathlib import Path

from sercli.audio import SUFFIXES
from sercli.corpora import Corpus
from sercli.corpora._any import AnyOptions, complete
from sercli.labels import to_noun
from sercli.records import Problem, Utterance


def parse(root: Path, options: AnyOptions) -> Iterator[Utterance | Problem]:
    """Yield the recordings below each folder of ``root``, sorted; the folder's name is the label.

    A folder whose name is no emotion is one problem, however many recordings it holds.
    """
    by_pattern = "(?P<emotion>" in (options.speaker_pattern or "")
    for top in sorted(root.iterdir()):
        if top.name.startswith("."):
            continue
        paths = _recordings(top) if top.is_dir() else [top] if top.suffix.lower() in SUFFIXES else []
        if not paths:
            continue
        if not by_pattern and not top.is_dir():
            yield Problem(top.name, "lies in no emotion's folder")
        elif not by_pattern and to_noun(top.name, options.map) is None:
            count = f"{len(paths)} recordings" if len(paths) > 1 else "a recording"
            yield Problem(
                top.name,
                f"a folder of {count} whose name is no emotion known here; "
                f"say which with --map '{top.name}=EMOTION'",
            )
        else:
            for path in paths:
                file = path.relative_to(root).as_posix()
                name = file.removesuffix(path.suffix)
                raw = None if by_pattern else top.name
                yield complete(Utterance(id=name, corpus="", file=file, emotion_raw=raw), file, options)


def _recordings(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(
        path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


CORPUS = Corpus(
    parse,
    title="A corpus in folders, one per emotion",
    source="the user's own",
    licence="unknown; whoever has the recordings knows",
    layout="angry/anything.wav, happy/anything.wav and so on",
    options=AnyOptions,
    any_name=True,
)
