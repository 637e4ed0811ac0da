"""Map the classes of a model to the classes of another corpus.

Classes correspond by name, with two exceptions. If the classes of only one side contain the speaker's
gender, the gender is ignored. Calm counts as neutral if the other side has no calm, as in scheme
``common-4``. Nothing else is merged: the scheme decides whether excitement is happiness, and corpora differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ConfigError

_GENDERS = ("female ", "male ")


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Map from the classes of a model to the classes of a corpus.

    Attributes:
        shared: names of the classes that both have, as the evaluation counts them, sorted.
        foreign: names of the model's classes that the corpus lacks, sorted.
        of_model: for each class of the model, one of ``shared`` or ``foreign``.
        of_corpus: for each class of the corpus, one of ``shared``, or ``None`` if the model lacks it.
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

        The probabilities of classes that correspond to the same class are added. Foreign classes that are not
        kept are dropped, and the other probabilities are divided by their sum: the result is the model's
        probabilities under the condition that the class is one of the shared classes.

        Args:
            probabilities: (rows, classes of the model), in the order of ``of_model``.

        Returns:
            Probabilities, (rows, classes); each row sums to one. If all remaining probabilities of a row are
            zero, the row is uniform.
        """
        names = self.classes
        weights = np.array([[float(name == own) for name in names] for own in self.of_model.values()])
        carried = np.asarray(probabilities, np.float64) @ weights  # (rows, classes)
        totals = carried.sum(axis=1, keepdims=True)
        even: NDArray[np.float64] = np.full(carried.shape, 1 / len(names))
        np.divide(carried, totals, out=even, where=totals > 0)
        return even

    def to_dict(self) -> dict[str, object]:
        """Return the mapping as plain types, ready for JSON."""
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
        keep_foreign: whether the model may predict classes that the corpus lacks, which is always wrong.

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
    """Return a class's name without the speaker's gender, if it contains one."""
    return name.partition(" ")[2] if name.startswith(_GENDERS) else name


def _gendered(classes: Sequence[str]) -> bool:
    return all(name.startswith(_GENDERS) for name in classes)


def _calm_is_neutral(side: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Rename calm to neutral if the other side has no calm."""
    if any(name_without_gender(name) == "calm" for name in other.values()):
        return dict(side)
    return {
        name: own.removesuffix("calm") + "neutral" if own.endswith("calm") else own
        for name, own in side.items()
    }
