"""A corpus as distributed, turned into a manifest and 16 kHz mono audio in the workspace.

The prepared corpus is a folder: ``manifest.jsonl``, ``audio/``, ``traces/`` (continuous labels) and
``corpus.json`` (what was found, what was missing, what was skipped). The manifest appears last and
whole, so a preparation that was interrupted is never taken for finished; run again, it goes on
where it stopped.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli import files, manifest
from sercli.corpora import get_corpus
from sercli.errors import ConfigError, CorpusError
from sercli.manifest.lengths import Lengths
from sercli.preparation._describe import Preparation, Replaced
from sercli.preparation._reading import Place, locate, name_for, nothing_found, read
from sercli.preparation._root import find_root
from sercli.preparation.convert import Conversion, Converted
from sercli.preparation.counts import by_scheme, differences
from sercli.preparation.download import fetch
from sercli.preparation.traces import fit_length, place_trace
from sercli.records import Problem, Utterance
from sercli.workspace import Workspace

__all__ = ["Preparation", "prepare"]

Progress = Callable[[int, int], None]


def prepare(
    source: str,
    root: Path | None,
    workspace: Workspace,
    *,
    name: str | None = None,
    audio_root: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    partial: bool = False,
    skip_bad: bool = False,
    download: bool = False,
    progress: Progress = lambda done, total: None,
) -> Preparation:
    """Prepare a corpus.

    Args:
        source: name of the corpus, or of a reader of any corpus (``folder``, ``csv``).
        root: the corpus as distributed; ``None`` for one that is generated or downloaded.
        workspace: where the prepared corpus goes.
        name: what a corpus without a reader of its own is to be called.
        audio_root: the folder that a table's file names are relative to; its own folder if not given.
        settings: options of the corpus's reader.
        partial: take an incomplete copy.
        skip_bad: leave out files that can't be used, and list them.
        download: fetch the corpus first, if it is openly licensed.
        progress: called with the number of files (while downloading: bytes) done and to do.

    Raises:
        CorpusError: the folder is missing, empty or holds another corpus; it is incomplete and
            ``partial`` is not set; a file can't be used and ``skip_bad`` is not set; another
            preparation of the same corpus is at work; it can't be downloaded.
        ConfigError: a setting is unknown or wrong, or the corpus can't have that name.
    """
    corpus = get_corpus(source)
    options = corpus.chosen(settings or {})
    name = name_for(source, corpus, name, root)
    target = workspace.corpus(name)
    if root is not None and (corpus.generate is not None or download):
        how = "generated" if corpus.generate else "to be downloaded"
        raise CorpusError(f"{root}: corpus '{source}' is {how}; leave the path out")
    if download and corpus.download is None:
        origin = f"get it from {corpus.origin}" if corpus.origin else corpus.licence
        raise ConfigError(
            f"corpus '{source}' can't be downloaded: {origin}; then run `sercli prepare {source} PATH` on it"
        )
    place = None
    if corpus.generate is None and not download:
        place = locate(source, corpus, root, audio_root, options, name)  # before anything is made
    target.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(target / ".lock", timeout=0):
            files.sweep(target)
            if download and corpus.download is not None:
                root = fetch(corpus.download, workspace.root / "downloads" / name, progress)
            if corpus.generate is None:
                place = place or locate(source, corpus, root, audio_root, options, name)
                return _prepare(source, place, target, partial, skip_bad, progress)
            for left in target.glob(".generated-*"):  # by one that was killed
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(prefix=".generated-", dir=target) as folder:
                corpus.generate(Path(folder))
                place = Place(corpus, options, name, Path(folder), Path(folder))
                return _prepare(source, place, target, partial, skip_bad, progress)
    except Timeout:
        raise CorpusError(f"{target}: another `sercli prepare {source}` is at work on it") from None


def _prepare(
    source: str, place: Place, target: Path, partial: bool, skip_bad: bool, progress: Progress
) -> Preparation:
    corpus = place.corpus
    place, notes = find_root(source, place)
    utterances, problems = read(place)
    problems = [*notes, *problems]
    if not utterances:
        raise CorpusError(nothing_found(source, place, problems))
    _refuse_bad(place.base, problems, skip_bad)
    corpus = corpus.release(utterances) if corpus.release else corpus
    differing = differences(corpus, utterances)
    if differing and not partial and len(utterances) < (corpus.utterances or 0):
        raise CorpusError(f"{place.root}: {'; '.join(differing)}; add --partial to prepare what is there")
    replaced = Replaced.by(utterances, target)
    if replaced.gone and corpus.utterances is None and not (corpus.any_name or partial):
        raise CorpusError(f"{place.root}: {replaced}; add --partial to put these in their place")

    # From here on audio may change: an earlier manifest would vouch for what it does not describe.
    (target / "manifest.jsonl").unlink(missing_ok=True)
    prepared: list[Utterance] = []
    converted: list[Converted] = []
    lengths = Lengths(place.root.name)
    with closing(Conversion(place.base, target, cuts=corpus.cuts).run(utterances)) as outcomes:
        for done, (utterance, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, Problem):
                problems.append(outcome)
            else:
                whole, said = _with_trace(outcome.apply(utterance), utterance, place, target)
                problems += said
                if whole is not None:
                    converted.append(outcome)
                    prepared.append(whole)
                    lengths.add(utterance, whole)
            progress(done, len(utterances))
    _refuse_bad(place.base, problems, skip_bad)
    problems += _notes(prepared, converted)
    if not prepared:
        raise CorpusError(
            f"{place.root}: none of its {len(utterances)} files can be used; first: {problems[0]}"
        )

    problems += lengths.notes()
    result = Preparation(
        corpus=place.name,
        entry=corpus,
        path=target / "manifest.jsonl",
        utterances=tuple(prepared),
        differences=tuple(differences(corpus, prepared)),
        problems=tuple(problems),
        schemes=tuple(by_scheme(place.name, prepared)),
        resampled=sum(item.resampled for item in converted),
        scaled=sum(bool(item.note) for item in converted),
        reused=sum(item.reused for item in converted),
        settings={"reader": source} | (place.options[0].to_dict() if place.options else {}),
        replaced=replaced,
        notice=corpus.notice or (getattr(place.options[0], "notice", None) if place.options else None),
    )
    files.write_json(target / "corpus.json", result.to_dict())
    manifest.write(result.path, prepared)
    return result


def _notes(utterances: Sequence[Utterance], converted: Sequence[Converted]) -> list[Problem]:
    """Say what was done to files beyond full scale, once for each, however many utterances are in it."""
    noted = {
        utterance.source or utterance.file: item.note
        for utterance, item in zip(utterances, converted, strict=True)
        if item.note
    }
    return [Problem(place, note, harmless=True) for place, note in noted.items()]


def _with_trace(
    utterance: Utterance, as_read: Utterance, place: Place, target: Path
) -> tuple[Utterance | None, list[Problem]]:
    """Give a prepared utterance its trace, if the corpus has any; ``None`` if the trace is unusable."""
    if place.corpus.read_trace is None or as_read.trace is None:
        return utterance, []
    try:
        trace = place.corpus.read_trace(place.base, as_read, *place.options)
    except CorpusError as error:
        where, _, fact = str(error).partition(": ")
        return None, [Problem(where, fact)]
    trace, problem = fit_length(trace, utterance)
    said = [problem] if problem else []
    if problem and not problem.harmless:
        return None, said
    return place_trace(trace, utterance, target), said


def _refuse_bad(base: Path, problems: Sequence[Problem], skip_bad: bool) -> None:
    """Raise for problems that lose something: the first, and what else is wrong in other ways."""
    bad = [problem for problem in problems if not problem.harmless]
    if not bad or skip_bad:
        return
    others = list(
        {problem.fact: problem for problem in reversed(bad) if problem.fact != bad[0].fact}.values()
    )
    also = "".join(f"; {problem}" for problem in others[::-1][:3])
    more = len(bad) - 1 - min(len(others), 3)
    counted = f" (and {more} more)" if more else ""
    raise CorpusError(
        f"{base / bad[0].place}: {bad[0].fact}{also}{counted}; mend it, or go on with --skip-bad"
    )
