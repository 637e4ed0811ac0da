"""The starter in this repository: its bundle, its card, and the corpus that it is trained on."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from sercli import registry
from sercli.bundle import Bundle
from sercli.starter import describe, find_starter

ROOT = Path(__file__).parents[1] / "starter"
FOLDER = ROOT / "sercli_starter" / "starter"
if not ROOT.is_dir():
    pytest.skip(
        "the source distribution has no starter, whose licence is another one", allow_module_level=True
    )
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLASSES = ("anger", "happiness", "neutral", "sadness")
TENSORS = "432c4829b4253e51"


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(FOLDER)


@pytest.fixture(scope="module")
def metrics():
    return json.loads((FOLDER / "metrics.json").read_text())


def test_it_loads_without_its_encoder_which_it_names_by_digest(bundle):
    assert bundle.classes == CLASSES
    config = bundle.inputs["x"].config
    assert (config.model, config.encoder.tensors, config.encoder.licence) == (
        "whisper-tiny.en",
        TENSORS,
        "apache-2.0",
    )
    assert bundle.inputs["x"].statistics == "per-bin"  # a single file can be judged


def test_it_is_small_and_names_no_place_of_the_machine_that_made_it():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 500_000
    for path in (FOLDER / "bundle.json", FOLDER / "README.md", FOLDER / "metrics.json"):
        assert not re.search(r"/(home|root|tmp|work|Users)/", path.read_text())


def test_one_licence_is_in_the_metadata_the_bundle_and_the_card(bundle):
    assert PROJECT["license"] == "CC-BY-NC-SA-4.0"
    assert bundle.facts["licence"] == "CC BY-NC-SA 4.0"
    assert 'license: "cc-by-nc-sa-4.0"' in (FOLDER / "README.md").read_text()
    assert "CC BY-NC-SA 4.0" in (ROOT / "LICENSE").read_text()


def test_its_first_line_is_how_often_it_is_wrong_on_other_corpora(bundle, metrics):
    values = [each["figures"]["ua"]["value"] for each in metrics["other_corpora"]]
    wrong = {round(100 * (1 - value)) for value in values}
    share = " to ".join(str(each) for each in sorted(wrong))
    assert (min(values) < 0.6, len(values)) == (True, 2)
    first, second = describe(bundle.facts, FOLDER)
    assert first.startswith(f"the starter model is wrong for {share} of 100 recordings")
    assert "licence CC BY-NC-SA 4.0" in second


def test_the_card_has_the_metrics(metrics):
    card = (FOLDER / "README.md").read_text()
    whole = metrics["actors_not_trained_on"]["all"]
    for scores in (whole, *(each["figures"] for each in metrics["other_corpora"])):
        for name in ("ua", "wa"):
            assert f"{100 * scores[name]['value']:.1f} %" in card
    assert (
        sum(metrics["actors_not_trained_on"][part]["utterances"] for part in ("emodb", "ravdess"))
        == (whole["utterances"])
    )
    assert "python starter/train.py" in card


def test_it_is_found_as_a_plugin(monkeypatch):
    monkeypatch.setattr(registry, "_installed", lambda: ())
    registry._plugins.cache_clear()
    monkeypatch.setenv("SERCLI_PLUGINS", str(ROOT / "sercli_starter"))
    assert find_starter() == FOLDER


def test_its_corpus_keeps_the_speakers_of_the_two_corpora_apart(tmp_path, write_wav, monkeypatch):
    from sercli.corpora import get_corpus

    write_wav(tmp_path / "emodb" / "wav" / "03a01Fa.wav")
    write_wav(tmp_path / "ravdess" / "Actor_03" / "03-01-02-01-01-01-03.wav")
    (tmp_path / "ravdess" / "Actor_03" / "readme.wav").write_bytes(b"")
    monkeypatch.setenv("SERCLI_PLUGINS", str(ROOT / "training"))
    corpus = get_corpus("starter")
    first, second, problem = corpus.parse(tmp_path)
    assert (first.id, first.file, first.speaker) == (
        "starter/emodb-03a01Fa",
        "emodb/wav/03a01Fa.wav",
        "emodb-03",
    )
    assert (second.speaker, second.text_id) == ("ravdess-03", "01")
    assert problem.place == "ravdess/Actor_03/readme.wav"
    labels = corpus.schemes[0].select([first, second]).labels
    assert list(labels.values()) == ["happiness", "neutral"]  # calm counts as neutral
    (tmp_path / "emodb").rename(tmp_path / "other")
    assert next(corpus.parse(tmp_path)).fact.startswith("missing")


@pytest.fixture
def predictor(bundle):
    from sercli.encoders.finding import cached_encoder
    from sercli.inference.predict import Predictor

    encoder = cached_encoder("openai/whisper-tiny.en")
    if encoder is None:
        pytest.skip("openai/whisper-tiny.en is not on this machine")
    return Predictor(replace(bundle, inputs={"x": bundle.inputs["x"].with_settings(model=str(encoder))}))


def test_it_recognises_recordings_that_it_was_trained_on(predictor, recordings_folder):
    files = [recordings_folder / "emodb" / "wav" / f"{name}.wav" for name in ("03a01Wa", "03a01Nc")]
    assert [each.predicted for each in predictor.predict(files)] == ["anger", "neutral"]


@pytest.mark.slow
def test_the_places_that_an_explanation_marks_matter_more_than_others(predictor, recordings_folder):
    """A tenth of the cells, those with the largest effect, against as many of the others, all at once."""
    import numpy as np

    from sercli import audio
    from sercli.inference.occlusion import explain, log_odds, make_quieter

    falls = []
    for path in sorted((recordings_folder / "emodb").rglob("*.wav"))[3::80]:
        samples = audio.read(path)
        (said,) = predictor.predict([path])
        target = CLASSES.index(said.predicted)
        found = explain(predictor, samples, target)
        order = np.argsort(-found.cells, axis=None)
        count = max(1, len(order) // 10)
        others = np.random.default_rng(0).choice(order[count:], count, replace=False)
        cells = np.zeros((2, found.cells.size), bool)
        cells[0, order[:count]] = cells[1, others] = True
        sounds = [make_quieter(samples, each.reshape(found.cells.shape)) for each in cells]
        falls.append(found.log_odds - log_odds(predictor, sounds, target))
    marked, other = np.array(falls).T
    assert (marked > other).all()
    assert np.median(marked) > 5 * np.abs(np.median(other))
