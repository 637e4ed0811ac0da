"""A scheme, and the utterances that it selects of a corpus, with their classes and values."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from sercli.errors import ConfigError, ManifestError, list_some, require_choice, suggest
from sercli.labels import EMOTIONS
from sercli.raters import labels_of, majority, plurality
from sercli.records import TRACE_DIMENSIONS, Utterance
from sercli.schemes.conditions import Condition
from sercli.schemes.targets import Target, to_plain
from sercli.tasks import Outputs, Task

ALL = "all"
"""Value of ``classes`` in a scheme's file: each emotion is a class."""

LabelSource = Literal["corpus", "majority", "plurality", "votes"]
"""Source of the labels: the corpus itself, or the raters' votes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The utterances that a scheme selects of a corpus, with their classes.

    Attributes:
        outputs: classes and dimensions, in the order of the network's outputs.
        labels: class by utterance id, in manifest order; empty text without classes.
        left_out: number of utterances that are left out, by emotion or by the condition that is not met.
        values: value of each dimension by utterance id; empty for classes and for continuous labels.
        raters: by utterance id, for each rater the indices of the classes that this rater named, one or more;
            empty if the labels are those of the corpus.
        soft: whether a network learns the distribution of the votes, not the class.
    """

    outputs: Outputs
    labels: Mapping[str, str]
    left_out: Mapping[str, int]
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    raters: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    soft: bool = False

    def with_classes(self, classes: tuple[str, ...]) -> "Selection":
        """Return the selection with classes in another order, or with further or fewer ones."""
        if classes == self.classes:
            return self
        places = {number: classes.index(name) for number, name in enumerate(self.classes) if name in classes}
        raters = {
            name: tuple(
                own for rater in each if (own := tuple(sorted(places[n] for n in rater if n in places)))
            )
            for name, each in self.raters.items()
        }
        return replace(self, outputs=replace(self.outputs, classes=classes), raters=raters)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; empty without classes."""
        return self.outputs.classes

    @property
    def counts(self) -> dict[str, int]:
        """Utterances per class, in class order."""
        counted = Counter(self.labels.values())
        return {name: counted[name] for name in self.classes}


@dataclass(frozen=True, slots=True)
class Scheme:
    """A choice of utterances and of classes.

    Attributes:
        name: as in ``--scheme``, for example ``emodb-4``; that of a user's own ends in a digest.
        corpus: the corpus that it is made for; ``None`` for any.
        merge: class by emotion; other emotions are left out. ``None`` makes every emotion that occurs
            a class of its own, except ``other`` and ``undecided``; an empty mapping means no classes.
        gendered: whether the class includes the speaker's gender, as in ``female anger``.
        selection: conditions that an utterance must meet, for example on its style.
        targets: dimensions of utterances to learn. A scheme that ships takes those that the corpus has.
        traces: whether continuous labels are learned; then the utterances that have them are taken.
        known: utterances of the released corpus by ``class``, ``session`` and ``speaker``, as far as
            they are published.
        title: name without the digest, of a scheme of the user's own; ``None`` for the others.
        labels: source of the label. ``corpus`` takes the emotion of the manifest. The others count the
            votes of the raters after their labels are mapped to classes. ``majority`` takes the class with
            more than half of the votes, ``plurality`` the class with the most. Utterances without such a
            class are left out, also if a label outside of the classes wins. ``votes`` selects the utterances
            of ``plurality``, and training uses the distribution of the votes.

    Raises:
        ConfigError: there is no such source of labels.
    """

    name: str
    corpus: str | None
    merge: Mapping[str, str] | None
    gendered: bool = False
    selection: tuple[Condition, ...] = ()
    targets: tuple[Target, ...] = ()
    traces: bool = False
    known: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    title: str | None = None
    labels: LabelSource = "corpus"

    def __post_init__(self) -> None:
        require_choice("labels", self.labels, get_args(LabelSource))

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def task(self) -> Task:
        """The task of a network: classes, values of dimensions, or both."""
        classes = ("any",) if self.merge is None or self.merge else ()
        dimensions = TRACE_DIMENSIONS if self.traces else tuple(each.field for each in self.targets)
        return Outputs(classes, dimensions, self.traces).task

    @property
    def content(self) -> dict[str, Any]:
        """Plain types that decide labels and classes: the keys of a scheme's file, except its name."""
        found: dict[str, Any] = {}
        if self.merge is None and self.targets:
            found["classes"] = ALL
        elif self.merge:
            found["classes"] = {
                name: sorted(label for label, own in self.merge.items() if own == name)
                for name in sorted(set(self.merge.values()))
            }
        if self.gendered:
            found["gendered"] = True
        if self.selection:
            found["selection"] = {each.field: each.to_plain() for each in self.selection}
        if self.targets:
            found["targets"] = to_plain(self.targets)
        if self.counts_votes:
            found["labels"] = self.labels
        return found

    @property
    def recorded(self) -> str | dict[str, Any]:
        """Form that runs and bundles record, and `get_scheme` reads: a name, or a user's own content."""
        return self.name if self.title is None else {"name": self.title, **self.content}

    @property
    def identity(self) -> str | dict[str, Any]:
        """Form that enters the digest of a run: a name, or a user's own content without its name."""
        return self.name if self.title is None else self.content

    @property
    def counts_votes(self) -> bool:
        """Whether the labels come from the votes of the raters."""
        return self.labels != "corpus"

    def select(self, utterances: Iterable[Utterance]) -> Selection:
        """Give each utterance its class and its values, and count what is left out.

        Raises:
            ManifestError: a selected utterance has no emotion, or (where the scheme needs it) no gender; or
                the labels of its raters can't be read.
        """
        if self.traces:
            return _with_traces(utterances)
        utterances = list(utterances)
        targets, has_classes = self._available(utterances), self.task.has_classes
        if self.targets and not targets:
            outputs = Outputs((), tuple(each.field for each in self.targets))
            return Selection(outputs, {}, {"without ratings": len(utterances)} if utterances else {})
        labels: dict[str, str] = {}
        values: dict[str, tuple[float, ...]] = {}
        left_out: Counter[str] = Counter()
        taken: list[Utterance] = []
        seen: set[str] = set()
        for utterance in utterances:
            name, reason = self._find_class(utterance, targets, has_classes=has_classes)
            if name is None:
                left_out[reason] += 1
                continue
            if has_classes:
                seen.add(name)
                name = self._with_gender(utterance, name)
            labels[utterance.id] = name
            if targets:
                rated = (each.value(utterance) for each in targets)
                values[utterance.id] = tuple(value for value in rated if value is not None)
            taken.append(utterance)
        classes = self._classes(seen)
        raters = {each.id: self._named(each, classes) for each in taken} if self.counts_votes else {}
        outputs = Outputs(classes, tuple(each.field for each in targets))
        soft = self.labels == "votes"
        return Selection(outputs, labels, dict(sorted(left_out.items())), values, raters, soft)

    def with_labels(self, labels: LabelSource) -> "Scheme":
        """Return the scheme with another source of the labels; if it is another one, it is the user's own.

        Raises:
            ConfigError: the scheme has no classes.
        """
        from sercli.schemes.reading import LONGEST_NAME, from_plain

        if labels == self.labels:
            return self
        if not self.task.has_classes:
            raise ConfigError(f"labels={labels}: scheme '{self.name}' has no classes; leave labels out")
        name = (self.title or self.name).removesuffix(f"-{self.labels}")
        if labels != "corpus":
            name = f"{name[: LONGEST_NAME - len(labels) - 1]}-{labels}"
        return from_plain({**self.content, "name": name, "labels": labels})

    def check(self, utterances: Sequence[Utterance]) -> None:
        """Refuse labels and texts of a user's own scheme that a corpus lacks: they are probably misspelled.

        A known noun may be missing if another label of its class occurs: one scheme may fit several corpora.

        Raises:
            ConfigError: there is such a label or text.
        """
        if self.title is None:
            return
        place = f"scheme '{self.title}'"
        for condition in self.selection:
            condition.check(utterances, place)
        for target in self.targets:
            target.check(utterances, place)
        found = {utterance.emotion for utterance in utterances if utterance.emotion is not None}
        if self.counts_votes:
            found = {label for each in utterances for labels in labels_of(each) for label in labels}
        merge = self.merge or {}
        present = {merge[label] for label in merge if label in found}
        for label, name in merge.items():
            if label not in found and (label not in EMOTIONS or name not in present):
                labels = sorted(found)
                remedy = suggest(label, labels, f"the corpus has {list_some(labels, _SHOWN)}")
                raise ConfigError(f"{place}: no utterance has the label '{label}'; {remedy}")

    def _available(self, utterances: Sequence[Utterance]) -> tuple[Target, ...]:
        """Return the dimensions that are learned: of a scheme that ships, those that the corpus has."""
        if self.title is not None:
            return self.targets
        return tuple(
            each
            for each in self.targets
            if any(each.value(utterance) is not None for utterance in utterances)
        )

    def _find_class(
        self, utterance: Utterance, targets: Sequence[Target], *, has_classes: bool
    ) -> tuple[str | None, str]:
        """Return the class of an utterance as `_decide`; empty text if it is selected and has no class.

        Raises:
            ManifestError: as `_decide`.
        """
        reason = next(filter(None, (each.refusal(utterance) for each in self.selection)), None)
        if reason is None:
            unrated = (f"without {each.field}" for each in targets if each.value(utterance) is None)
            reason = next(unrated, None)
        if reason is not None:
            return None, reason
        return self._decide(utterance) if has_classes else ("", "")

    def _decide(self, utterance: Utterance) -> tuple[str | None, str]:
        """Return the class of an utterance without the gender, and the reason if it has none.

        Raises:
            ManifestError: the utterance has no emotion, or the labels of its raters can't be read.
        """
        if not self.counts_votes:
            if utterance.emotion is None:
                raise ManifestError(f"{utterance.id}: no emotion; leave it out of the corpus")
            return self._class(utterance.emotion), utterance.emotion
        raters = labels_of(utterance)
        if not raters:
            return None, "without raters"
        # Labels outside of the classes compete too, each for itself: the class has to win against them.
        named = [{self._place(label) for label in labels} for labels in raters]
        winner = majority(named) if self.labels == "majority" else plurality(named)
        if winner is None:
            return None, "without majority" if self.labels == "majority" else "tie of raters"
        return winner

    def _place(self, label: str) -> tuple[str | None, str]:
        """Return the class of a rater's label, or the label itself if it is outside of the classes."""
        name = self._class(label)
        return name, label if name is None else ""

    def _with_gender(self, utterance: Utterance, name: str) -> str:
        """Return the class with the speaker's gender, if the classes include it.

        Raises:
            ManifestError: the gender is neither female nor male.
        """
        if not self.gendered:
            return name
        if utterance.gender not in ("female", "male"):
            gender = f"gender '{utterance.gender}'" if utterance.gender else "no gender"
            raise ManifestError(
                f"{utterance.id}: {gender}, and scheme '{self.name}' needs female or male; "
                "choose a scheme without gender"
            )
        return f"{utterance.gender} {name}"

    def _named(self, utterance: Utterance, classes: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """Return for each rater the indices of the classes that this rater named, without absent raters."""
        index = {name: place for place, name in enumerate(classes)}
        named = [
            {self._with_gender(utterance, name) for name in map(self._class, labels) if name is not None}
            for labels in labels_of(utterance)
        ]
        found = (tuple(sorted(index[name] for name in names if name in index)) for names in named)
        return tuple(indices for indices in found if indices)

    def _class(self, emotion: str) -> str | None:
        if self.merge is None:
            return None if emotion in _NO_CLASS else emotion
        return self.merge.get(emotion)

    def _classes(self, seen: set[str]) -> tuple[str, ...]:
        """Sort the class names; a fixed scheme has all its classes, even without utterances."""
        emotions = sorted(set(self.merge.values()) if self.merge is not None else seen - _NO_CLASS)
        if self.gendered:
            return tuple(f"{gender} {emotion}" for gender in ("female", "male") for emotion in emotions)
        return tuple(emotions)


_NO_CLASS = frozenset({"other", "undecided"})
_SHOWN = 12


def _with_traces(utterances: Iterable[Utterance]) -> Selection:
    listed = list(utterances)
    labels = {utterance.id: "" for utterance in listed if utterance.trace}
    without = len(listed) - len(labels)
    left_out = {"without continuous labels": without} if without else {}
    return Selection(Outputs((), TRACE_DIMENSIONS, per_frame=True), labels, left_out)


def keep(*emotions: str) -> dict[str, str]:
    """Return a `Scheme.merge` that makes each of the emotions a class of its own."""
    return {emotion: emotion for emotion in emotions}
