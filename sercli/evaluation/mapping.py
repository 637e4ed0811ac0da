"""Map the classes of a model to the classes of another corpus, or those of several models to one another.

Classes correspond by name, with two exceptions. If the classes of only some sides contain the speaker's
gender, the gender is ignored. Calm counts as neutral if another side has no calm, as in scheme ``common-4``.
Nothing else is merged: the scheme decides whether excitement is happiness, and corpora differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sercli.errors import ConfigError, RunError

_GENDERS = ("female ", "male ")


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Map from the classes of a model to the classes of a corpus.

    Attributes:
        shared: names of the classes that both have, as the evaluation counts them, sorted.
        foreign: names of the model's classes that the corpus lacks, as the evaluation counts them, sorted.
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

    @property
    def model_only(self) -> tuple[str, ...]:
        """Classes that only the model has, with the model's own names."""
        return tuple(name for name, own in self.of_model.items() if own not in self.shared)

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
            "shared": list(self.shared),
            "model": dict(self.of_model),
            "corpus": dict(self.of_corpus),
            "foreign": list(self.foreign),
            "model_only": list(self.model_only),
            "corpus_only": list(self.missing),
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
    ours, theirs = _align(model, corpus)
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


def map_common(sides: Mapping[str, Sequence[str]]) -> dict[str, ClassMapping]:
    """Map the classes of several models to the classes that all of them have.

    Args:
        sides: classes of each model in the order of its outputs, by the model's name.

    Returns:
        The mapping of each model; all have the same ``shared``.

    Raises:
        RunError: they share fewer than two classes.
    """
    aligned = dict(zip(sides, _align(*sides.values()), strict=True))
    shared = sorted(set.intersection(*(set(own.values()) for own in aligned.values())))
    if len(shared) < 2:
        listed = "; ".join(f"{name} has {', '.join(classes)}" for name, classes in sides.items())
        raise RunError(
            f"the runs have {f'one common class, {shared[0]}' if shared else 'no common class'}, and a "
            f"comparison needs two: {listed}; compare runs whose schemes have two classes in common"
        )
    return {
        name: ClassMapping(
            shared=tuple(shared),
            foreign=tuple(sorted(set(own.values()) - set(shared))),
            of_model=own,
            of_corpus=dict(zip(shared, shared, strict=True)),
        )
        for name, own in aligned.items()
    }


def name_without_gender(name: str) -> str:
    """Return a class's name without the speaker's gender, if it contains one."""
    return name.partition(" ")[2] if name.startswith(_GENDERS) else name


def _gendered(classes: Sequence[str]) -> bool:
    return all(name.startswith(_GENDERS) for name in classes)


def _align(*sides: Sequence[str]) -> list[dict[str, str]]:
    """Name the classes of each side as all sides can name them."""
    genders = all(_gendered(side) for side in sides)
    named = [{name: name if genders else name_without_gender(name) for name in side} for side in sides]
    if all(any(_is_calm(own) for own in side.values()) for side in named):
        return named
    return [
        {name: own.removesuffix("calm") + "neutral" if _is_calm(own) else own for name, own in side.items()}
        for side in named
    ]


def _is_calm(name: str) -> bool:
    return name_without_gender(name) == "calm"
