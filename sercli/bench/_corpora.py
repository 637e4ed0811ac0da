"""Real recordings where they are at hand, synthetic ones elsewhere."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sercli.corpora import get_corpus


@contextmanager
def corpus_folder(corpora: Path | None, name: str) -> Iterator[Path]:
    """Give the folder of a corpus as distributed; a synthetic one is made for the occasion."""
    if corpora is not None and (corpora / name).is_dir():
        yield corpora / name
        return
    with tempfile.TemporaryDirectory() as folder:
        generate = get_corpus("synth").generate
        if generate is not None:
            generate(Path(folder))
        yield Path(folder)
