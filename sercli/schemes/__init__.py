"""Schemes: which utterances of a corpus are used, and with which classes.

A corpus reader maps the corpus's own spelling to a noun of `sercli.labels` once. A scheme selects
utterances and merges nouns into classes. It is applied late, when a protocol or a training needs it:
the manifest always holds every utterance with its own emotion. A scheme may also name dimensions, such as
arousal, whose values a network learns, in place of classes or beside them. The scheme ``arousal-valence``
selects the utterances with continuous labels.

The schemes for any corpus are defined here, those for one corpus in its file, ``corpora/<name>.py``.
Schemes of the user's own are the same records; `sercli.schemes.reading` reads them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sercli.errors import ConfigError, SerError, list_some, unknown
from sercli.raters import labels_of
from sercli.records import Utterance
from sercli.schemes.scheme import ALL, LabelSource, Scheme, Selection, keep
from sercli.schemes.targets import RATED, Target
from sercli.unions import is_union

__all__ = [
    "ALL",
    "CALM_IS_NEUTRAL",
    "EVERY_DIMENSION",
    "EVERY_EMOTION",
    "FOUR",
    "LabelSource",
    "Scheme",
    "Selection",
    "choose",
    "default_scheme",
    "get_scheme",
    "keep",
    "scheme_name",
    "scheme_names",
    "schemes_of",
]

_SHOWN = 12

FOUR = keep("anger", "happiness", "neutral", "sadness")
"""The four emotions that most corpora have, each as a class."""
CALM_IS_NEUTRAL = {"calm": "neutral"}
"""Merges calm into neutral."""

EVERY_EMOTION = "every-emotion"
"""Name of the scheme in which each emotion is a class."""

EVERY_DIMENSION = "dimensions"
"""Name of the scheme that learns arousal, valence and dominance of utterances, as far as rated."""

_OF_UNIONS = "common-4"
_GENERAL = {
    scheme.name: scheme
    for scheme in (
        Scheme(EVERY_EMOTION, None, None),
        Scheme(_OF_UNIONS, None, FOUR | CALM_IS_NEUTRAL),
        Scheme("arousal-valence", None, {}, traces=True),
        Scheme(EVERY_DIMENSION, None, {}, targets=tuple(map(Target, RATED))),
    )
}


def scheme_names() -> list[str]:
    """List the schemes by name: those of each corpus, then the general ones."""
    from sercli.corpora import loadable_corpora

    made_for_one = [scheme.name for _, corpus in loadable_corpora() for scheme in corpus.schemes]
    return [*made_for_one, *_GENERAL]


def get_scheme(name: str | Mapping[str, Any] | Scheme) -> Scheme:
    """Return a scheme by name, or from what a run or a bundle recorded; no file is opened.

    Raises:
        UnknownNameError: there is none of that name.
        ConfigError: what is recorded is no scheme.
    """
    from sercli.corpora import possible_owners
    from sercli.schemes.reading import from_plain

    if isinstance(name, Scheme):
        return name
    if isinstance(name, Mapping):
        return from_plain(name)
    if name in _GENERAL:
        return _GENERAL[name]
    for corpus in possible_owners(name):
        for scheme in corpus.schemes:
            if scheme.name == name:
                return scheme
    raise unknown("the list of schemes", name, scheme_names())


def scheme_name(recorded: object) -> str:
    """Return the name of a scheme that a run or a bundle recorded, even if it can't be read."""
    try:
        return get_scheme(recorded).name if isinstance(recorded, Mapping) else str(recorded)
    except SerError:
        return "unknown"


def schemes_of(corpus: str) -> list[Scheme]:
    """List the schemes that fit a corpus: those made for it, its default one first, then the general ones.

    The default one of a union has the classes that most corpora have.
    """
    from sercli.corpora import corpus_names, get_corpus

    if is_union(corpus):
        return sorted(_GENERAL.values(), key=lambda scheme: scheme.name != _OF_UNIONS)
    made_for_it = get_corpus(corpus).schemes if corpus in corpus_names() else ()
    return [*made_for_it, *_GENERAL.values()]


def default_scheme(corpus: str, *, emotions: bool, traces: bool) -> str:
    """Return the scheme where none is named.

    Args:
        corpus: name of the corpus, whose own first scheme is taken if it has emotions.
        emotions: whether it has emotions.
        traces: whether it has continuous labels, which are taken if it has no emotions. Otherwise the
            ratings of its utterances are taken.
    """
    if emotions:
        return schemes_of(corpus)[0].name
    return next(
        scheme.name
        for scheme in schemes_of(corpus)
        if not scheme.task.has_classes and scheme.traces == traces
    )


def choose(
    utterances: Sequence[Utterance],
    corpus: str,
    name: str | Mapping[str, Any] | Scheme | None,
    *,
    partial: bool = False,
    labels: LabelSource | None = None,
) -> tuple[str, Selection]:
    """Select utterances by a scheme, the corpus's default one if none is named.

    Args:
        utterances: all utterances of the corpus.
        corpus: its name.
        name: a scheme, its name, or what a run or a bundle recorded.
        partial: whether labels of a scheme may be missing, because the corpus may be a part of the original.
        labels: source of the labels, in place of that of the scheme.

    Returns:
        The scheme's name, and its selection.

    Raises:
        ConfigError: the scheme is made for another corpus, or the corpus has no such labels, or nothing is
            selected.
    """
    emotions = any(utterance.emotion is not None for utterance in utterances)
    traces = any(utterance.trace is not None for utterance in utterances)
    scheme = get_scheme(name or default_scheme(corpus, emotions=emotions, traces=traces))
    if labels is not None:
        scheme = scheme.with_labels(labels)
    if scheme.corpus not in (None, corpus):
        raise ConfigError(
            f"scheme '{scheme.name}' is made for corpus '{scheme.corpus}', not for '{corpus}'; choose "
            "another --scheme"
        )
    if scheme.counts_votes and not any(map(labels_of, utterances)):
        raise ConfigError(
            f"corpus '{corpus}' has no labels of raters, which labels={scheme.labels} needs; prepare it with "
            "the columns of its raters, or leave labels out"
        )
    if scheme.task.has_classes and not emotions:
        raise ConfigError(f"corpus '{corpus}' has no emotions, which a scheme of classes needs")
    if not partial:
        scheme.check(utterances)
    selection = scheme.select(utterances)
    if not selection.labels and (scheme.title is not None or scheme.task.has_classes):
        raise ConfigError(_nothing_selected(corpus, scheme, selection, utterances))
    if not selection.labels:
        raise ConfigError(_nothing_rated(corpus, scheme, utterances))
    return scheme.name, selection


def _nothing_selected(
    corpus: str, scheme: Scheme, selection: Selection, utterances: Sequence[Utterance]
) -> str:
    """Explain what a scheme leaves out of a corpus of which it selects no utterance, and what to do."""
    reasons = list_some([f"{name} {count}" for name, count in selection.left_out.items()], _SHOWN)
    remedy = "change its selection, or choose another --scheme"
    if not scheme.selection:
        labels = sorted({each.emotion for each in utterances if each.emotion is not None})
        named = f", or --classes with labels of the corpus ({list_some(labels, _SHOWN)})" if labels else ""
        remedy = f"choose another --scheme{named}"
    title = scheme.title or scheme.name
    return f"scheme '{title}' selects no utterance of '{corpus}'; left out: {reasons}; {remedy}"


def _nothing_rated(corpus: str, scheme: Scheme, utterances: Sequence[Utterance]) -> str:
    """Explain that a corpus lacks what a scheme without classes needs, and name the scheme that fits."""
    rated = any(getattr(each, name) is not None for each in utterances for name in RATED)
    traces = any(each.trace is not None for each in utterances)
    if scheme.traces:
        other = f"; it has ratings of utterances: choose --scheme {EVERY_DIMENSION}" if rated else ""
        return f"corpus '{corpus}' has no continuous labels, which scheme '{scheme.name}' needs{other}"
    other = "; it has continuous labels: choose --scheme arousal-valence" if traces else ""
    return f"corpus '{corpus}' has no ratings of utterances, which scheme '{scheme.name}' needs{other}"
