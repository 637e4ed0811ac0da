import json

import numpy as np
import pytest

from sercli.errors import RunError
from sercli.evaluation import compare, evaluate
from sercli.evaluation.common import find_common
from sercli.evaluation.mapping import map_common
from sercli.records import ClassPredictions


def predictions(classes, rows, *, seeds=(0,), speakers=5):
    """Predictions of the same rows for each seed: id, label and probabilities of the classes."""
    rows = [(*row, seed) for seed in seeds for row in rows]
    return ClassPredictions(
        classes=classes,
        ids=tuple(name for name, *_ in rows),
        target=np.array([classes.index(label) for _, label, *_ in rows]),
        probabilities=np.array([row[2] for row in rows], float),
        speakers=tuple(f"{int(name.split('/')[1].split('-')[0]) % speakers:02d}" for name, *_ in rows),
        genders=("female",) * len(rows),
        folds=("all",) * len(rows),
        seeds=tuple(row[3] for row in rows),
    )


WIDE = ("anger", "boredom", "happiness")
NARROW = ("anger", "happiness", "sadness")
PLAIN = ("anger", "fear")


def wide(**more):
    """Each of five speakers: anger right, happiness taken for boredom, boredom right."""
    rows = []
    for i in range(5):
        rows += [
            (f"toy/{i}-a", "anger", [0.5, 0.3, 0.2]),
            # Without boredom 0.1 and 0.3 remain: 0.25 and 0.75, so it is right among the common classes.
            (f"toy/{i}-h", "happiness", [0.1, 0.6, 0.3]),
            (f"toy/{i}-b", "boredom", [0.1, 0.8, 0.1]),
        ]
    return predictions(WIDE, rows, **more)


def narrow(**more):
    """Each of five speakers: anger right, happiness taken for anger, sadness right."""
    rows = []
    for i in range(5):
        rows += [
            (f"toy/{i}-h", "happiness", [0.6, 0.2, 0.2]),
            (f"toy/{i}-a", "anger", [0.4, 0.1, 0.5]),
            (f"toy/{i}-s", "sadness", [0.1, 0.1, 0.8]),
        ]
    return predictions(NARROW, rows, **more)


def values(found, group, key="ua"):
    return [row.value for row in found.table.group(group) if row.metric == key]


def test_runs_of_other_classes_are_compared_on_the_common_ones_by_hand():
    found = compare({"wide": wide(), "narrow": narrow()})
    assert found.outputs == ("anger", "happiness")
    assert (found.tested, found.speakers) == (10, 5)
    # In its own classes wide has UA (1 + 0 + 1) / 3; in the common ones both of its utterances are right.
    # Narrow's anger was taken for sadness, and 0.4 against 0.1 remain: right. Its happiness stays wrong.
    assert values(found, "run") == [1.0, 0.5]
    assert values(found, "difference") == [-0.5]
    common = found.common
    assert common.counts == {"anger": 5, "happiness": 5}
    assert (common.of_other_classes("wide"), common.of_other_classes("narrow")) == (
        {"boredom": 5},
        {"sadness": 5},
    )
    assert (common.not_in_all("wide"), common.differing, common.classes_differ) == (0, (), True)


def test_the_rest_of_the_probabilities_is_divided_by_its_sum():
    runs = {"wide": wide(), "narrow": narrow()}
    kept = find_common(runs).restrict("wide", runs["wide"])
    assert kept.classes == ("anger", "happiness")
    np.testing.assert_allclose(kept.probabilities[:2], [[5 / 7, 2 / 7], [0.25, 0.75]])
    assert kept.target.tolist() == [0, 1] * 5
    assert evaluate(kept, draws=10).table.row("ua").value == 1


def test_restricting_equals_a_network_that_never_had_the_other_classes():
    random = np.random.default_rng(0)
    classes = ("anger", "fear", "happiness", "neutral")
    rows = [(f"toy/{i}-{k}", classes[k], random.dirichlet(np.ones(4))) for i in range(8) for k in range(4)]
    full = predictions(classes, rows, speakers=8)
    part = [(name, label, p[:3] / p[:3].sum()) for name, label, p in rows if label != "neutral"]
    other = predictions(classes[:3], part, speakers=8)
    found = compare({"full": full, "part": other})
    assert found.tested == 24
    assert values(found, "difference") == [0]
    assert values(found, "run") == values(compare({"a": other, "b": other}), "run")


def test_an_utterance_with_other_labels_is_reported_and_left_out():
    # The first scheme counts excitement as happiness, the second one has it as a class.
    merged, apart = ("anger", "happiness"), ("anger", "excitement", "happiness")
    rows = [(f"toy/{i}-{c[0]}", c, [0.9, 0.1]) for i in range(5) for c in merged]
    one = predictions(merged, [*rows, ("toy/0-x", "happiness", [0.2, 0.8])])
    rows = [(f"toy/{i}-{c[0]}", c, [0.5, 0.2, 0.3]) for i in range(5) for c in merged]
    other = predictions(apart, [*rows, ("toy/0-x", "excitement", [0.1, 0.8, 0.1])])
    found = compare({"one": one, "other": other})
    assert found.tested == 10
    assert found.common.differing == ("toy/0-x",)
    assert found.common.of_other_classes("other") == {"excitement": 0}  # it is counted once
    stated = json.loads(json.dumps(found.to_dict()))["common"]
    assert stated["labelled_differently"] == {"toy/0-x": {"one": "happiness", "other": "excitement"}}
    assert stated["runs"][1]["classes"] == {"anger": "anger", "excitement": None, "happiness": "happiness"}


def test_schemes_that_name_the_same_classes_may_label_an_utterance_differently():
    classes = ("high", "low")
    rows = [(f"toy/{i}-{c}", c, [0.6, 0.4]) for i in range(5) for c in classes]
    one = predictions(classes, [*rows, ("toy/9-x", "high", [0.1, 0.9])])
    other = predictions(classes, [*rows, ("toy/9-x", "low", [0.1, 0.9]), ("toy/9-y", "low", [0.1, 0.9])])
    with pytest.raises(RunError, match="other tested 12 utterances with seed 0, one 11"):
        compare({"one": one, "other": other})
    found = compare({"one": one, "other": other}, schemes_differ=True)
    assert (found.tested, found.common.differing, found.common.classes_differ) == (10, ("toy/9-x",), False)
    assert (found.common.not_in_all("one"), found.common.not_in_all("other")) == (0, 1)
    same = compare({"one": one, "again": one}, schemes_differ=True)
    assert (same.tested, same.common) == (11, None)
    assert same.to_dict()["common"] is None


def test_every_tested_utterance_is_counted_once():
    one, other = wide(), narrow()
    some = other.select([row for row, name in enumerate(other.ids) if name != "toy/3-h"])
    common = compare({"one": one, "some": some}).common
    for run, predicted in (("one", one), ("some", some)):
        left = sum(common.of_other_classes(run).values()) + common.not_in_all(run) + len(common.differing)
        assert len(common.labels) + left == len(set(predicted.ids))
    assert common.not_in_all("one") == 1


def test_a_class_with_gender_is_compared_without():
    gendered = ("female anger", "female fear", "male anger", "male fear")
    rows = [(f"toy/{i}-{c[0]}", f"female {c}", [0.3, 0.4, 0.3, 0.0]) for i in range(5) for c in PLAIN]
    plain = [(f"toy/{i}-{c[0]}", c, [0.9, 0.1]) for i in range(5) for c in PLAIN]
    runs = {"gendered": predictions(gendered, rows), "plain": predictions(PLAIN, plain)}
    kept = find_common(runs).restrict("gendered", runs["gendered"])
    np.testing.assert_allclose(kept.probabilities[0], [0.6, 0.4])  # 0.3 + 0.3 and 0.4 + 0
    assert values(compare(runs), "run") == [0.5, 0.5]


def test_calm_is_neutral_in_all_runs_if_one_has_no_calm():
    sides = {
        "apart": ("anger", "calm", "neutral"),
        "merged": ("anger", "neutral"),
        "other": ("anger", "calm", "fear"),
    }
    found = map_common(sides)
    assert {mapping.shared for mapping in found.values()} == {("anger", "neutral")}
    assert found["apart"].of_model == {"anger": "anger", "calm": "neutral", "neutral": "neutral"}
    assert found["other"].model_only == ("fear",)
    with pytest.raises(RunError, match="one common class, anger"):
        map_common({"apart": sides["apart"], "other": ("anger", "fear")})


def test_three_runs_have_in_common_what_all_have():
    classes = ("anger", "disgust", "fear", "happiness")
    runs = {}
    for left in range(1, 4):
        own = tuple(name for i, name in enumerate(classes) if i != left)
        rows = [(f"toy/{i}-{c}", c, np.eye(3)[k]) for i in range(5) for k, c in enumerate(own)]
        runs[f"without {classes[left]}"] = predictions(own, rows)
    with pytest.raises(RunError, match="one common class, anger"):
        compare(runs)
    del runs["without happiness"]
    found = compare(runs | {"again": runs["without fear"]})
    assert (found.outputs, found.tested) == (("anger", "happiness"), 10)
    assert values(found, "difference") == [0, 0]


def test_runs_without_a_common_class_are_refused_with_the_classes_of_both():
    with pytest.raises(
        RunError, match=r"no common class.*wide has anger, boredom, happiness; odd has joy, rage"
    ):
        compare({"wide": wide(), "odd": predictions(("joy", "rage"), [("toy/0-a", "joy", [1, 0])])})


def test_runs_that_tested_no_common_utterances_are_refused():
    rows = [(f"else/{i}-a", "anger", [1, 0]) for i in range(5)]
    away = predictions(("anger", "happiness"), rows)
    with pytest.raises(
        RunError, match=r"no utterance was .* \(wide tested 15, away tested 5; .* anger, happiness\)"
    ):
        compare({"wide": wide(), "away": away})
    angry = predictions(("anger", "happiness"), [(f"toy/{i}-a", "anger", [1, 0]) for i in range(5)])
    with pytest.raises(RunError, match="only anger has utterances that every run tested"):
        compare({"wide": wide(), "angry": angry})


def test_each_seed_has_to_test_the_same():
    uneven = wide(seeds=(0, 1))
    uneven = uneven.select(range(len(uneven) - 3))  # the last speaker is missing with seed 1
    with pytest.raises(RunError, match="uneven tested 8 utterances with seed 1, and 10 with seed 0"):
        compare({"uneven": uneven, "narrow": narrow()})


def test_a_prediction_that_is_no_number_is_refused_before_classes_are_removed():
    broken = wide()
    broken.probabilities[2] = np.nan  # an utterance of a class that is not common
    with pytest.raises(RunError, match="broken: toy/0-b: a prediction is not a finite number"):
        compare({"narrow": narrow(), "broken": broken})
