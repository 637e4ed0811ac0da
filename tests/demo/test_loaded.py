import dataclasses
from pathlib import Path

import pytest
from untrained import make

from sercli.demo import rendering
from sercli.web.limits import Limits
from sercli.web.loaded import intended_use, load

FIGURES = {
    "ua": {"value": 0.744, "interval": [0.676, 0.805]},
    "wa": {"value": 0.77, "interval": None},
    "chance": 0.25,
}
FACTS = {
    "corpus": "emodb",
    "title": "EMO-DB",
    "scheme": "emodb-4",
    "licence": "free <b>",
    "notice": "Beware & care",
    "protocol": "leave-one-speaker-out@1",
    "fold": 3,
    "seed": 0,
    "figures": FIGURES,
}


@pytest.fixture(scope="module")
def small():
    return make("mdcnn", {"x": {"kind": "logmel3d"}}, {"filters": 8})


def save(bundle, path, **facts):
    dataclasses.replace(bundle, facts=facts).save(path)
    return path


def test_what_must_be_told_is_told(small, tmp_path):
    (found,) = load([save(small, tmp_path / "a", **FACTS)])
    assert (found.name, found.notice) == ("mdcnn, emodb-4", "Beware & care")
    assert found.facts["Test results"] == (
        "this model: UA 74.4 % (95 % over speakers 67.6 to 80.5), WA 77.0 % (no interval), chance is 25 %"
    )
    assert found.facts["Test protocol"] == "leave-one-speaker-out@1, fold 3"
    html = rendering.about([found])
    assert "free &lt;b&gt;" in html
    assert "Beware &amp; care" in html


def test_continuous_figures(small, tmp_path):
    figures = {"ccc": {"arousal": {"value": 0.5, "interval": [0.4, 0.6]}, "valence": {"value": None}}}
    (found,) = load([save(small, tmp_path / "a", run_figures=figures)])
    told = "CCC of arousal 0.500 (95 % over speakers 0.400 to 0.600)"
    assert found.facts["Test results"] == f"the models of its run, pooled: {told}"


def test_a_bundle_that_says_little_or_nonsense_is_shown_all_the_same(small, tmp_path):
    (found,) = load([save(small, tmp_path / "a")])
    assert found.name == "mdcnn, unknown corpus"
    assert "sercli export" in found.facts["Test results"]
    nonsense = {
        "figures": {"ua": "high", "wa": {"value": "x"}, "ccc": 3},
        "notice": None,
        "licence": ["a", 1],
    }
    (found,) = load([save(small, tmp_path / "b", **nonsense)])
    assert "sercli export" in found.facts["Test results"]


def test_names_are_unique(small, tmp_path):
    paths = [
        save(small, tmp_path / "a", **FACTS),
        save(small, tmp_path / "b", **FACTS | {"fold": 4}),
        save(small, tmp_path / "c", **FACTS | {"fold": 4}),
        save(small, tmp_path / "d", **FACTS | {"scheme": "emodb-7"}),
    ]
    assert [each.name for each in load(paths)] == [
        "mdcnn, emodb-4, fold 3, seed 0",
        f"mdcnn, emodb-4, fold 4, seed 0 ({paths[1]})",
        f"mdcnn, emodb-4, fold 4, seed 0 ({paths[2]})",
        "mdcnn, emodb-7",
    ]


def test_the_page_tells_what_the_model_card_tells(small, tmp_path):
    card = Path(rendering.__file__).parents[1] / "reports/templates/card.md"
    told = intended_use()
    assert told.startswith("For research")
    assert told in card.read_text()
    assert "AI Act" in told
    assert "##" not in told
    assert "{" not in told
    found = load([save(small, tmp_path / "a", **FACTS)])
    assert "which deletes it after the answer" in rendering.head(found, Limits(), kept=False)
    kept = rendering.head(found, Limits(mb=5, minutes=2), kept=True)
    assert "The computer that runs this page keeps recordings" in kept
    assert "Up to 2 minutes and 5 MB" in kept
