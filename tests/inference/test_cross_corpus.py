import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL
from typer.testing import CliRunner

from sercli import manifest
from sercli.bundle import Bundle
from sercli.cli import app
from sercli.cli.evaluate import _draw_insights
from sercli.errors import ConfigError, CorpusError, RunError
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference import cross_corpus
from sercli.inference.cross_corpus import apply_run
from sercli.reports.cross_corpus import mapping_table, report_applied, write_cross_corpus
from sercli.reports.insights import draw_insights, write_insights
from sercli.runs.folder import Run
from sercli.schemes.reading import choose_scheme
from sercli.training.initial_weights import name_bundle, trace_back

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def other(place, monkeypatch):
    """Lay a prepared corpus beside itself under another name, as if its audio were another's."""
    made = []

    def lay(corpus, name, change=lambda utterance: utterance, *, heard=False):
        shutil.copytree(place.corpus(corpus), place.corpus(name))
        made.append(place.corpus(name))
        changed = [change(utterance) for utterance in manifest.read(place.manifest(name))]
        manifest.write(place.manifest(name), changed)
        if not heard:
            monkeypatch.setattr(cross_corpus, "_audio_of", lambda corpus, workspace: frozenset())
        return name

    yield lay
    for folder in made:
        shutil.rmtree(folder)


def test_the_networks_say_of_a_copy_what_they_say_of_the_test_part(small, place, other):
    _, trial = small
    applied = apply_run(Run(trial.path.parents[1]), other("emodb", "copy"), place, "common-4")
    own, found = read_predictions(trial.predictions_file), applied.predictions
    rows = [found.ids.index(name) for name in own.ids]
    np.testing.assert_allclose(found.probabilities[rows], own.probabilities, rtol=1e-5)
    np.testing.assert_array_equal(found.target[rows], own.target)
    assert len(found) == 48
    assert found.folds == ("speaker 03",) * 48
    assert applied.mapping.foreign == ()
    assert (applied.trained_on, dict(applied.left_out)) == ("emodb", {})


def test_labels_are_mapped_and_the_rest_is_counted(small, place, other):
    names = {"neutral": "calm", "happiness": "boredom", "sadness": "disgust"}
    corpus = other("emodb", "odd", lambda each: replace(each, emotion=names.get(each.emotion, each.emotion)))
    run = Run(small[1].path.parents[1])
    applied = apply_run(run, corpus, place, "every-emotion")
    assert applied.predictions.classes == ("anger", "neutral")
    assert applied.mapping.foreign == ("happiness", "sadness")
    assert applied.tested == {"anger": 12, "calm": 12}
    assert applied.left_out == {"boredom": 12, "disgust": 12}
    np.testing.assert_allclose(applied.predictions.probabilities.sum(axis=1), 1)
    kept = apply_run(run, corpus, place, "every-emotion", keep_foreign=True)
    assert kept.predictions.classes == ("anger", "neutral", "happiness", "sadness")
    probabilities = kept.predictions.probabilities[:, :2]
    np.testing.assert_allclose(
        probabilities / probabilities.sum(axis=1, keepdims=True), applied.predictions.probabilities
    )
    # Written beside the run, where the run's own folders are not touched.
    folders = [write_cross_corpus(report_applied(each, place)).parent for each in (applied, kept)]
    assert [folder.name for folder in folders] == [
        "on-odd-every-emotion",
        "on-odd-every-emotion-foreign-kept",
    ]
    told = json.loads((folders[0] / "metrics.json").read_text())
    assert told["mapping"]["corpus"]["calm"] == "neutral"
    assert told["mapping"]["corpus"]["boredom"] is None
    assert told["left_out"] == {"boredom": 12, "disgust": 12}
    assert told["mapping"]["shared"] == ["anger", "neutral"]
    assert told["mapping"]["model_only"] == ["happiness", "sadness"]
    assert told["mapping"]["corpus_only"] == ["boredom", "disgust"]
    both, of_model, of_corpus = told["banners"][1:4]
    assert both.startswith(
        "Classes of both the model and the corpus: anger, neutral (neutral of the model, calm"
    )
    assert of_model.startswith("Classes of the model only: happiness, sadness; the probabilities of these")
    assert of_corpus.startswith("Classes of the corpus only: boredom, disgust; the model can't predict them,")
    told_kept = json.loads((folders[1] / "metrics.json").read_text())["banners"]
    assert any("the model may predict them, and this counts as wrong" in banner for banner in told_kept)
    assert mapping_table(applied).rows == (
        ("anger", "anger", "anger", "12"),
        ("neutral", "neutral", "calm", "12"),
        ("happiness", "happiness", "-", "0"),
        ("sadness", "sadness", "-", "0"),
        ("boredom", "-", "boredom", "left out"),
        ("disgust", "-", "disgust", "left out"),
    )
    assert len(read_predictions(folders[0] / "predictions.csv")) == 24
    assert (folders[0] / "confusion.png").exists()
    assert "calm, neutral" not in (page := (folders[0] / "report.html").read_text())
    assert "neutral: neutral of the model, calm of the corpus" in page
    assert "boredom: nothing of the model, boredom of the corpus" in page
    assert "Classes of the corpus only: boredom, disgust" in page
    assert [each.path for each in run.trials()] == [small[1].path]


def test_classes_of_a_scheme_of_the_user_s_own_are_mapped_by_name(small, place, other):
    # Merged classes are other classes: "joy" is not happiness, whatever it is made of.
    scheme = choose_scheme(None, "anger,happiness+neutral=joy,sadness")
    applied = apply_run(Run(small[1].path.parents[1]), other("emodb", "own"), place, scheme)
    assert applied.mapping.shared == ("anger", "sadness")
    assert applied.mapping.model_only == ("happiness", "neutral")
    assert applied.mapping.missing == ("joy",)
    assert applied.left_out == {"joy": 24}
    (both, model, corpus) = report_applied(applied, place).report.banners[1:4]
    assert both == "Classes of both the model and the corpus: anger, sadness."
    assert model.startswith("Classes of the model only: happiness, neutral; ")
    assert corpus.startswith("Classes of the corpus only: joy; ")


def test_each_trial_has_its_rows(small, place, other, tmp_path):
    _, trial = small
    run = Run(tmp_path / "run")
    for fold, seed in ((1, 0), (1, 1)):
        path = run.trial(fold, seed).path
        shutil.copytree(trial.path, path)
    applied = apply_run(run, other("emodb", "twice"), place, "common-4")
    assert len(applied.predictions) == 96
    assert set(applied.predictions.seeds) == {0, 1}
    result = report_applied(applied, place)
    assert (result.report.evaluation.tested, result.report.evaluation.count) == (48, 96)


def test_the_corpus_of_the_training_is_refused(small, place, other):
    run = Run(small[1].path.parents[1])
    with pytest.raises(ConfigError, match="was trained on 'emodb': name another corpus"):
        apply_run(run, "emodb", place)
    with pytest.raises(CorpusError, match="'ravdess' is not prepared"):
        apply_run(run, "ravdess", place)
    # Its audio under another name is found too.
    with pytest.raises(ConfigError, match="nothing is left to test"):
        apply_run(run, other("emodb", "disguised", heard=True), place, "common-4")
    with pytest.raises(RunError, match="no trial is finished"):
        apply_run(Run(place.root / "nothing"), "emodb", place)


@pytest.fixture
def run_from(small, tmp_path):
    """Give the small run other facts and another start: run_from(facts, init) returns it."""
    _, trial = small

    def make(facts, init=None):
        run = Run(tmp_path / "run")
        copy = run.trial(1, 0)
        shutil.copytree(trial.path, copy.path)
        bundle = Bundle.load(copy.bundle)
        known = {name: value for name, value in bundle.facts.items() if name != "started_from"}
        replace(bundle, facts=known | facts).save(copy.bundle)
        settings = copy.config_file.read_text()
        settings = settings.replace(
            f"corpus: {known['corpus']}\n", f"corpus: {(known | facts)['corpus']}\n", 1
        )
        if init:
            settings = settings.replace("init: null", f"init: {init}#0123456789ab")
        copy.config_file.write_text(settings)
        return run

    return make


def test_all_corpora_that_the_weights_went_through_are_refused(run_from, place, other):
    earlier = [{"corpus": "eldest"}, {"corpus": "elder"}]
    run = run_from({"started_from": earlier}, "/gone")
    for name in ("eldest", "elder"):
        corpus = other("emodb", name)
        with pytest.raises(ConfigError, match=f"through eldest, then elder: '{name}' is no other corpus"):
            apply_run(run, corpus, place, "common-4")
    applied = apply_run(run, other("emodb", "younger"), place, "common-4")
    assert (applied.trained_on, applied.before, applied.unheard) == ("emodb", ("eldest", "elder"), ())


def test_audio_of_earlier_corpora_is_left_out_or_said_to_be_unknown(run_from, place, other):
    run = run_from({"corpus": "absent", "started_from": [{"corpus": "emodb"}]}, "/gone")
    with pytest.raises(ConfigError, match="nothing is left to test"):
        apply_run(run, other("emodb", "disguised", heard=True), place, "common-4")
    applied = apply_run(run, other("emodb", "apart"), place, "common-4")
    assert applied.unheard == ("absent",)
    told = report_applied(applied, place).report
    assert any(each.startswith("Not checked: the network was trained on absent") for each in told.banners)
    assert told.facts["trained on before"] == "emodb"


def test_without_a_record_the_bundle_itself_is_asked(small, run_from, place, other, tmp_path):
    init = tmp_path / "init"
    bundle = Bundle.load(small[1].bundle)
    facts = {**bundle.facts, "corpus": "elder", "started_from": [{"corpus": "eldest"}]}
    replace(bundle, facts=facts).save(init)
    run = run_from({}, init)
    with pytest.raises(ConfigError, match="through eldest, then elder"):
        apply_run(run, other("emodb", "elder"), place, "common-4")
    shutil.rmtree(init)
    with pytest.raises(ConfigError, match="no record says what that was trained on"):
        apply_run(run, other("emodb", "new"), place, "common-4")


@pytest.mark.parametrize("damaged", ["emodb", [1], [{"scheme": "x"}], 3])
def test_a_damaged_record_is_told(run_from, place, other, damaged):
    run = run_from({"started_from": damaged})
    with pytest.raises(RunError, match="record of earlier trainings is damaged"):
        apply_run(run, other("emodb", "some"), place, "common-4")


def test_a_training_records_what_its_weights_went_through(train, small):
    first = small[1]
    second = train(SMALL | {"init": str(first.bundle), "training": SMALL["training"] | {"max_epochs": 1}})[1]
    third = train(SMALL | {"init": str(second.bundle), "training": SMALL["training"] | {"max_epochs": 1}})[1]
    assert Bundle.load(first.bundle).facts["started_from"] == []
    told = Bundle.load(third.bundle).facts["started_from"]
    assert [each["weights"] for each in told] == [
        json.loads((trial.bundle / "bundle.json").read_text())["weights_sha256"][:12]
        for trial in (first, second)
    ]
    assert {(each["corpus"], each["licence"]) for each in told} == {("emodb", "free to use")}
    assert told[0]["manifest_sha256"] == first.settings()["provenance"]["manifest_sha256"]
    assert third.settings()["provenance"]["started_from"] == told


def test_continuous_labels_of_a_copy_are_those_of_the_test_part(regressor, small, place, other):
    _, trial = regressor
    run, corpus = Run(trial.path.parents[1]), other("synth-continuous", "talks")
    applied = apply_run(run, corpus, place)
    own, found = read_predictions(trial.predictions_file), applied.predictions
    rows = [found.ids.index(name) for name in own.ids]
    for number, row in enumerate(rows):
        np.testing.assert_allclose(found.predicted[row], own.predicted[number], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.target[row], own.target[number], rtol=1e-6)
    folder = write_cross_corpus(report_applied(applied, place)).parent
    assert folder.name == "on-talks-arousal-valence"
    assert (folder / "traces.png").exists()
    with pytest.raises(ConfigError, match="predicts no classes"):
        apply_run(run, corpus, place, keep_foreign=True)
    with pytest.raises(ConfigError, match=r"gives continuous labels \(traces\), the run predicts classes"):
        apply_run(Run(small[1].path.parents[1]), corpus, place, "arousal-valence")


def test_the_classes_are_shown(small, place, other):
    corpus = other("emodb", "shown")
    words = ["eval", str(small[1].path.parents[1]), "--on", corpus, "--scheme", "common-4"]
    words += ["--accelerator", "cpu", "--workspace", str(place.root)]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[1].startswith("cross-corpus, emodb to shown (manifest ")
    assert lines[4] == "class      of the model  of shown   utterances"
    assert lines[5].split() == ["anger", "anger", "anger", "12"]
    assert any(line.startswith("UA ") for line in lines)
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["trained_on"] == "emodb"


@pytest.mark.rendered
def test_a_network_is_drawn_by_what_it_has(small, segmented, regressor, place, tmp_path):
    found = draw_insights(small[1], place).pictures
    assert set(found) == {"projection", "occlusion"}
    occluded, *_ = found["occlusion"].axes
    assert [label.get_text() for label in occluded.get_yticklabels()][::6] == ["0", "8000"]
    assert "not why a person sounds so" in found["occlusion"].get_suptitle()
    assert draw_insights(regressor[1], place).pictures == {}
    drawn = draw_insights(segmented[1], place)
    assert set(drawn.pictures) == {"attention"}
    assert write_insights(drawn, tmp_path) == [tmp_path / "attention.png"]
    run = segmented[1].path.parents[1]
    _draw_insights(place, Run(run), "cpu", ())
    assert (run / "report" / "fold-01-seed-0" / "attention.png").exists()
    titles = [axes.get_title(loc="left") for axes in drawn.pictures["attention"].axes[:4]]
    found = [re.fullmatch(r"emodb/\w+, labelled (\w+): \1 \d+\.\d %", title) for title in titles]
    assert [each and each[1] for each in found] == ["anger", "happiness", "neutral", "sadness"]


def test_two_runs_are_projected_side_by_side(small, train, segmented, place, capsys):
    other = train(SMALL | {"training": SMALL["training"] | {"max_epochs": 1}})
    run, beside = (str(each[1].path.parents[1]) for each in (small, other))
    _draw_insights(place, Run(Path(run)), "cpu", [beside])
    told = capsys.readouterr().err
    assert told.count("no ratings of arousal and valence") == 2
    folder = small[1].path.parents[1] / "report" / "fold-01-seed-0"
    rows = (folder / "projection.csv").read_text(encoding="utf-8").splitlines()
    tested = len(read_predictions(small[1].predictions_file))
    assert len(rows) == 1 + 2 * tested
    drawn = draw_insights(small[1], place, beside=[other[1]])
    titles = [axes.get_title(loc="left").splitlines()[1] for axes in drawn.pictures["projection"].axes]
    assert titles == ["max epochs 4", "max epochs 1"]
    assert draw_insights(small[1], place, beside=[segmented[1]]).projected[1:] == ()  # it has no embedding


def test_a_run_beside_has_the_same_fold_and_seed(small, place, tmp_path):
    unfinished = tmp_path / "unfinished"
    shutil.copytree(small[1].path.parents[1], unfinished)
    (unfinished / "fold-01" / "seed-0").rename(unfinished / "fold-01" / "seed-1")
    with pytest.raises(RunError, match="fold 1, seed 0 is not finished; train it or leave out --beside"):
        _draw_insights(place, Run(small[1].path.parents[1]), "cpu", [str(unfinished)])


def test_an_ancestor_that_recorded_none_of_its_own_leaves_them_unknown(
    small, run_from, place, other, tmp_path
):
    init = tmp_path / "init"
    bundle = Bundle.load(small[1].bundle)
    facts = {name: value for name, value in bundle.facts.items() if name != "started_from"}
    replace(bundle, facts=facts | {"corpus": "elder"}).save(init)
    assert [each["corpus"] for each in trace_back(name_bundle(init))] == ["unknown", "elder"]
    applied = apply_run(run_from({}, init), other("emodb", "new"), place, "common-4")
    assert applied.before == ("unknown", "elder")
    assert "unknown" in applied.unheard
    replace(bundle, facts=facts | {"started_from": 3}).save(init)
    with pytest.raises(RunError, match="record of earlier trainings is damaged"):
        trace_back(name_bundle(init))
