"""Preparing a corpus, against soundfile decoding its files and doing nothing with them."""

import tempfile
from pathlib import Path

import soundfile

from sercli.bench import Bench, Row
from sercli.bench._corpora import corpus_folder
from sercli.bench._timing import interleaved
from sercli.corpora import get_corpus
from sercli.preparation import prepare
from sercli.records import Utterance
from sercli.workspace import Workspace


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    rows = []
    for name in ("emodb", "ravdess") if corpora else ("synth",):
        with corpus_folder(corpora, name) as root:
            found = [item for item in get_corpus(name).parse(root) if isinstance(item, Utterance)]
            paths = [root / utterance.file for utterance in found]
            seconds = sum(soundfile.info(path).duration for path in paths)

            def decode(paths: list[Path] = paths) -> None:
                for path in paths:
                    soundfile.read(path, dtype="int16")

            def whole(name: str = name, root: Path = root) -> None:
                with tempfile.TemporaryDirectory() as folder:
                    if get_corpus(name).generate is None:
                        prepare(name, root, Workspace(folder), partial=True)
                    else:
                        prepare(name, None, Workspace(folder))

            taken = interleaved(
                {"soundfile decode": decode, "sercli prepare": whole}, rounds=1 if quick else 5
            )
            floor = taken["soundfile decode"]
            rows += [
                Row(f"{name}: {what}", seconds / t, "x real time", f"{t / floor:.1f} x the decoding")
                for what, t in taken.items()
            ]
    return rows


BENCH = Bench(_run, "preparing a corpus against decoding its files, one thread, nothing written")
