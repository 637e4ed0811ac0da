"""Make a manifest and 16 kHz mono audio in the workspace from a corpus as distributed.

The prepared corpus is a folder: ``manifest.jsonl``, ``audio/``, ``traces/`` (continuous labels) and
``corpus.json`` (found, missing and skipped utterances). The complete manifest is written last, so an
interrupted preparation is never used as a finished one. When it is run again, it resumes where it stopped.
An earlier preparation stays usable until its first file is replaced or the new manifest is written.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sercli import files, manifest
from sercli.corpora import Corpus, get_corpus
from sercli.errors import ConfigError, CorpusError
from sercli.manifest.lengths import Lengths
from sercli.manifest.speakers import note_speakers
from sercli.manifest.turns import TurnList
from sercli.preparation._describe import Preparation, Replaced, read_earlier
from sercli.preparation._lines import TableLines
from sercli.preparation._opening import is_packed, open_packed
from sercli.preparation._place import (
    Place,
    describe_nothing_found,
    find_more,
    find_place,
    find_root,
    name_for,
)
from sercli.preparation._reading import read
from sercli.preparation._turns import cut_into_turns
from sercli.preparation.convert import Conversion, Converted
from sercli.preparation.counts import (
    by_scheme,
    differences,
    note_copies,
    note_labels,
    note_ratings,
    note_unused,
)
from sercli.preparation.download import fetch
from sercli.preparation.traces import add_trace
from sercli.records import Note, Problem, Utterance
from sercli.voice import VoiceConfig
from sercli.workspace import Workspace

__all__ = ["Preparation", "prepare"]

Progress = Callable[[int, int], None]


def prepare(
    source: str,
    root: Path | str | None,
    workspace: Workspace | Path | str,
    *,
    name: str | None = None,
    audio_root: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    partial: bool = False,
    skip_bad: bool = False,
    download: bool = False,
    cutting: VoiceConfig | TurnList | None = None,
    progress: Progress = lambda done, total: None,
) -> Preparation:
    """Prepare a corpus.

    Args:
        source: name of the corpus, or of a reader of any corpus (``folder``, ``csv``).
        root: the corpus as distributed, also as a zip or tar archive; ``None`` for a corpus that is generated
            or downloaded.
        workspace: workspace for the prepared corpus, or its folder.
        name: name for a corpus without its own reader.
        audio_root: the folder that a table's file names are relative to; its own folder if not given.
        settings: options of the corpus's reader.
        partial: accept an incomplete copy.
        skip_bad: leave out files that can't be used, and list them.
        download: download the corpus first, if it is openly licensed.
        cutting: how recordings are cut into turns, each of which becomes an utterance: settings by which
            speech is found, or a list of turns; only for a corpus without its own reader.
        progress: called with the finished and the total number of files (or bytes of a download).

    Raises:
        CorpusError: the folder is missing, empty or holds another corpus; it is incomplete and
            ``partial`` is not set; a file can't be used and ``skip_bad`` is not set; another
            preparation of the same corpus is running; it can't be downloaded.
        ConfigError: a setting is unknown or wrong, the corpus can't have that name, or its recordings can't
            be cut into turns.
    """
    workspace = Workspace(workspace)
    root = None if root is None else Path(root)
    audio_root = None if audio_root is None else Path(audio_root)
    corpus = get_corpus(source)
    if cutting is not None and not corpus.any_name:
        raise ConfigError(f"corpus '{source}' has utterances of its own; leave --vad and --segments out")
    options = corpus.chosen(settings or {})
    name = name_for(source, corpus, name, root)
    target = workspace.corpus(name)
    _check_origin(source, corpus, root, download=download)
    place = None
    packed = is_packed(root, takes_file=corpus.takes_file)
    if not (corpus.synthetic or download or packed):
        place = find_place(source, corpus, root, audio_root, options, name)  # before anything is made
    target.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            with files.naming(target):
                stack.enter_context(FileLock(target / ".lock", timeout=0))
            files.sweep(target)
            if corpus.generate is not None:
                for left in target.glob(".generated-*"):  # left by a preparation that was killed
                    shutil.rmtree(left)
                with tempfile.TemporaryDirectory(prefix=".generated-", dir=target) as folder:
                    corpus.generate(Path(folder))
                    place = Place(corpus, options, name, Path(folder), Path(folder))
                    return _prepare(source, place, target, partial, skip_bad, progress)
            if download and corpus.download is not None:
                root = fetch(corpus.download, workspace.root / "downloads" / name, progress)
            notes = []
            if packed and root is not None:
                root, note = open_packed(root, workspace.root / "downloads" / name, progress)
                notes = [note]
            place = place or find_place(source, corpus, root, audio_root, options, name)
            return _prepare(source, place, target, partial, skip_bad, progress, notes, cutting)
    except Timeout:
        raise CorpusError(f"{target}: another `sercli prepare {source}` is running there") from None


def _check_origin(source: str, corpus: Corpus, root: Path | None, *, download: bool) -> None:
    """Refuse a path for a corpus that needs none, and a download of a corpus that has none."""
    if root is not None and (corpus.synthetic or download):
        how = "generated" if corpus.synthetic else "to be downloaded"
        raise CorpusError(f"{root}: corpus '{source}' is {how}; leave the path out")
    if download and corpus.download is None:
        origin = f"get it from {corpus.origin}" if corpus.origin else corpus.licence
        raise ConfigError(
            f"corpus '{source}' can't be downloaded: {origin}; then run `sercli prepare {source} PATH` on it"
        )


def _prepare(
    source: str,
    place: Place,
    target: Path,
    partial: bool,
    skip_bad: bool,
    progress: Progress,
    opened: Sequence[Note] = (),
    cutting: VoiceConfig | TurnList | None = None,
) -> Preparation:
    place, notes = find_root(source, place)
    utterances, problems, second = read(place)
    lines = TableLines(place)
    problems = lines.name_all([*opened, *notes, *problems])
    if not utterances:
        raise CorpusError(describe_nothing_found(source, place, problems))
    _refuse_bad(place.base, problems, skip_bad)
    if cutting is not None:
        place, utterances, found = _cut(place, utterances, cutting, progress)
        found = lines.name_all(found)
        problems += found
        _refuse_bad(place.base, found, skip_bad)
    corpus = place.corpus
    corpus = corpus.release(utterances) if corpus.release else corpus
    if not (partial or corpus.counts_from):
        _refuse_incomplete(source, corpus, place, utterances)
    earlier = read_earlier(target)
    replaced = Replaced.by(utterances, earlier)
    if replaced.gone and corpus.utterances is None and not (corpus.any_name or partial):
        raise CorpusError(
            f"{place.root}: {replaced.shrunk}; add --partial to replace the earlier ones by these"
        )

    prepared, converted, found = _convert(utterances, place, target, progress, lines)
    problems += found
    _refuse_bad(place.base, problems, skip_bad)
    if cutting is None:
        # Of two files of an utterance the second one is used if the first one is damaged.
        usable = {utterance.id for utterance in prepared}
        others = [each for name, each in second.items() if name not in usable]
        instead, of_them, found = _convert(others, place, target, progress, lines) if others else ([], [], [])
        used = {each.source or each.file for each in instead}
        problems = [each for each in problems if each.place not in used] + found
        prepared, converted, utterances = prepared + instead, converted + of_them, [*utterances, *others]
    problems += _notes(prepared, converted)
    if not prepared:
        worst = min(problems, key=lambda problem: problem.harmless)
        raise CorpusError(f"{place.root}: none of its {len(utterances)} files can be used; first: {worst}")
    problems += lines.name_all(_doubts(utterances, prepared, place))
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
        settings=_settings(source, place, cutting),
        replaced=replaced.with_audio(prepared, earlier),
        notice=corpus.notice or (place.options[0].notice if place.options else None),
    )
    result.path.unlink(missing_ok=True)  # it would be beside the facts of another one
    files.write_json(target / "corpus.json", result.to_dict())
    manifest.write(result.path, prepared)
    return result


def _refuse_incomplete(source: str, corpus: Corpus, place: Place, utterances: Sequence[Utterance]) -> None:
    """Refuse a copy that has fewer utterances than the released corpus."""
    differing = differences(corpus, utterances)
    if not differing or len(utterances) >= (corpus.utterances or 0):
        return
    more = find_more(place, len(utterances))
    remedy = f"{more[0]} holds {more[1]}: run `sercli prepare {source} {more[0]}`, or " if more else ""
    raise CorpusError(f"{place.root}: {'; '.join(differing)}; {remedy}add --partial to prepare what is there")


def _cut(
    place: Place, utterances: Sequence[Utterance], cutting: VoiceConfig | TurnList, progress: Progress
) -> tuple[Place, list[Utterance], list[Problem]]:
    """Cut recordings into turns; the corpus is then one whose utterances are cut out of their files."""
    cut, found = cut_into_turns(utterances, place.base, cutting, progress)
    if not cut and all(problem.harmless for problem in found):
        raise CorpusError(f"{place.root}: no turn of speech in any of its recordings")
    return replace(place, corpus=replace(place.corpus, cuts=True)), cut, found


def _settings(source: str, place: Place, cutting: VoiceConfig | TurnList | None) -> dict[str, Any]:
    """Return the options of a preparation for its record."""
    settings: dict[str, Any] = {"reader": source} | (place.options[0].to_dict() if place.options else {})
    if isinstance(cutting, TurnList):
        return settings | {"segments": cutting.path.name}
    return settings if cutting is None else settings | {"vad": cutting.to_dict()}


def _convert(
    utterances: Sequence[Utterance], place: Place, target: Path, progress: Progress, lines: TableLines
) -> tuple[list[Utterance], list[Converted], list[Problem]]:
    """Prepare the audio and the traces of the utterances; those that can't be used become problems."""
    prepared: list[Utterance] = []
    converted: list[Converted] = []
    problems: list[Problem] = []
    with closing(Conversion(place.base, target, cuts=place.corpus.cuts).run(utterances)) as outcomes:
        for done, (utterance, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, Problem):
                fault = place.corpus.faulty.get(utterance.id)
                known = Problem(outcome.place, f"{fault}; left out", harmless=True)
                problems.append(known if fault else lines.name(outcome, utterance))
            else:
                complete, found = add_trace(outcome.apply(utterance), utterance, place, target)
                problems += found
                if complete is not None:
                    converted.append(outcome)
                    prepared.append(complete)
            progress(done, len(utterances))
    return prepared, converted, problems


def _notes(utterances: Sequence[Utterance], converted: Sequence[Converted]) -> list[Problem]:
    """Report the changes of files beyond full scale, once for each file."""
    noted = {
        utterance.source or utterance.file: item.note
        for utterance, item in zip(utterances, converted, strict=True)
        if item.note
    }
    return [Problem(place, note, harmless=True) for place, note in noted.items()]


def _doubts(utterances: Sequence[Utterance], prepared: Sequence[Utterance], place: Place) -> list[Problem]:
    """Point out lengths, speakers, labels and copies that may be wrong."""
    lengths = Lengths(place.root.name)
    as_listed = {utterance.id: utterance for utterance in utterances}
    for utterance in prepared:
        lengths.add(as_listed[utterance.id], utterance)
    found: list[Problem] = [*lengths.notes(), *note_speakers(prepared), *note_copies(prepared)]
    if place.corpus.scale is not None and not place.corpus.any_name:
        found += note_ratings(prepared, place.corpus.scale)
    if place.corpus.any_name:
        found += note_labels(prepared)
        found += note_unused(getattr(place.options[0], "map", {}), utterances)
    return found


def _refuse_bad(base: Path, problems: Sequence[Problem], skip_bad: bool) -> None:
    """Raise an error for problems that lose data: the first one, and the first ones of other kinds."""
    bad = [problem for problem in problems if not problem.harmless]
    if not bad or skip_bad:
        return
    others = list(
        {problem.fact: problem for problem in reversed(bad) if problem.fact != bad[0].fact}.values()
    )
    also = "".join(f"; {problem}" for problem in others[::-1][:3])
    more = len(bad) - 1 - min(len(others), 3)
    counted = f" (and {more} more)" if more else ""
    raise CorpusError(f"{base / bad[0].place}: {bad[0].fact}{also}{counted}; correct it, or add --skip-bad")
