"""Apply all finished trials of a run to a corpus that it was not trained on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sercli.bundle import Bundle, earlier_trainings
from sercli.errors import ConfigError, RunError, list_some
from sercli.evaluation.mapping import ClassMapping, map_classes
from sercli.inference.stored import Progress, Stored
from sercli.records import Predictions, Utterance, pool
from sercli.runs.folder import Run, Trial
from sercli.schemes import ALL, LabelSource, Scheme, Selection, choose, default_scheme, get_scheme
from sercli.schemes.reading import from_plain
from sercli.tasks import Outputs
from sercli.unions import MARK, common_corpora, union_name
from sercli.workspace import Workspace

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """Predictions of the networks of a run for another corpus.

    Attributes:
        run: the run.
        trials: whose networks were applied.
        corpus: the other corpus, or a union of several.
        scheme: which of its utterances, and which classes they have.
        manifest_sha256: digest of its manifest.
        trained_on: the corpus of the training.
        before: corpora of earlier trainings of its weights, the first one first.
        unheard: those corpora, each of a union for itself, whose audio is not in the workspace, so that it
            may be among the tested.
        predictions: of all trials, one after the other.
        mapping: from classes of the model to classes of the corpus; none for continuous labels.
        tested: number of tested utterances, by class of the corpus.
        left_out: number of utterances that were not tested, by reason.
    """

    run: Run
    trials: tuple[Trial, ...]
    corpus: str
    scheme: str
    manifest_sha256: str
    trained_on: str
    predictions: Predictions
    mapping: ClassMapping | None
    tested: Mapping[str, int]
    left_out: Mapping[str, int]
    before: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()


def apply_run(
    run: Run,
    corpus: str,
    workspace: Workspace | Path | str,
    scheme: str | Scheme | None = None,
    *,
    labels: LabelSource | None = None,
    keep_foreign: bool = False,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Applied:
    """Apply the network of each finished trial to all utterances that a scheme selects.

    Args:
        run: the run.
        corpus: a prepared corpus, or a union, that has no corpus of the training.
        workspace: workspace of corpora and features, or its folder.
        scheme: of the other corpus, or its name; its default one if none.
        labels: source of the labels, in place of that of the scheme.
        keep_foreign: keep predictions of classes that the corpus does not have, as mistakes.
        device: where the networks are applied.
        progress: called with the number of utterances whose features are computed, and of all of them.

    Raises:
        RunError: no trial is finished, or a bundle is damaged.
        ConfigError: it is the corpus of the training; the scheme does not fit it or the networks; or
            too few classes are shared.
        CorpusError: the corpus is not prepared.
    """
    workspace = Workspace(workspace)
    trials = run.require_finished()
    first = Bundle.load(trials[0].bundle)
    corpus = union_name(corpus)
    before = _trained_before(run, trials[0], first)
    _refuse_known(run, str(first.facts["corpus"]), before, corpus)
    utterances = workspace.utterances(corpus)
    _check_scale(first, corpus, workspace)
    name, selection = _select(first, utterances, corpus, scheme, labels)
    mapping = _map(run, first, selection, keep_foreign=keep_foreign)
    trainings = [*before, str(first.facts["corpus"])]
    known = dict.fromkeys(part for each in trainings for part in each.split(MARK))
    chosen, left_out = _choose(utterances, selection, mapping, _audio_of(known, workspace))
    if not chosen:
        reasons = list_some([f"{count} {why}" for why, count in left_out.items()], _SHOWN)
        raise ConfigError(
            f"{corpus}, scheme '{name}': nothing is left to test ({reasons}); choose another scheme or corpus"
        )

    def apply(trial: Trial) -> Predictions:
        stored = Stored.open(Bundle.load(trial.bundle), corpus, chosen, workspace, progress)
        fold = str(trial.metrics()["fold_name"])
        return stored.predict(selection, fold, trial.seed, device, mapping)

    return Applied(
        run=run,
        trials=tuple(trials),
        corpus=corpus,
        scheme=name,
        manifest_sha256=workspace.manifest_digest(corpus),
        trained_on=str(first.facts["corpus"]),
        predictions=pool([apply(trial) for trial in trials]),
        mapping=mapping,
        tested=dict(Counter(selection.labels[utterance.id] for utterance in chosen)),
        left_out=left_out,
        before=tuple(before),
        unheard=tuple(each for each in known if not workspace.is_prepared(each)),
    )


def _refuse_known(run: Run, own: str, before: Sequence[str], corpus: str) -> None:
    """Refuse a corpus that the networks were trained on, by themselves or before."""
    if common := common_corpora(own, corpus):
        raise ConfigError(
            f"{run.name} was trained on '{common[0]}': name another corpus; of its own, "
            f"`sercli eval {run.name}` without --on evaluates the parts that were kept for the test, if any"
        )
    if common := common_corpora(MARK.join(before), corpus):
        raise ConfigError(
            f"{run.name} started from weights that went through {', then '.join(before)}: '{common[0]}' is "
            "no other corpus; name one that is, or train without --init"
        )


def _trained_before(run: Run, trial: Trial, bundle: Bundle) -> list[str]:
    """List the corpora of all trainings that a network's weights went through before its own.

    Raises:
        ConfigError: it started from weights whose earlier trainings are not known.
        RunError: what is recorded of it is damaged.
    """
    facts, init, place = bundle.facts, trial.settings().get("init"), trial.bundle
    found: list[str] = []
    if "started_from" not in facts:  # by a sercli that did not record it
        if not init:
            return []
        place = Path(str(init).rpartition("#")[0])
        try:
            facts = Bundle.load(place).facts
            found = [str(facts["corpus"])]
        except (RunError, KeyError) as error:
            raise ConfigError(
                f"{run.name} started from a bundle, and no record says what that was trained on ({error}); "
                "put it back, or train again"
            ) from None
    return [each["corpus"] for each in earlier_trainings(facts, place)] + found


def _select(
    bundle: Bundle,
    utterances: Sequence[Utterance],
    corpus: str,
    scheme: str | Scheme | None,
    labels: LabelSource | None,
) -> tuple[str, Selection]:
    outputs = bundle.outputs
    if scheme is None and outputs.dimensions:
        scheme = _scheme_of_values(bundle)
    name, selection = choose(utterances, corpus, scheme, labels=labels)
    there = selection.outputs
    if there.task is not outputs.task or there.dimensions != outputs.dimensions:
        raise ConfigError(
            f"scheme '{name}' gives {_describe(there)}, the run predicts {_describe(outputs)}; choose "
            "another scheme or corpus"
        )
    return name, selection


def _check_scale(bundle: Bundle, corpus: str, workspace: Workspace) -> None:
    """Refuse a corpus whose ratings are on another scale than those that a bundle learned.

    Raises:
        ConfigError: both scales are known, and they differ.
    """
    own = bundle.facts.get("scale")
    there = workspace.facts(corpus).get("ratings", {}).get("scale")
    if bundle.outputs.dimensions and own and there and list(own) != list(there):
        raise ConfigError(
            f"the ratings of {corpus} are from {there[0]:g} to {there[1]:g}, those that the run learned from "
            f"{own[0]:g} to {own[1]:g}; choose a corpus with ratings on the same scale"
        )


def _scheme_of_values(bundle: Bundle) -> str | Scheme:
    """Return a scheme for any corpus with the dimensions that a bundle predicts, and every class."""
    if bundle.outputs.per_frame:
        return default_scheme(str(bundle.facts["corpus"]), emotions=False, traces=True)
    recorded = get_scheme(bundle.facts["scheme"])
    codes = {each.field: dict(each.codes) or None for each in recorded.targets}
    plain: dict[str, Any] = {"targets": {name: codes.get(name) for name in bundle.outputs.dimensions}}
    return from_plain({**plain, "classes": ALL} if bundle.classes else plain)


def _describe(outputs: Outputs) -> str:
    """Name what outputs are, for a message."""
    if outputs.per_frame:
        return "continuous labels (traces)"
    parts = ["classes"] if outputs.classes else []
    if outputs.dimensions:
        parts.append(f"values of {', '.join(outputs.dimensions)} for utterances")
    return " and ".join(parts)


def _map(run: Run, bundle: Bundle, selection: Selection, *, keep_foreign: bool) -> ClassMapping | None:
    """Map the network's classes to those of the other corpus; there is no mapping for values."""
    if bundle.classes:
        return map_classes(bundle.classes, selection.classes, keep_foreign=keep_foreign)
    if keep_foreign:
        raise ConfigError(f"{run.name} predicts no classes, so there are none to keep")
    return None


def _audio_of(corpora: Iterable[str], workspace: Workspace) -> frozenset[str]:
    """List the hashes of the audio of those corpora that are in the workspace."""
    there = [corpus for corpus in corpora if workspace.is_prepared(corpus)]
    return frozenset(each.sha256 for corpus in there for each in workspace.utterances(corpus))


def _choose(
    utterances: Sequence[Utterance],
    selection: Selection,
    mapping: ClassMapping | None,
    heard: frozenset[str],
) -> tuple[list[Utterance], dict[str, int]]:
    """Choose the utterances that can be tested, and count the others by reason."""
    chosen = []
    left_out = Counter(selection.left_out)
    for utterance in utterances:
        label = selection.labels.get(utterance.id)
        if label is None:
            continue
        if mapping is not None and mapping.of_corpus[label] is None:
            left_out[label] += 1
        elif utterance.sha256 in heard:
            left_out["also in the corpus of the training"] += 1
        else:
            chosen.append(utterance)
    return chosen, dict(sorted(left_out.items()))
