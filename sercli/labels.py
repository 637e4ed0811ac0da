"""Emotions, each one English noun, and the schemes that turn them into classes.

A corpus reader maps the corpus's own spelling to a noun once. A scheme selects utterances and
merges nouns into classes, and is applied late, when a protocol or a training asks for it: the
manifest always holds every utterance under its own emotion.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sercli.errors import ManifestError, unknown
from sercli.records import Utterance

EMOTIONS = frozenset(
    {
        "anger",
        "boredom",
        "calm",
        "disgust",
        "excitement",
        "fear",
        "frustration",
        "happiness",
        "neutral",
        "other",
        "sadness",
        "surprise",
        "undecided",  # the raters found no majority
    }
)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a scheme makes of a corpus.

    Attributes:
        classes: class names in the order of the network's outputs.
        labels: class by utterance id, in manifest order.
        left_out: how many utterances of each emotion the scheme leaves out.
    """

    classes: tuple[str, ...]
    labels: Mapping[str, str]
    left_out: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """Utterances per class, in class order."""
        counted = Counter(self.labels.values())
        return {name: counted[name] for name in self.classes}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A choice of utterances and of classes.

    Attributes:
        name: as in ``--scheme``, for example ``emodb-4``.
        corpus: the corpus it is made for.
        merge: class by emotion; emotions not named are left out.
        gendered: whether the class carries the speaker's gender, as in ``female anger``.
    """

    name: str
    corpus: str
    merge: Mapping[str, str]
    gendered: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, sorted; the order of the network's outputs."""
        emotions = sorted(set(self.merge.values()))
        if self.gendered:
            return tuple(f"{gender} {emotion}" for gender in ("female", "male") for emotion in emotions)
        return tuple(emotions)

    def select(self, utterances: Iterable[Utterance]) -> Selection:
        """Give each utterance its class, and count what is left out.

        Raises:
            ManifestError: an utterance has no emotion, one that is not in `EMOTIONS`, or (where the
                scheme needs it) no gender.
        """
        labels: dict[str, str] = {}
        left_out: Counter[str] = Counter()
        for utterance in utterances:
            emotion = utterance.emotion
            if emotion is None or emotion not in EMOTIONS:
                known = ", ".join(sorted(EMOTIONS))
                raise ManifestError(f"{utterance.id}: emotion '{emotion}' is none of {known}")
            if emotion not in self.merge:
                left_out[emotion] += 1
            elif not self.gendered:
                labels[utterance.id] = self.merge[emotion]
            elif utterance.gender is None:
                raise ManifestError(f"{utterance.id}: no gender, which scheme '{self.name}' needs")
            else:
                labels[utterance.id] = f"{utterance.gender} {self.merge[emotion]}"
        return Selection(self.classes, labels, dict(sorted(left_out.items())))


def _keep(*emotions: str) -> dict[str, str]:
    return {emotion: emotion for emotion in emotions}


_SEVEN = _keep("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
_FOUR = _keep("anger", "happiness", "neutral", "sadness")
_CALM_IS_NEUTRAL = {"calm": "neutral"}

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            "emodb-7",
            "emodb",
            _keep("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness"),
        ),
        Scheme("emodb-4", "emodb", _FOUR),
        Scheme("ravdess-8", "ravdess", _SEVEN | _keep("calm")),
        Scheme("ravdess-7", "ravdess", _SEVEN | _CALM_IS_NEUTRAL),
        Scheme("ravdess-14", "ravdess", _SEVEN | _CALM_IS_NEUTRAL, gendered=True),
        Scheme("ravdess-4", "ravdess", _FOUR | _CALM_IS_NEUTRAL),
        Scheme("ravdess-4-nocalm", "ravdess", _FOUR),
        Scheme("synth-4", "synth", _FOUR),
    )
}


def get_scheme(name: str) -> Scheme:
    """Return a scheme by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in SCHEMES:
        raise unknown("sercli.labels", name, SCHEMES)
    return SCHEMES[name]


def schemes_of(corpus: str) -> list[str]:
    """List the schemes made for a corpus, its default one first."""
    return [scheme.name for scheme in SCHEMES.values() if scheme.corpus == corpus]
