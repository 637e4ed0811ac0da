"""The folder of prepared corpora, features and runs.

A workspace is a folder: ``corpora/<name>/manifest.jsonl`` with its audio, ``features/`` and
``runs/``. It can be moved or copied, because its files contain no path outside it.
"""

import os
from pathlib import Path
from typing import Any

from sercli.errors import CorpusError
from sercli.plain.json import from_json

VARIABLE = "SERCLI_WORKSPACE"


class Workspace:
    """A folder of prepared corpora, features and runs."""

    def __init__(self, root: Path | str | None = None) -> None:
        """Use ``root``, otherwise the variable ``SERCLI_WORKSPACE``, otherwise ``./sercli-workspace``."""
        self.root = Path(root or os.environ.get(VARIABLE) or "sercli-workspace")

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"

    @property
    def features(self) -> Path:
        """Folder of the feature stores."""
        return self.root / "features"

    @property
    def runs(self) -> Path:
        """Folder of the training runs."""
        return self.root / "runs"

    def corpus(self, name: str) -> Path:
        """Folder of a corpus, prepared or not."""
        return self.root / "corpora" / name

    def manifest(self, name: str) -> Path:
        """Manifest of a corpus, prepared or not."""
        return self.corpus(name) / "manifest.jsonl"

    def prepared(self) -> list[str]:
        """Names of the corpora that are prepared, sorted."""
        return sorted(path.parent.name for path in self.root.glob("corpora/*/manifest.jsonl"))

    def require(self, name: str) -> Path:
        """Return the manifest of a prepared corpus.

        Raises:
            CorpusError: it is not prepared; the message names the command that prepares it.
        """
        path = self.manifest(name)
        if not path.exists():
            from sercli.corpora import corpus_names, get_corpus

            argument = "" if name in corpus_names() and get_corpus(name).synthetic else " PATH"
            raise CorpusError(
                f"{self.root}: corpus '{name}' is not prepared; run `sercli prepare {name}{argument}` "
                "(`sercli corpora` lists all corpora)"
            )
        return path

    def facts(self, name: str) -> dict[str, Any]:
        """Read the facts that scores on a prepared corpus are reported with: title, licence, completeness.

        Raises:
            CorpusError: it is not prepared, or the file is damaged.
        """
        path = self.require(name).with_name("corpus.json")
        try:
            described: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
            for key in ("title", "licence", "notice", "protocol", "utterances", "expected"):
                described[key]
        except (OSError, ValueError, KeyError, TypeError):
            raise CorpusError(f"{path}: missing or damaged; run `sercli prepare` again") from None
        return described
