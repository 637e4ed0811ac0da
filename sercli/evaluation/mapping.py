"""Which class of a model corresponds to which class of another corpus.

Classes correspond by name, with two exceptions. Where one side's classes carry the speaker's
gender and the other's don't, both count without it. Calm counts as neutral where the other side has no
calm, as in scheme ``common-4``. Nothing else is merged: whether excitement is happiness is a question
of the scheme, and corpora differ in the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ConfigError

_GENDERS = ("female ", "male ")


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Which class of a model corresponds to which class of a corpus.

    Attributes:
        shared: classes that both have, under the name that they are counted by, sorted.
        foreign: classes of the model that the corpus lacks, likewise.
        of_model: by class of the model, one of ``shared`` or ``foreign``.
        of_corpus: by class of the corpus, one of ``shared``, or ``None`` where the model lacks it.
        keep_foreign: whether the model may predict ``foreign`` classes, which is always wrong.
    """

    shared: tuple[str, ...]
    foreign: tuple[str, ...]
    of_model: Mapping[str, str]
    of_corpus: Mapping[str, str | None]
    keep_foreign: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the evaluation: the shared classes, then the foreign ones that are kept."""
        return self.shared + (self.foreign if self.keep_foreign else ())

    @property
    def missing(self) -> tuple[str, ...]:
        """Classes of the corpus that the model lacks: their utterances can't be tested."""
        return tuple(name for name, shared in self.of_corpus.items() if shared is None)

    def carry(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn probabilities of the model's classes into those of `classes`.

        Classes that correspond to the same one are added up. Foreign ones that are not kept are dropped and
        the rest is divided by its sum: the model's probabilities, given one of the shared classes.

        Args:
            probabilities: (rows, classes of the model), in the order of ``of_model``.

        Returns:
            Probabilities, (rows, classes), each row summing to one; even where nothing is left of it.
        """
        names = self.classes
        weights = np.array([[float(name == own) for name in names] for own in self.of_model.values()])
        carried = np.asarray(probabilities, np.float64) @ weights  # (rows, classes)
        totals = carried.sum(axis=1, keepdims=True)
        even: NDArray[np.float64] = np.full(carried.shape, 1 / len(names))
        np.divide(carried, totals, out=even, where=totals > 0)
        return even

    def to_dict(self) -> dict[str, object]:
        """Return it ready for JSON."""
        return {
            "classes": list(self.classes),
            "model": dict(self.of_model),
            "corpus": dict(self.of_corpus),
            "foreign": list(self.foreign),
            "keep_foreign": self.keep_foreign,
        }


def map_classes(model: Sequence[str], corpus: Sequence[str], *, keep_foreign: bool = False) -> ClassMapping:
    """Find the classes that a model and a corpus have in common.

    Args:
        model: classes of the model, in the order of its outputs.
        corpus: classes of the corpus.
        keep_foreign: let the model predict classes that the corpus lacks; such a prediction is wrong.

    Raises:
        ConfigError: they share fewer than two classes.
    """
    genders = _gendered(model) and _gendered(corpus)
    ours = {name: name if genders else name_without_gender(name) for name in model}
    theirs = {name: name if genders else name_without_gender(name) for name in corpus}
    ours, theirs = _calm_is_neutral(ours, theirs), _calm_is_neutral(theirs, ours)
    shared = sorted(set(ours.values()) & set(theirs.values()))
    if len(shared) < 2:
        raise ConfigError(
            f"the model has {', '.join(model)}, the corpus has {', '.join(corpus)}: "
            f"{shared[0] + ' is the only class' if shared else 'no class is'} in both; choose another scheme"
        )
    return ClassMapping(
        shared=tuple(shared),
        foreign=tuple(sorted(set(ours.values()) - set(shared))),
        of_model=ours,
        of_corpus={name: own if own in shared else None for name, own in theirs.items()},
        keep_foreign=keep_foreign,
    )


def name_without_gender(name: str) -> str:
    """Return a class's name without the speaker's gender, if it carries one."""
    return name.partition(" ")[2] if name.startswith(_GENDERS) else name


def _gendered(classes: Sequence[str]) -> bool:
    return all(name.startswith(_GENDERS) for name in classes)


def _calm_is_neutral(side: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Call calm neutral where the other side has none."""
    if any(name_without_gender(name) == "calm" for name in other.values()):
        return dict(side)
    return {
        name: own.removesuffix("calm") + "neutral" if own.endswith("calm") else own
        for name, own in side.items()
    }
