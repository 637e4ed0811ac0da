"""UA and WA of women and men apart, and classes that carry the speaker's gender without it."""

from dataclasses import dataclass, replace

import numpy as np

from sercli.evaluation.classification import confusions, ua, wa
from sercli.evaluation.mapping import map_classes, name_without_gender
from sercli.records import ClassPredictions


@dataclass(frozen=True, slots=True)
class GenderScore:
    """How the speakers of one gender fare, ``None`` where it is unknown; UA is over the classes they have.

    ``speakers`` counts those known by name, ``count`` the rows: an utterance once per seed.
    """

    gender: str | None
    speakers: int
    count: int
    ua: float
    wa: float


def by_gender(predictions: ClassPredictions) -> tuple[GenderScore, ...]:
    """Score each gender over all its rows, sorted by name; rows of unknown gender stand last."""
    known = sorted({gender for gender in predictions.genders if gender is not None})
    genders = [*known, *([None] if None in predictions.genders else [])]
    index = {gender: i for i, gender in enumerate(genders)}
    rows = np.array([index[gender] for gender in predictions.genders], dtype=np.int64)
    classes = len(predictions.classes)
    matrices = confusions(rows, len(genders), predictions.target, predictions.predicted, classes)
    people = set(zip(predictions.genders, predictions.speakers, strict=True))
    return tuple(
        GenderScore(
            gender=gender,
            speakers=sum(own == gender and name is not None for own, name in people),
            count=int(matrix.sum()),
            ua=float(ua(matrix)),
            wa=float(wa(matrix)),
        )
        for gender, matrix in zip(genders, matrices, strict=True)
    )


def without_gender(predictions: ClassPredictions) -> ClassPredictions | None:
    """Tell emotions where the classes are emotions of women and of men: probabilities of the two add up.

    Returns:
        The same rows with fewer classes, sorted; none where no two classes differ in gender alone, or
        where a single emotion would be left.
    """
    names = sorted({name_without_gender(name) for name in predictions.classes})
    if not 2 <= len(names) < len(predictions.classes):
        return None
    mapping = map_classes(predictions.classes, names)
    index = {name: i for i, name in enumerate(mapping.classes)}
    carried = np.array([index[mapping.of_model[name]] for name in predictions.classes], dtype=np.int64)
    return replace(
        predictions,
        classes=mapping.classes,
        target=carried[predictions.target],
        probabilities=mapping.carry(predictions.probabilities),
    )
