"""Divisions of a prepared corpus under a protocol."""

from collections.abc import Mapping, Sequence

from sercli import manifest
from sercli.audit import PARTS, Division, Item
from sercli.corpora import corpus_names, get_corpus
from sercli.errors import CorpusError
from sercli.protocols import Protocol, fold_digest, get_protocol
from sercli.records import Fold, Utterance
from sercli.schemes import get_scheme, schemes_of
from sercli.workspace import Workspace


def from_protocol(
    workspace: Workspace, corpus: str, scheme: str | None, protocol: str | None
) -> tuple[str, list[Division]]:
    """Divide a prepared corpus.

    Args:
        workspace: where it lies.
        corpus: its name.
        scheme: which utterances; the protocol's own, else the corpus's first, if not given.
        protocol: which folds; the corpus's own if not given.

    Returns:
        What was divided how, in words, and the folds.

    Raises:
        CorpusError: it is not prepared, or has no classes.
        ProtocolError: the folds can't be made.
    """
    facts = workspace.facts(corpus)
    utterances = manifest.read(workspace.require(corpus))
    chosen = get_protocol(protocol or str(facts["protocol"]))
    name, labels = labels_of(utterances, corpus, scheme or chosen.scheme)
    folds = chosen.divide(utterances, labels)
    what = f"{corpus}, {name}, {chosen.name} (digest {fold_digest(folds)}): {len(folds)} folds"
    return what, divisions(utterances, folds, chosen)


def labels_of(
    utterances: Sequence[Utterance], corpus: str, scheme: str | None
) -> tuple[str, Mapping[str, str]]:
    """Return the name of a scheme and what it selects; of a corpus with traces alone, all of it.

    Raises:
        CorpusError: there are neither emotions nor traces.
    """
    if all(utterance.emotion is None for utterance in utterances):
        if scheme is not None or any(utterance.trace is None for utterance in utterances):
            raise CorpusError(f"corpus '{corpus}' has no emotions, so no scheme selects any of it")
        return "continuous labels", {utterance.id: "" for utterance in utterances}
    chosen = get_scheme(scheme or schemes_of(corpus)[0])
    return chosen.name, chosen.select(utterances).labels


def divisions(utterances: Sequence[Utterance], folds: Sequence[Fold], protocol: Protocol) -> list[Division]:
    """Give each fold its utterances, and what they may share."""
    by_id = {utterance.id: utterance for utterance in utterances}
    corpus = utterances[0].corpus
    shares = dict(protocol.shares)
    if corpus in corpus_names():
        shares |= get_corpus(corpus).shares
    return [
        Division(
            fold.name,
            {part: [_item(by_id[name]) for name in getattr(fold, part)] for part in PARTS},
            shares,
        )
        for fold in folds
    ]


def _item(utterance: Utterance) -> Item:
    return Item(utterance, utterance.speaker)
