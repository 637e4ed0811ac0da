"""Restrict runs of different schemes to what they have in common: classes and tested utterances.

Names decide which classes correspond, as in `sercli.evaluation.mapping`. An utterance is compared if each run
tested it and labels it with the same common class. The probabilities of other classes are removed, as `eval
--on` does, so each network chooses among the common classes only.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sercli.errors import RunError
from sercli.evaluation.mapping import ClassMapping, map_common
from sercli.records import ClassPredictions

Labels = Mapping[str, str]
"""Class of each utterance that a run tested, by the utterance's id."""


@dataclass(frozen=True, slots=True)
class Common:
    """What runs of different schemes have in common.

    The utterances that a run tested are those that are compared, those of other classes, those that another
    run did not test, and those that are labelled differently.

    Attributes:
        classes: the common classes, sorted.
        mappings: map from the classes of each run to the common classes, by name of the run.
        labels: common class of each utterance that is compared, by id.
        own_labels: class of each utterance that a run tested, as the run names it, by name of the run and id.
        differing: utterances that each run tested and at least one labels with a common class, but not all
            with the same; left out.
    """

    classes: tuple[str, ...]
    mappings: Mapping[str, ClassMapping]
    labels: Labels
    own_labels: Mapping[str, Labels]
    differing: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of utterances that are compared, by common class."""
        counted = Counter(self.labels.values())
        return {name: counted[name] for name in self.classes}

    @property
    def keeps_all(self) -> bool:
        """Whether no utterance of any run is left out."""
        return all(len(own) == len(self.labels) for own in self.own_labels.values())

    @property
    def classes_differ(self) -> bool:
        """Whether the runs have different classes, and not only different schemes of the same classes."""
        return any(tuple(mapping.of_model) != self.classes for mapping in self.mappings.values())

    def of_other_classes(self, run: str) -> dict[str, int]:
        """Count the utterances that a run tested of each class that is not common, with the run's names.

        Those that `differing` lists are not counted.
        """
        own, differing = self.own_labels[run], set(self.differing)
        counted = Counter(label for name, label in own.items() if name not in differing)
        return {name: counted[name] for name in self.mappings[run].model_only}

    def not_in_all(self, run: str) -> int:
        """Count the utterances of common classes that this run tested and another run did not test."""
        others = [own for name, own in self.own_labels.items() if name != run]
        known, own = self.mappings[run], self.own_labels[run]
        return sum(
            known.of_model[label] in self.classes and any(name not in other for other in others)
            for name, label in own.items()
        )

    def restrict(self, run: str, predictions: ClassPredictions) -> ClassPredictions:
        """Keep the utterances that are compared, with targets and probabilities of the common classes."""
        mapping = self.mappings[run]
        kept = predictions.select([row for row, name in enumerate(predictions.ids) if name in self.labels])
        index = {name: i for i, name in enumerate(self.classes)}
        target = np.array([index[self.labels[name]] for name in kept.ids], dtype=np.int64)
        probabilities = mapping.carry(kept.probabilities)
        # Votes and values are those of one scheme.
        return replace(
            kept,
            classes=self.classes,
            target=target,
            probabilities=probabilities,
            raters=None,
            values=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain types, ready for JSON."""
        return {
            "classes": self.counts,
            "utterances": len(self.labels),
            "runs": [
                {
                    "name": run,
                    "classes": {
                        own: name if name in self.classes else None for own, name in mapping.of_model.items()
                    },
                    "tested": len(self.own_labels[run]),
                    "left_out": {
                        "of other classes": self.of_other_classes(run),
                        "not tested by every run": self.not_in_all(run),
                        "labelled differently": len(self.differing),
                    },
                }
                for run, mapping in self.mappings.items()
            ],
            "labelled_differently": {
                name: {run: own[name] for run, own in self.own_labels.items()} for name in self.differing
            },
        }


def find_common(runs: Mapping[str, ClassPredictions]) -> Common:
    """Find the classes and the utterances that runs have in common.

    Args:
        runs: predictions by the run's name, two or more.

    Raises:
        RunError: fewer than two classes are common or occur in the utterances that are compared, or a run has
            several labels for an utterance.
    """
    mappings = map_common({name: predictions.classes for name, predictions in runs.items()})
    classes = next(iter(mappings.values())).shared
    own_labels = {name: _own_labels(name, predictions) for name, predictions in runs.items()}
    first, *others = own_labels.values()
    labels, differing = {}, []
    for name in first:
        if all(name in other for other in others):
            found = {mappings[run].of_model[own[name]] for run, own in own_labels.items()}
            if found.isdisjoint(classes):
                continue
            if len(found) == 1:
                labels[name] = found.pop()
            else:
                differing.append(name)
    common = Common(classes, mappings, labels, own_labels, tuple(sorted(differing)))
    present = sorted(set(labels.values()))
    if len(present) < 2:
        counts = ", ".join(f"{name} tested {len(own)}" for name, own in own_labels.items())
        fact = "no utterance was tested by every run and has a common class"
        if present:
            fact = f"of the common classes, only {present[0]} has utterances that every run tested"
        raise RunError(
            f"{fact} ({counts}; the common classes are {', '.join(classes)}); compare runs that tested the "
            "same speakers of one corpus"
        )
    return common


def _own_labels(run: str, predictions: ClassPredictions) -> dict[str, str]:
    """Return the class of each utterance, as the run names it."""
    labels: dict[str, str] = {}
    for name, label in _targets(predictions):
        if labels.setdefault(name, label) != label:
            raise RunError(
                f"{run}: {name} is labelled {labels[name]} and {label}; train all folds and seeds on one "
                "preparation of the corpus"
            )
    return labels


def _targets(predictions: ClassPredictions) -> Iterator[tuple[str, str]]:
    names = (predictions.classes[index] for index in predictions.target.tolist())
    return zip(predictions.ids, names, strict=True)
