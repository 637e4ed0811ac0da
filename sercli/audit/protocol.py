"""Divisions of a prepared corpus under a protocol."""

from collections.abc import Sequence

from sercli.audit import Division, ListedUtterance
from sercli.corpora import corpus_names, get_corpus
from sercli.protocols import Protocol, UnknownSpeakers, fold_digest, get_protocol
from sercli.records import PARTS, Fold, Utterance
from sercli.schemes import LabelSource, Scheme, choose
from sercli.unions import union_name
from sercli.workspace import Workspace


def from_protocol(
    workspace: Workspace,
    corpus: str,
    scheme: str | Scheme | None,
    protocol: str | None,
    unknown_speakers: UnknownSpeakers | None = None,
    labels: LabelSource | None = None,
) -> tuple[str, list[Division]]:
    """Divide a prepared corpus.

    Args:
        workspace: workspace of the corpus.
        corpus: its name.
        scheme: scheme or its name; the protocol's own if not given, otherwise the corpus's first.
        protocol: protocol, which makes the folds; the corpus's own if not given.
        unknown_speakers: how the protocol treats utterances of unknown speakers.
        labels: source of the labels, in place of that of the scheme.

    Returns:
        Description of corpus, scheme and protocol, and a division for each fold.

    Raises:
        CorpusError: it is not prepared.
        ConfigError: it has no labels, or the scheme is for another corpus.
        ProtocolError: the folds can't be made.
    """
    corpus = union_name(corpus)
    facts = workspace.facts(corpus)
    utterances = workspace.utterances(corpus)
    chosen = get_protocol(protocol or str(facts["protocol"]))
    if unknown_speakers:
        chosen = chosen.with_unknown_speakers(unknown_speakers)
    name, selection = choose(utterances, corpus, scheme or chosen.scheme, labels=labels)
    folds = chosen.divide(utterances, selection.labels)
    title = f"{corpus}, {name}, {chosen.name} (digest {fold_digest(folds)}): {len(folds)} folds"
    return title, divisions(utterances, folds, chosen)


def divisions(utterances: Sequence[Utterance], folds: Sequence[Fold], protocol: Protocol) -> list[Division]:
    """Make a division of each fold, with the reasons why its parts may share something."""
    by_id = {utterance.id: utterance for utterance in utterances}
    corpora = {utterance.corpus for utterance in utterances}
    own = {name: get_corpus(name).shares for name in sorted(corpora & set(corpus_names()))}
    joined = len(corpora) > 1
    return [
        Division(
            fold.name,
            {part: [_item(by_id[name]) for name in getattr(fold, part)] for part in PARTS},
            protocol.shares if joined else {**protocol.shares, **own.get(utterances[0].corpus, {})},
            own if joined else {},
            joined=joined,
        )
        for fold in folds
    ]


def _item(utterance: Utterance) -> ListedUtterance:
    return ListedUtterance(utterance, utterance.speaker)
