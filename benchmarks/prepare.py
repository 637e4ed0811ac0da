"""Compare the preparation of a corpus with soundfile, which only decodes its files."""

import tempfile
from pathlib import Path

import soundfile

from benchmarks import Bench, Row
from benchmarks._timing import interleaved
from sercli.corpora import get_corpus
from sercli.preparation.convert import Conversion
from sercli.records import Utterance


def _run(corpora: Path | None, quick: bool) -> list[Row]:
    found = [name for name in ("emodb", "ravdess") if corpora and (corpora / name).is_dir()]
    if corpora and found:
        return [row for name in found for row in _measure(name, corpora / name, quick)]
    with tempfile.TemporaryDirectory() as folder:
        generate = get_corpus("synth").generate
        if generate is not None:
            generate(Path(folder))
        return _measure("synth", Path(folder), quick)


def _measure(name: str, root: Path, quick: bool) -> list[Row]:
    utterances = [item for item in get_corpus(name).parse(root) if isinstance(item, Utterance)]
    paths = [root / utterance.file for utterance in utterances]
    seconds = sum(soundfile.info(path).duration for path in paths)

    def decode() -> None:
        for path in paths:
            soundfile.read(path, dtype="int16")

    def convert() -> None:
        # Deleted at the end: that can take longer than all the rest.
        for _ in Conversion(root, Path(tempfile.mkdtemp(dir=folder))).run(utterances):
            pass

    with tempfile.TemporaryDirectory() as folder:
        taken = interleaved({"soundfile decode": decode, "sercli prepare": convert}, rounds=1 if quick else 5)
    floor = taken["soundfile decode"]
    return [
        Row(f"{name}: {what}", seconds / t, "x real time", f"{t / floor:.1f} x the decoding")
        for what, t in taken.items()
    ]


BENCH = Bench(
    _run, "decoding, resampling, hashing and writing a corpus, against decoding alone in one thread"
)
