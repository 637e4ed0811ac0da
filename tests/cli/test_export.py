import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import SMALL, tone, without_dev_part

from sercli import audio
from sercli.bundle import Bundle
from sercli.errors import RunError
from sercli.evaluation import evaluate, write_predictions
from sercli.evaluation.calibration import apply_temperature, fit_temperature, measure_calibration
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference.predict import Predictor
from sercli.records import ClassPredictions, pool
from sercli.reports import _quality, share
from sercli.reports.card import Elsewhere, licence_id, warn_of_other_corpora
from sercli.runs.folder import Trial, all_runs
from sercli.runs.predictions import digests
from sercli.tasks import temper
from sercli.workspace import Workspace


@pytest.fixture(scope="module")
def place(small_workspace, tmp_path_factory):
    """A workspace with a run of two finished folds."""
    from sercli.devices import Device
    from sercli.training.plan import make_plan
    from sercli.training.settings import configure
    from sercli.training.trials import compute_features, train_trials

    place = Workspace(tmp_path_factory.mktemp("cli") / "w")
    (place.root / "corpora").mkdir(parents=True)
    (place.root / "corpora" / "emodb").symlink_to(small_workspace.corpus("emodb"))
    plan = make_plan(configure(SMALL, place, Device("cpu")), place, "1-2")
    compute_features(plan)
    train_trials(plan, Device("cpu"), lambda line: None)
    return place


@pytest.fixture
def run(command_line, place):
    return lambda *arguments: command_line("export", *arguments, "--workspace", place.root)


def test_the_card_tells_figures_licence_banners_and_the_law(run, place, tmp_path):
    status, out, _ = run("latest", tmp_path / "model", "--fold", "1")
    assert status == 0
    assert "README.md" in out
    card = (tmp_path / "model" / "README.md").read_text()
    (made,) = all_runs(place)
    trial = made.trial(1, 0)
    table = read_predictions(trial.predictions_file)
    right = 100 * (table.predicted == table.target).mean()
    (row,) = [line for line in card.splitlines() if line.startswith("| WA |")]
    assert row.startswith(f"| WA | {right:.1f} %")
    for class_ in table.classes:
        assert f"\n| {class_} | " in card
    digest = trial.settings()["provenance"]["protocol_digest"]
    for told in (
        "Partial corpus: 48 of 535",
        "Licence: free to use",
        f"digest {digest}",
        "Left open by the paper",
        "sercli predict",
        "Article 5(1)(f)",
        "what a person feels",
        "torch 2.",
        "Unfinished: 2 of 4 folds",
        "the run's 2 trials, pooled",
    ):
        assert told in card, told


def test_the_description_has_the_figures_and_the_model_still_says_the_same(run, place, tmp_path):
    run("latest", tmp_path / "model", "--fold", "2")
    (made,) = all_runs(place)
    trial = made.trial(2, 0)
    own, exported = Bundle.load(trial.bundle), Bundle.load(tmp_path / "model")
    facts = exported.facts
    assert facts["figures"]["ua"]["value"] == pytest.approx(trial.metrics()["test_ua"])
    assert facts["figures"]["wa"]["value"] == pytest.approx(trial.metrics()["test_wa"])
    assert facts["run_figures"]["utterances"] == 24
    assert facts["protocol_digest"] == trial.settings()["provenance"]["protocol_digest"]
    assert all(
        (value == own.network.state_dict()[name]).all()
        for name, value in exported.network.state_dict().items()
    )
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "bundle.json",
        "weights.safetensors",
    ]


def test_a_threshold_is_the_bundles_and_says_what_it_was_found_on(run, place, tmp_path, capsys):
    status, out, _ = run("latest", tmp_path / "model", "--fold", "1", "--sure", "0.02")
    facts = json.loads((tmp_path / "model" / "bundle.json").read_text())["facts"]
    assert (status, 0 < facts["threshold"] <= 1) == (0, True)
    assert "this model's own dev part (12 utterances" in facts["threshold_found"]["on"]
    assert f"below {facts['threshold']:.3f}" in out
    (made,) = all_runs(place)
    own = read_predictions(made.trial(1, 0).predictions_file)
    trusted = own.probabilities.max(axis=1) >= facts["threshold"]
    tried = facts["threshold_tried"]
    assert (tried["on"], tried["count"]) == ("its own test part", 12)
    assert tried["kept"] == pytest.approx(trusted.mean())
    assert tried["right"] == pytest.approx((own.predicted == own.target)[trusted].mean())
    assert f"on the test part {100 * tried['kept']:.0f} % of 12 predictions are sure" in out
    card = (tmp_path / "model" / "README.md").read_text()
    assert "On this model's test part, which was not used to find it" in card
    status, _, err = run("latest", tmp_path / "strict", "--fold", "1", "--sure", "0.99")
    assert json.loads((tmp_path / "strict" / "bundle.json").read_text())["facts"]["threshold"] is None
    assert "no threshold for 'unsure'" in err
    assert "No threshold was found" in (tmp_path / "strict" / "README.md").read_text()


def with_wrong_dev_rows(trial, count):
    """Store a dev part of which some utterances have another label, and say that training wrote it."""
    dev = read_predictions(trial.dev_predictions_file)
    target = dev.target.copy()
    target[:count] = (dev.predicted[:count] + 1) % len(dev.classes)
    write_predictions(trial.dev_predictions_file, replace(dev, target=target))
    metrics = trial.metrics()
    trial.metrics_file.write_text(json.dumps(metrics | {"sha256": digests(trial)}))
    return read_predictions(trial.dev_predictions_file)


@pytest.mark.slow
def test_calibrate_fits_a_temperature_on_dev_which_predict_and_programs_apply(
    run, place, tmp_path, write_wav
):
    (made,) = all_runs(place)
    trial = made.trial(1, 0)
    kept = {file: file.read_bytes() for file in (trial.dev_predictions_file, trial.metrics_file)}
    try:
        dev = with_wrong_dev_rows(trial, 4)
        status, out, err = run("latest", tmp_path / "model", "--fold", "1", "--calibrate", "--torch")
        run("latest", tmp_path / "plain", "--fold", "1")
    finally:
        for file, content in kept.items():
            file.write_bytes(content)
    assert status == 0, err
    tested = set(read_predictions(trial.predictions_file).ids)
    other = read_predictions(made.trial(2, 0).dev_predictions_file)
    rows = [row for row, name in enumerate(other.ids) if name not in tested]
    fitted = fit_temperature(pool([dev, other.select(rows)]) if rows else dev)
    bundle, plain = Bundle.load(tmp_path / "model"), Bundle.load(tmp_path / "plain")
    assert (bundle.outputs.temperature, plain.outputs.temperature) == (fitted.value, 1.0)
    own = read_predictions(trial.predictions_file)
    stated = bundle.facts["calibration"]
    assert (stated["utterances"], stated["speakers"]) == (fitted.utterances, fitted.speakers)
    assert stated["tested"] == 12
    assert f"of the run's 2 trials, {_quality._EACH}" in stated["on"]
    assert stated["ece_before"] == measure_calibration(own).ece
    assert stated["ece_after"] == measure_calibration(apply_temperature(own, fitted.value)).ece
    assert f"calibrated temperature {fitted.value:.3f}, fitted on {fitted.utterances} utterances of " in out
    assert f"a temperature of {fitted.value:.3f}" in (tmp_path / "model" / "README.md").read_text()
    path = write_wav(tmp_path / "a.wav", tone(0.5, pitch=200))
    (before,), (after,) = (list(Predictor(each).predict([path])) for each in (plain, bundle))
    expected = temper(np.array([before.probabilities]), fitted.value)[0]
    np.testing.assert_allclose(after.probabilities, expected, atol=1e-9)
    assert after.predicted == before.predicted
    program = torch.export.load(tmp_path / "model" / "speech.pt2").module()
    spoken = program(samples=torch.from_numpy(audio.read(path))[None]).detach().numpy()[0]
    np.testing.assert_allclose(spoken, expected, atol=1e-5)


def test_calibrate_without_a_dev_part_is_refused_with_the_remedy(run, place, tmp_path):
    (made,) = all_runs(place)
    with without_dev_part(made.trials()):
        status, _, err = run("latest", tmp_path / "model", "--fold", "1", "--calibrate")
    assert (status, (tmp_path / "model").exists()) == (1, False)
    assert "has no predictions of a dev part, and the test part must not be used; train with" in err


def test_without_a_dev_part_the_figures_are_called_those_of_the_same_rows(run, place, tmp_path):
    (made,) = all_runs(place)
    with without_dev_part([made.trial(1, 0)]):
        _, _, err = run("latest", tmp_path / "model", "--fold", "1", "--sure", "0.02")
    facts = json.loads((tmp_path / "model" / "bundle.json").read_text())["facts"]
    assert "this model's own test part (12 utterances" in facts["threshold_found"]["on"]
    assert facts["threshold_tried"] is None
    assert "on the same rows that the threshold was found on" in err
    assert (
        "from the same data on which the threshold was found"
        in (tmp_path / "model" / "README.md").read_text()
    )


def test_utterances_of_the_test_part_have_no_share_in_the_threshold(place):
    (made,) = all_runs(place)
    trial = made.trial(1, 0)
    own, dev = read_predictions(trial.predictions_file), read_predictions(trial.dev_predictions_file)
    assert not set(own.ids) & set(dev.ids)
    assert _quality._read_dev(trial, own).ids == dev.ids
    assert _quality._read_dev(trial, dev) is None
    both = replace(own, ids=(*own.ids[3:], *dev.ids[:3]))
    found = _quality._read_dev(trial, both)
    assert found.ids == dev.ids[3:]
    np.testing.assert_array_equal(found.probabilities, dev.probabilities[3:])


def test_other_files_in_a_bundles_folder_are_kept(run, tmp_path):
    out = tmp_path / "model"
    run("latest", out, "--fold", "1")
    (out / "notes.txt").write_text("years of work")
    status, _, err = run("latest", out, "--fold", "2")
    assert (status, "holds other files, which would be lost (notes.txt)" in err) == (1, True)
    assert (out / "notes.txt").read_text() == "years of work"
    (out / "notes.txt").unlink()
    (out / "figures").mkdir()
    assert "(figures)" in run("latest", out, "--fold", "2")[2]
    (out / "figures").rmdir()
    assert run("latest", out, "--fold", "2")[0] == 0


def test_nothing_is_written_among_a_runs_own_files(run, place, tmp_path):
    (made,) = all_runs(place)
    before = sorted(path for path in made.path.rglob("*"))
    (tmp_path / "link").symlink_to(made.path)
    for out in (made.trial(2, 0).bundle, made.path / "model", made.path, tmp_path / "link" / "model"):
        status, _, err = run("latest", out, "--fold", "1")
        assert (status, "is in the folder of the run" in err) == (1, True), out
    assert sorted(path for path in made.path.rglob("*")) == before


def test_a_link_to_a_bundle_stays_one(run, tmp_path):
    run("latest", tmp_path / "real", "--fold", "1")
    (tmp_path / "link").symlink_to("real")
    assert run("latest", tmp_path / "link", "--fold", "2")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert Bundle.load(tmp_path / "real").facts["fold"] == 2


def test_one_of_several_models_has_to_be_named(run, tmp_path):
    status, _, err = run("latest", tmp_path / "model")
    assert status == 1
    assert "several trials; name one with --fold and --seed: fold 1 seed 0, fold 2 seed 0" in err
    assert "no such trial" in run("latest", tmp_path / "model", "--fold", "3")[2]
    assert not (tmp_path / "model").exists()


def test_only_a_bundle_is_replaced(run, place, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    assert "holds other files" in run("latest", tmp_path / "mine", "--fold", "1")[2]
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    (tmp_path / "file").write_text("")
    assert "a file; name a folder" in run("latest", tmp_path / "file", "--fold", "1")[2]
    (made,) = all_runs(place)
    assert "the run's own bundle" in run("latest", made.trial(1, 0).bundle, "--fold", "1")[2]
    assert run("latest", tmp_path / "model", "--fold", "1")[0] == 0
    assert run("latest", tmp_path / "model", "--fold", "2")[0] == 0
    assert Bundle.load(tmp_path / "model").facts["fold"] == 2


def test_a_failed_export_leaves_what_was_there(run, tmp_path, monkeypatch):
    run("latest", tmp_path / "model", "--fold", "1")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sercli.reports.share.render_card", full)
    status, _, err = run("latest", tmp_path / "model", "--fold", "2")
    assert (status, "No space left" in err) == (1, True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("spoil", ["edit", "remove"])
def test_a_changed_card_is_refused(run, tmp_path, spoil):
    run("latest", tmp_path / "model", "--fold", "1")
    card = tmp_path / "model" / "README.md"
    if spoil == "edit":
        card.write_text(card.read_text().replace("Partial corpus", "Whole corpus"))
    else:
        card.unlink()
    with pytest.raises(RunError, match=r"README\.md"):
        Bundle.load(tmp_path / "model")


def test_a_missing_extra_is_one_line_with_the_remedy(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    status, out, err = run("latest", tmp_path / "model", "--fold", "1", "--onnx")
    assert (status, out) == (1, "")
    assert err == "error: ONNX needs 'onnxscript': pip install 'sercli[onnx]'\n"
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_the_onnx_files_say_what_predict_says(run, place, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    status, out, _ = run("latest", tmp_path / "model", "--fold", "1", "--onnx", "--torch")
    assert status == 0
    for name in ("network.onnx", "speech.onnx", "network.pt2", "speech.pt2"):
        assert f"{name}, " in out
    from sercli.inference import score
    from sercli.inference.recordings import Piece, dataset_of, extract

    bundle = Bundle.load(tmp_path / "model")
    session = onnxruntime.InferenceSession(str(tmp_path / "model" / "speech.onnx"))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["sercli.classes"]) == list(bundle.classes)
    for seconds in (0.31, 1.0, 2.345):
        samples = tone(seconds, pitch=240)
        (expected,) = score(
            bundle.network,
            dataset_of(bundle, [extract(bundle, Piece(0.0, {0: samples}))]),
            bundle.outputs,
        )
        (found,) = session.run(None, {"samples": samples[None]})
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("licence", "named"),
    [
        ("CC BY-NC-SA 4.0", ("cc-by-nc-sa-4.0", None)),
        ("CC BY 4.0", ("cc-by-4.0", None)),
        ("CC0 1.0", ("cc0-1.0", None)),
        ("CC0 1.0; ask for it", ("other", "cc0-1.0-ask-for-it")),
        ("free to use", ("other", "free-to-use")),
        ("for research; ask for it", ("other", "for-research-ask-for-it")),
        ("!", ("other", "unknown")),
    ],
)
def test_a_card_names_its_licence_as_the_hub_does(licence, named):
    assert licence_id(licence) == named


LISTS = "lists:/home/ann/folds.csv#0123abcd@1"


@pytest.fixture
def other_settings(monkeypatch):
    """Let trials have other settings: other_settings(change) lets ``change`` alter them."""
    whole = Trial.settings

    def make(change):
        def settings(self):
            found = whole(self)
            change(found)
            return found

        monkeypatch.setattr(Trial, "settings", settings)

    return make


def test_where_files_lay_is_not_passed_on(run, tmp_path, other_settings):
    def change(settings):
        settings["protocol"] = LISTS
        settings["init"] = "/home/ann/model#0123456789ab"
        settings["provenance"]["started_from"] = [
            {"corpus": "iemocap", "licence": "ask for it", "protocol": LISTS, "fold": 1},
            {"corpus": "ravdess", "protocol": "leave-one-speaker-out@1"},
        ]

    other_settings(change)
    assert run("latest", tmp_path / "model", "--fold", "1")[0] == 0
    card = (tmp_path / "model" / "README.md").read_text()
    facts = Bundle.load(tmp_path / "model").facts
    assert "/home/ann" not in card + (tmp_path / "model" / "bundle.json").read_text()
    assert facts["protocol"] == facts["started_from"][0]["protocol"] == "lists:folds.csv#0123abcd@1"
    assert "lists:folds.csv#0123abcd@1" in card
    assert facts["started_from"][1] == {"corpus": "ravdess", "protocol": "leave-one-speaker-out@1"}
    for told in (
        "started from: model#0123456789ab, trained on iemocap (licence: ask for it), then ravdess (",
        "Before that its weights were trained on iemocap. Licence: ask for it.\n",
        "Before that its weights were trained on ravdess. Licence: unknown.\n",
        'license: "other"',
    ):
        assert told in card, told


def test_an_older_run_without_a_record_of_earlier_trainings(run, tmp_path, other_settings):
    def forget(settings):
        settings["provenance"].pop("started_from")

    other_settings(forget)
    run("latest", tmp_path / "model", "--fold", "1")
    assert Bundle.load(tmp_path / "model").facts["started_from"] == []
    assert "Before that" not in (tmp_path / "model" / "README.md").read_text()

    def forget_start(settings):
        settings["provenance"].pop("started_from")
        settings["init"] = "model#0123456789ab"

    other_settings(forget_start)
    run("latest", tmp_path / "model", "--fold", "1")
    assert Bundle.load(tmp_path / "model").facts["started_from"] == [{"corpus": "unknown"}]
    assert "Before that its weights were trained on unknown" in (tmp_path / "model" / "README.md").read_text()


def test_the_card_says_whether_the_epoch_was_chosen_on_the_same_rows(run, tmp_path, other_settings):
    run("latest", tmp_path / "model", "--fold", "1")
    assert "but its epoch was chosen on them" in (tmp_path / "model" / "README.md").read_text()

    def last(settings):
        settings["training"]["selection"] = "last"

    other_settings(last)
    run("latest", tmp_path / "model", "--fold", "1")
    assert "epoch was chosen on" not in (tmp_path / "model" / "README.md").read_text()


def test_a_threshold_of_the_other_models_rows_is_called_theirs(run, tmp_path, monkeypatch):
    whole = _quality._search

    def search(rows, sure):
        found = whole(rows, sure)
        return found if len(rows) > 12 else replace(found, confidence=None, why_none="few rows")

    monkeypatch.setattr(_quality, "_search", search)
    run("latest", tmp_path / "model", "--fold", "1", "--sure", "0.02")
    told = (
        "The threshold was found on the dev parts of 2 trials of "
        "the run, each predicted by its own model, not by this "
        "one, and each model's epoch was chosen on its part: "
    )
    assert told in (tmp_path / "model" / "README.md").read_text()


def _evaluation(right):
    """Twenty predictions of two classes, of which the given share of each class is right."""
    classes, each = ("anger", "sadness"), 10
    target = np.repeat([0, 1], each)
    wrong = np.tile(np.arange(each) >= right * each, 2)
    predicted = np.where(wrong, 1 - target, target)
    probabilities = np.full((20, 2), 0.3)
    probabilities[np.arange(20), predicted] = 0.7
    return evaluate(
        ClassPredictions(
            classes=classes,
            ids=tuple(f"c/{number}" for number in range(20)),
            speakers=tuple(f"{number % 5}" for number in range(20)),
            genders=(None,) * 20,
            target=target,
            probabilities=probabilities,
            folds=("all",) * 20,
            seeds=(0,) * 20,
        ),
        100,
    )


def test_other_corpora_are_in_the_card_and_weak_metrics_there_are_its_first_warning(place, tmp_path):
    (made,) = all_runs(place)
    elsewhere = [Elsewhere("Here", "There", _evaluation(0.5)), Elsewhere("There", "Here", _evaluation(0.4))]
    share.export_bundle(made, made.trial(1, 0), tmp_path / "model", elsewhere=elsewhere)
    facts = Bundle.load(tmp_path / "model").facts
    warning = (
        "Wrong for 50 to 60 of 100 recordings of a corpus that it was not trained on (mean over classes)."
    )
    assert facts["warning"] == warning
    assert [each["figures"]["ua"]["value"] for each in facts["other_corpora"]] == [0.5, 0.4]
    card = (tmp_path / "model" / "README.md").read_text()
    assert card.index(f"> **{warning}**") == card.index("> **")
    assert "\n| Here | There | 50.0 % (" in card
    assert "\n| There | Here | 40.0 % (" in card


def test_a_model_that_holds_on_other_corpora_has_no_warning():
    there = Elsewhere("Here", "There", _evaluation(0.6))
    assert warn_of_other_corpora([there]) is None
    assert warn_of_other_corpora([]) is None
    weak = Elsewhere("There", "Here", _evaluation(0.5))
    assert warn_of_other_corpora([weak]).startswith("Wrong for 50 of 100 recordings")
    assert warn_of_other_corpora([weak, there]).startswith("Wrong for 40 to 50 of 100 recordings")
