"""A corpus as distributed, turned into a manifest and 16 kHz mono audio in the workspace.

The prepared corpus is a folder: ``manifest.jsonl``, ``audio/`` and ``corpus.json`` (what was
found, what was missing, what was skipped). The manifest appears last and whole, so a preparation
that was interrupted is never taken for finished; run again, it goes on where it stopped.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

import sercli
from sercli import files, manifest
from sercli.corpora import Corpus, corpus_names, get_corpus
from sercli.errors import CorpusError
from sercli.preparation.convert import Conversion, Converted
from sercli.preparation.counts import differences
from sercli.records import Problem, Utterance
from sercli.workspace import Workspace

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a preparation did.

    Attributes:
        corpus: name of the corpus.
        path: the manifest.
        utterances: those prepared, as in the manifest.
        expected: how many the released corpus holds.
        differences: how the corpus differs from the released one, a line each.
        problems: what was skipped or passed over.
        resampled: how many files were resampled or mixed down to mono.
        reused: how many were already there from an earlier preparation.
    """

    corpus: str
    path: Path
    utterances: tuple[Utterance, ...]
    expected: int
    differences: tuple[str, ...]
    problems: tuple[Problem, ...]
    resampled: int
    reused: int

    @property
    def hours(self) -> float:
        """Length of the prepared audio in hours."""
        return sum(utterance.duration for utterance in self.utterances) / 3600


def prepare(
    name: str,
    root: Path | None,
    workspace: Workspace,
    *,
    partial: bool = False,
    skip_bad: bool = False,
    progress: Progress = lambda done, total: None,
) -> Preparation:
    """Prepare a corpus.

    Args:
        name: name of the corpus.
        root: the corpus as distributed; ``None`` for one that is generated.
        workspace: where the prepared corpus goes.
        partial: take an incomplete copy.
        skip_bad: leave out files that can't be used, and list them.
        progress: called with the number of files done and to do.

    Raises:
        CorpusError: the folder is missing, empty or holds another corpus; it is incomplete and
            ``partial`` is not set; a file can't be used and ``skip_bad`` is not set; another
            preparation of the same corpus is at work.
    """
    corpus = get_corpus(name)
    target = workspace.corpus(name)
    target.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(target / ".lock", timeout=0):
            if corpus.generate is None:
                return _prepare(name, corpus, _checked(name, root), target, partial, skip_bad, progress)
            if root is not None:
                raise CorpusError(f"{root}: corpus '{name}' is generated; leave the path out")
            for left in target.glob(".generated-*"):  # by one that was killed
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(prefix=".generated-", dir=target) as folder:
                corpus.generate(Path(folder))
                return _prepare(name, corpus, Path(folder), target, partial, skip_bad, progress)
    except Timeout:
        raise CorpusError(f"{target}: another `sercli prepare {name}` is at work on it") from None


def _checked(name: str, root: Path | None) -> Path:
    if root is None:
        raise CorpusError(f"corpus '{name}': say where it lies, `sercli prepare {name} PATH`")
    if not root.exists():
        raise CorpusError(f"{root}: no such folder; give the folder of corpus '{name}' as distributed")
    if not root.is_dir():
        raise CorpusError(f"{root}: not a folder; give the folder of corpus '{name}' as distributed")
    return root


def _prepare(
    name: str, corpus: Corpus, root: Path, target: Path, partial: bool, skip_bad: bool, progress: Progress
) -> Preparation:
    found = list(corpus.parse(root))
    first: dict[str, Utterance] = {}
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Problem):
            problems.append(item)
        elif item.id in first:
            problems.append(Problem(item.file, f"the same utterance as {first[item.id].file}"))
        else:
            first[item.id] = item
    utterances = list(first.values())
    if not utterances:
        raise CorpusError(_nothing_found(name, corpus, root, problems))
    _refuse_bad(root, problems, skip_bad)
    differing = differences(corpus, utterances)
    if differing and not partial and len(utterances) < corpus.utterances:
        raise CorpusError(f"{root}: {'; '.join(differing)}; add --partial to prepare what is there")

    conversion = Conversion(root, target)
    prepared: list[Utterance] = []
    converted: list[Converted] = []
    with closing(conversion.run(utterances)) as outcomes:
        for done, (utterance, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, Problem):
                problems.append(outcome)
            else:
                converted.append(outcome)
                prepared.append(_place_trace(outcome.apply(utterance), root, target))
            progress(done, len(utterances))
    _refuse_bad(root, problems, skip_bad)
    if not prepared:
        raise CorpusError(f"{root}: none of its {len(utterances)} files can be read; first: {problems[0]}")

    path = target / "manifest.jsonl"
    result = Preparation(
        corpus=name,
        path=path,
        utterances=tuple(prepared),
        expected=corpus.utterances,
        differences=tuple(differences(corpus, prepared)),
        problems=tuple(problems),
        resampled=sum(item.resampled for item in converted),
        reused=sum(item.reused for item in converted),
    )
    files.write_json(target / "corpus.json", _describe(corpus, result))
    manifest.write(path, prepared)
    return result


def _place_trace(utterance: Utterance, root: Path, target: Path) -> Utterance:
    """Copy the file of continuous labels, if there is one, beside the audio."""
    if utterance.trace is None:
        return utterance
    place = f"traces/{Path(utterance.trace).name}"
    with files.replacing(target / place) as temporary:
        shutil.copyfile(root / utterance.trace, temporary)
    return replace(utterance, trace=place)


def _refuse_bad(root: Path, problems: Sequence[Problem], skip_bad: bool) -> None:
    bad = [problem for problem in problems if not problem.harmless]
    if bad and not skip_bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise CorpusError(f"{root / bad[0].place}: {bad[0].fact}{more}; mend it, or go on with --skip-bad")


def _nothing_found(name: str, corpus: Corpus, root: Path, problems: Sequence[Problem]) -> str:
    for other in corpus_names():
        candidate = get_corpus(other)
        if other == name or candidate.generate is not None:
            continue
        if any(isinstance(item, Utterance) for item in candidate.parse(root)):
            return f"{root}: not corpus '{name}' but '{other}'; run `sercli prepare {other} {root}`"
    if not any(root.iterdir()):
        return f"{root}: the folder is empty; corpus '{name}' lies as {corpus.layout} below it"
    first = f" (first of {len(problems)} foreign files: {problems[0].place})" if problems else ""
    return f"{root}: no recordings of corpus '{name}', which lie as {corpus.layout} below it{first}"


def _describe(corpus: Corpus, result: Preparation) -> dict[str, object]:
    return {
        "corpus": result.corpus,
        "title": corpus.title,
        "source": corpus.source,
        "licence": corpus.licence,
        "notice": corpus.notice,
        "utterances": len(result.utterances),
        "expected": result.expected,
        "hours": round(result.hours, 4),
        "emotions": dict(sorted(Counter(u.emotion or "none" for u in result.utterances).items())),
        "speakers": dict(sorted(Counter(u.speaker or "none" for u in result.utterances).items())),
        "differences": list(result.differences),
        "problems": [str(problem) for problem in result.problems],
        "resampled": result.resampled,
        "sercli": sercli.__version__,
    }
