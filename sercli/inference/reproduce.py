"""Evaluate an exported bundle again on the user's copy of the corpus, and check its stated metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch

from sercli.bundle import Bundle
from sercli.errors import ProtocolError, RunError
from sercli.evaluation import pooled_values, stated_metrics
from sercli.evaluation.metrics import Unit
from sercli.inference._claim import Claim, Stated, read_claim, to_number
from sercli.inference.stored import Progress, Stored
from sercli.protocols import Protocol, fold_digest, get_protocol, is_untested, parse_list_name
from sercli.records import Fold, Utterance
from sercli.runs import provenance
from sercli.schemes import Selection, choose, scheme_name
from sercli.workspace import Workspace

EXACT: Mapping[Unit, float] = {"share": 1e-6, "plain": 1e-4}
"""Largest difference between equal values, by unit.

A share is computed from whole numbers. A plain number, such as a CCC, is computed from values that another
machine or a GPU rounds differently; as many digits of it are printed.
"""


class Verdict(StrEnum):
    """Verdicts on one metric, or on all that a bundle states; from best to worst."""

    EXACT = "holds exactly"
    AT_HAND = "holds on the utterances that are here"
    INTERVAL = "holds within the stated interval"
    TOLERANCE = "holds within the tolerance"
    NOT = "does not hold"


_ORDER = list(Verdict)


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric.

    Attributes:
        name: UA, WA, a recall, or a CCC.
        stated: in the bundle; ``None`` where it is undefined.
        found: value found here; ``None`` if it is undefined.
        interval: stated, of 95 %, over speakers.
        verdict: ``None`` if the metric is only shown.
        unit: of the metric.
    """

    name: str
    stated: float | None
    found: float | None
    interval: tuple[float, float] | None
    verdict: Verdict | None
    unit: Unit = "share"

    @property
    def same(self) -> bool:
        """Whether both are equal but for rounding."""
        if self.stated is None or self.found is None:
            return self.stated is self.found
        return abs(self.stated - self.found) <= EXACT[self.unit]


@dataclass(frozen=True, slots=True, eq=False)
class Reproduced:
    """What a second evaluation found.

    Attributes:
        what: the model: architecture, scheme, protocol, fold, seed.
        corpus: the prepared corpus.
        fold: name of the fold whose test part was tested.
        counted: what was tested, utterances or recordings.
        stated_count: how many are stated.
        count: how many were tested here.
        figures: those that decide first, then recalls by class.
        verdict: on all of them.
        notes: differences from the original evaluation.
    """

    what: str
    corpus: str
    fold: str
    counted: str
    stated_count: int
    count: int
    figures: tuple[Compared, ...]
    verdict: Verdict
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the stated metrics hold."""
        return self.verdict is not Verdict.NOT

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {
            "what": self.what,
            "corpus": self.corpus,
            "fold": self.fold,
            "holds": self.holds,
            "verdict": str(self.verdict),
            self.counted: {"stated": self.stated_count, "here": self.count},
            "figures": [
                {
                    "name": each.name,
                    "stated": each.stated,
                    "interval": each.interval,
                    "here": each.found,
                    "verdict": None if each.verdict is None else str(each.verdict),
                }
                for each in self.figures
            ],
            "notes": list(self.notes),
        }


def reproduce(
    path: Path,
    workspace: Workspace,
    *,
    lists: Path | None = None,
    tolerance: float = 0.0,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Reproduced:
    """Evaluate a bundle on its fold's test part, as the training did, and compare the metrics.

    Args:
        path: the bundle, as `sercli export` wrote it.
        workspace: workspace that holds the user's copy of the corpus.
        lists: the user's copy of the list of folds, if the protocol is a list.
        tolerance: largest accepted difference of UA, WA or CCC from the stated value.
        device: where the network is applied, in 32-bit floats.
        progress: called with the number of utterances whose features are computed, and of all of them.

    Raises:
        RunError: the bundle is damaged or states no metric of its own, or nothing of its test part is here.
        CorpusError: the corpus is not prepared.
        ConfigError: the scheme does not fit the corpus.
        ProtocolError: the fold can't be made of the utterances that are here.
    """
    bundle = Bundle.load(path)
    if is_untested(bundle.facts.get("protocol")):
        raise RunError(
            f"{path}: trained on all of its corpus and not tested, so it has no metric to reproduce; the "
            "metrics in its card are of other networks: reproduce a bundle of one of these"
        )
    claim = read_claim(bundle, path)
    part = _find_part(bundle, claim, path, workspace, lists)
    stored = Stored.open(bundle, claim.corpus, part.tested, workspace, progress)
    predictions = stored.predict(part.selection, part.fold.name, claim.seed, device)
    found = pooled_values(predictions, stated_metrics(bundle.outputs))
    same_count = len(part.tested) == claim.count
    same = (part.manifest_sha256, fold_digest(part.folds)) == (claim.manifest_sha256, claim.protocol_digest)
    figures = tuple(
        _judge(claim.figures, found, tolerance, same_count=same_count, same_corpus=same and same_count)
    )
    return Reproduced(
        what=f"{bundle.arch}, scheme {scheme_name(claim.scheme)}, {claim.protocol}, fold {claim.fold} "
        f"({claim.fold_name}), seed {claim.seed}",
        corpus=claim.corpus,
        fold=part.fold.name,
        counted=f"{predictions.noun}s",
        stated_count=claim.count,
        count=len(part.tested),
        figures=figures,
        verdict=max((each.verdict for each in figures if each.verdict), key=_ORDER.index),
        notes=tuple(_notes(claim, part)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _TestPart:
    """The test part of the bundle's fold in one's own copy of the corpus.

    Attributes:
        utterances: of the complete corpus.
        manifest_sha256: digest of its manifest.
        selection: the scheme's.
        folds: all folds of the protocol.
        fold: the one that is tested.
        tested: its utterances whose class the network has.
        foreign: how many have another class.
    """

    utterances: Sequence[Utterance]
    manifest_sha256: str
    selection: Selection
    folds: Sequence[Fold]
    fold: Fold
    tested: Sequence[Utterance]
    foreign: int


def _find_part(
    bundle: Bundle, claim: Claim, path: Path, workspace: Workspace, lists: Path | None
) -> _TestPart:
    """Find the test part of the bundle's fold in one's own copy of the corpus."""
    utterances = workspace.utterances(claim.corpus)
    _, selection = choose(utterances, claim.corpus, claim.scheme, partial=True)
    protocol = _protocol(claim, path, lists)
    folds = protocol.divide(utterances, selection.labels)
    fold = _fold(claim, protocol, folds, claim.corpus)
    tested, foreign = _tested(bundle, fold, utterances, selection)
    if not tested:
        raise RunError(
            f"{claim.corpus}: nothing of fold '{claim.fold_name}' is here to test; prepare the complete "
            "corpus"
        )
    sha256 = workspace.manifest_digest(claim.corpus)
    return _TestPart(utterances, sha256, selection, folds, fold, tested, foreign)


def _protocol(claim: Claim, path: Path, lists: Path | None) -> Protocol:
    listed = parse_list_name(claim.protocol)
    if listed is None:
        if lists is not None:
            raise ProtocolError(
                f"{path}: its protocol is {claim.protocol}, no list of folds; leave --lists out"
            )
        return get_protocol(claim.protocol)
    if listed.digest is None or listed.version is None:
        raise ProtocolError(f"{path}: '{claim.protocol}' is no list with a digest; get the bundle again")
    if lists is None:
        # Not the maker's path: what lies there on this machine, a bundle must not choose.
        raise ProtocolError(
            f"{path}: its folds are in a list of its author (digest {listed.digest}); name your copy "
            "with --lists PATH"
        )
    return get_protocol(f"lists:{lists}#{listed.digest}@{listed.version}")


def _fold(claim: Claim, protocol: Protocol, folds: Sequence[Fold], corpus: str) -> Fold:
    """Find the fold that was tested; where folds differ, by its name, if the name identifies its speakers."""
    if fold_digest(folds) == claim.protocol_digest and 1 <= claim.fold <= len(folds):
        return folds[claim.fold - 1]
    if not protocol.speaker_independent and not protocol.listed:
        raise ProtocolError(
            f"{corpus}: {claim.protocol} divides other utterances otherwise, so the test part here would "
            "hold some that the model was trained on; prepare the complete corpus"
        )
    for fold in folds:
        if fold.name == claim.fold_name:
            return fold
    known = ", ".join(fold.name for fold in folds[:24])
    raise ProtocolError(
        f"{corpus}: there is no fold '{claim.fold_name}' among "
        f"{known}; prepare the complete corpus, or the one "
        "that the model was trained on"
    )


def _tested(
    bundle: Bundle, fold: Fold, utterances: Sequence[Utterance], selection: Selection
) -> tuple[list[Utterance], int]:
    """List the utterances of the test part, and count those whose class the network has not."""
    by_id = {utterance.id: utterance for utterance in utterances}
    known = [name for name in fold.test if not bundle.classes or selection.labels[name] in bundle.classes]
    return [by_id[name] for name in known], len(fold.test) - len(known)


def _judge(
    stated: Sequence[Stated],
    found: Mapping[str, float],
    tolerance: float,
    *,
    same_count: bool,
    same_corpus: bool,
) -> Iterator[Compared]:
    """Compare metric by metric; recalls decide only if everything else is the same."""
    pairs = [
        Compared(each.name, each.value, to_number(found.get(each.key)), each.interval, None, each.unit)
        for each in stated
    ]
    decide = [pair for pair, each in zip(pairs, stated, strict=True) if each.decides]
    all_same = same_count and all(pair.same for pair in decide)
    for pair, each in zip(pairs, stated, strict=True):
        judged = each.decides or all_same
        verdict = (
            _verdict(pair, tolerance, same_count=same_count, same_corpus=same_corpus) if judged else None
        )
        yield replace(pair, verdict=verdict)


def _verdict(pair: Compared, tolerance: float, *, same_count: bool, same_corpus: bool) -> Verdict:
    if pair.same:
        return Verdict.EXACT if same_count else Verdict.AT_HAND
    if pair.stated is None or pair.found is None:
        return Verdict.NOT
    # On the very corpus of the maker nothing is left to chance, so the interval excuses nothing there.
    low, high = pair.interval or (1.0, 0.0)
    if not same_corpus and low <= pair.found <= high and low <= pair.stated <= high:
        return Verdict.INTERVAL
    return Verdict.TOLERANCE if abs(pair.stated - pair.found) <= tolerance else Verdict.NOT


def _notes(claim: Claim, part: _TestPart) -> Iterator[str]:
    """List the differences from the original evaluation."""
    utterances, manifest_sha256, tested = part.utterances, part.manifest_sha256, len(part.tested)
    if manifest_sha256 != claim.manifest_sha256:
        count = (
            f"{len(utterances)} utterances here, {claim.utterances} there"
            if len(utterances) != claim.utterances
            else f"as many utterances ({claim.utterances}), but audio, labels or speakers differ"
        )
        yield (
            f"not the corpus of the training: manifest {manifest_sha256[:8]} here, "
            f"{claim.manifest_sha256[:8]} there; {count}"
        )
    folds = fold_digest(part.folds)
    if folds != claim.protocol_digest:
        yield (
            f"other folds: digest {folds} here, {claim.protocol_digest} there; the fold was found by its name"
        )
    if tested < claim.count:
        yield f"{claim.count - tested} of the {claim.count} that were tested there are missing here"
    elif tested > claim.count:
        yield f"{tested - claim.count} more are tested here than there"
    if part.foreign:
        yield f"{part.foreign} of the test part have a class that the model lacks, and are left out"
    here = provenance.versions()
    differing = [
        f"{name} {here[name]} here, {version} there"
        for name, version in claim.versions.items()
        if here.get(name, version) != version
    ]
    if differing:
        yield f"other versions: {'; '.join(differing)}"
    commit = provenance.commit()
    if commit and claim.commit and commit != claim.commit:
        yield f"another state of sercli: commit {commit} here, {claim.commit} there"
    if claim.several:
        yield "the pooled metrics of its run need the other models of the run too, and were not checked"
