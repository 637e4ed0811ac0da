"""Divisions of a prepared corpus under a protocol."""

from collections.abc import Sequence

from sercli import manifest
from sercli.audit import PARTS, Division, Item
from sercli.corpora import corpus_names, get_corpus
from sercli.protocols import Protocol, fold_digest, get_protocol
from sercli.records import Fold, Utterance
from sercli.schemes import choose
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
        CorpusError: it is not prepared.
        ConfigError: it has no labels, or the scheme is another corpus's.
        ProtocolError: the folds can't be made.
    """
    facts = workspace.facts(corpus)
    utterances = manifest.read(workspace.require(corpus))
    chosen = get_protocol(protocol or str(facts["protocol"]))
    name, selection = choose(utterances, corpus, scheme or chosen.scheme)
    folds = chosen.divide(utterances, selection.labels)
    what = f"{corpus}, {name}, {chosen.name} (digest {fold_digest(folds)}): {len(folds)} folds"
    return what, divisions(utterances, folds, chosen)


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
