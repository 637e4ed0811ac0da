"""The folder of prepared corpora, features and runs.

A workspace is a folder: ``corpora/<name>/manifest.jsonl`` with its audio, ``features/`` and
``runs/``. It can be moved or copied, because its files contain no path outside it.

Where a command takes the name of a corpus, it also takes several, ``emodb+ravdess``: see `sercli.unions`.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sercli import files, manifest
from sercli.errors import ConfigError, CorpusError, ManifestError, near_names
from sercli.plain.json import from_json, to_json
from sercli.protocols import usual_protocol
from sercli.records import Utterance
from sercli.unions import MARK, Union, corpora_of, is_union, join, union_name

VARIABLE = "SERCLI_WORKSPACE"


class Workspace:
    """A folder of prepared corpora, features and runs."""

    def __init__(self, root: "Workspace | Path | str | None" = None) -> None:
        """Use ``root``, otherwise the variable ``SERCLI_WORKSPACE``, otherwise ``./sercli-workspace``.

        Raises:
            ConfigError: it is a file, or a link that leads to no folder.
        """
        folder = root.root if isinstance(root, Workspace) else root
        self.root: Path = Path(folder or os.environ.get(VARIABLE) or "sercli-workspace")
        if obstacle := files.find_obstacle(self.root):
            raise ConfigError(f"{obstacle}; remove it, or choose another --workspace")

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
        """Folder that the files of a corpus are relative to, prepared or not; for a union, that of all."""
        return self.root / "corpora" / ("" if is_union(name) else name)

    def manifest(self, name: str) -> Path:
        """Manifest of a single corpus, prepared or not."""
        return self.root / "corpora" / name / "manifest.jsonl"

    def prepared(self) -> list[str]:
        """Names of the corpora that are prepared, sorted."""
        return sorted(path.parent.name for path in self.root.glob("corpora/*/manifest.jsonl"))

    def is_prepared(self, name: str) -> bool:
        """Return whether a corpus, or each corpus of a union, is prepared."""
        return all(self.manifest(part).exists() for part in corpora_of(name))

    def require(self, name: str) -> Path:
        """Return the manifest of a prepared single corpus.

        Raises:
            CorpusError: it is not prepared; the message names the command that prepares it.
        """
        path = self.manifest(name)
        if not path.exists():
            from sercli.corpora import corpus_names, get_corpus

            known = corpus_names()
            fact = f"{self.root}: corpus '{name}' is not prepared"
            if name in known:
                argument = "" if get_corpus(name).synthetic else " PATH"
                raise CorpusError(f"{fact}; run `sercli prepare {name}{argument}`")
            near = near_names(name, [*self.prepared(), *known])
            remedy = f"did you mean {', '.join(near)}?" if near else "`sercli corpora` lists those supported"
            raise CorpusError(
                f"{fact}; {remedy} (a corpus of your own: `sercli prepare folder PATH --name {name}`)"
            )
        return path

    def utterances(self, name: str) -> list[Utterance]:
        """Read the utterances of a prepared corpus or a union; their files are relative to `corpus`.

        Raises:
            ConfigError: the name of a union is wrong, or its corpora have an id in common.
            CorpusError: a corpus is not prepared.
            ManifestError: a manifest is damaged or incomplete.
        """
        if is_union(name):
            return list(self.union(name).utterances)
        return _read_complete(self.require(name))

    def union(self, name: str) -> Union:
        """Join the corpora of a union.

        Raises:
            ConfigError, CorpusError, ManifestError: as `utterances`.
        """
        return _join(
            tuple((part, self.require(part), self.manifest_digest(part)) for part in corpora_of(name))
        )

    def manifest_digest(self, name: str) -> str:
        """Hash the manifest of a prepared corpus; for a union, the names and hashes of its corpora.

        The hash changes when any audio, label or speaker changes.

        Raises:
            ConfigError: the name of a union is wrong.
            CorpusError: a corpus is not prepared.
        """
        if not is_union(name):
            return manifest.digest(self.require(name))
        own = [[part, manifest.digest(self.require(part))] for part in corpora_of(name)]
        return hashlib.sha256(to_json(own).encode()).hexdigest()

    def facts(self, name: str) -> dict[str, Any]:
        """Read the facts that scores on a prepared corpus are reported with: title, licence, completeness.

        Those of a union have a key ``parts`` with the facts and the hash of the manifest of each corpus.

        Raises:
            ConfigError: the name of a union is wrong.
            CorpusError: a corpus is not prepared, or its file is damaged.
        """
        if is_union(name):
            return self._union_facts(name)
        path = self.require(name).with_name("corpus.json")
        try:
            described: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
            for key in ("title", "licence", "notice", "protocol", "utterances", "expected"):
                described[key]
        except (OSError, ValueError, KeyError, TypeError):
            raise CorpusError(f"{path}: missing or damaged; run `sercli prepare` again") from None
        return described

    def _union_facts(self, name: str) -> dict[str, Any]:
        own = {part: self.facts(part) for part in corpora_of(name)}
        union = self.union(name)
        speakers = {each.speaker for each in union.utterances} - {None}
        scales = {part: facts["ratings"].get("scale") for part, facts in own.items() if facts.get("ratings")}
        kept = ("title", "licence", "notice", "utterances", "expected")
        return {
            "corpus": union_name(name),
            "title": f" {MARK} ".join(str(facts["title"]) for facts in own.values()),
            "licence": _list_by_corpus(own, "licence"),
            "notice": _list_by_corpus(own, "notice") or None,
            "protocol": usual_protocol(len(speakers)),
            "utterances": len(union.utterances),
            "expected": None,
            "hours": round(sum(each.duration for each in union.utterances) / 3600, 4),
            "emotions": dict(sorted(Counter(each.emotion or "none" for each in union.utterances).items())),
            **({"ratings": {"scale": _common(scales), "scales": scales}} if scales else {}),
            "repeated": len(union.repeated),
            "parts": {
                part: {key: facts[key] for key in kept} | {"manifest_sha256": self.manifest_digest(part)}
                for part, facts in own.items()
            },
        }


def _read_complete(path: Path) -> list[Utterance]:
    """Read a manifest; refuse one that was cut at the end of a line, by the count in the facts beside it.

    Facts that are absent or damaged have no count: `Workspace.facts` refuses them where they are needed.
    """
    utterances = manifest.read(path)
    try:
        count = from_json(path.with_name("corpus.json").read_bytes())["utterances"]
    except (OSError, ValueError, LookupError, TypeError):
        count = None
    if isinstance(count, int) and len(utterances) < count:
        raise ManifestError(
            f"{path}: holds {len(utterances)} of {count} utterances; prepare the corpus again"
        )
    return utterances


@lru_cache(maxsize=4)
def _join(parts: tuple[tuple[str, Path, str], ...]) -> Union:
    """Join corpora by name, manifest and digest of the manifest."""
    from sercli.corpora import corpus_names, get_corpus

    known = set(corpus_names())
    owners = {name: get_corpus(name).speakers_of for name, _, _ in parts if name in known}
    speakers_of = {name: owner for name, owner in owners.items() if owner is not None}
    return join({name: _read_complete(path) for name, path, _ in parts}, speakers_of)


def _list_by_corpus(own: Mapping[str, Mapping[str, Any]], key: str) -> str:
    """List the texts of several corpora, each with its corpus; a text that all have is named once."""
    texts = {name: str(facts[key]) for name, facts in own.items() if facts[key]}
    if len(texts) == len(own) and len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def _common(scales: Mapping[str, Sequence[float] | None]) -> Sequence[float] | None:
    """Return the scale that all corpora have; ``None`` if scales differ or are not known."""
    first = next(iter(scales.values()))
    return first if all(scale == first for scale in scales.values()) else None
