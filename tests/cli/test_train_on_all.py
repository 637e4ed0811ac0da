"""A model trained on everything, from the command to the card, and what each other command says of it."""

import json
from types import SimpleNamespace

import pytest
import yaml
from conftest import SMALL, without_dev_part

from sercli import cli
from sercli.bundle import Bundle
from sercli.evaluation import evaluate
from sercli.evaluation.calibration import threshold_for
from sercli.evaluation.predictions_csv import read_predictions
from sercli.hub.push import _files
from sercli.inference.cross_corpus import apply_run
from sercli.records import pool
from sercli.reports.cross_corpus import report_applied
from sercli.reports.share import export_bundle
from sercli.runs.folder import Run
from sercli.workspace import Workspace

pytestmark = pytest.mark.usefixtures("blank_pictures")


def train(place, protocol, *options):
    training = SMALL["training"] | {"max_epochs": 2, "selection": "last"}
    config = place.root / "small.yaml"
    config.write_text(yaml.safe_dump(SMALL | {"training": training}))
    return ["train", "--config", config, "--protocol", protocol, "--workspace", place.root, *options]


@pytest.fixture(scope="module")
def made(small_workspace, tmp_path_factory):
    """A workspace with a run on folds and one on everything, trained alike."""
    place = Workspace(tmp_path_factory.mktemp("all") / "w")
    (place.root / "corpora").mkdir(parents=True)
    (place.root / "corpora" / "emodb").symlink_to(small_workspace.corpus("emodb"))
    with pytest.MonkeyPatch.context() as patch:
        for protocol in ("leave-one-speaker-out", "train-on-all"):
            patch.setattr("sys.argv", ["sercli", *map(str, train(place, protocol))])
            with pytest.raises(SystemExit, match="0"):
                cli.main()
    (folds,) = place.runs.glob("*speaker-out*")
    (everything,) = place.runs.glob("*train-on-all*")
    return SimpleNamespace(place=place, folds=Run(folds), everything=Run(everything))


@pytest.fixture
def run(command_line, made):
    return lambda *arguments: command_line(*arguments, "--workspace", made.place.root)


def test_a_finished_run_is_only_exported(command_line, made, tmp_path):
    out = tmp_path / "model"
    command = train(made.place, "train-on-all", "--export", out, "--tested-by", made.folds.name)
    status, said, err = command_line(*command)
    assert status == 0
    assert "0 of 1 trials, 1 are finished" in said
    assert "epoch " not in said.replace("kept epoch", "")
    assert f"expect     UA {100 * evaluate(_tested(made)).table.row('ua').value:.1f} %, WA " in said
    assert "4 networks of equal settings" in said
    assert "note: Not tested: trained on all utterances; the metrics are those of networks" in err
    other = tmp_path / "other"
    assert run_export(command_line, made, other)[0] == 0
    assert (out / "README.md").read_text() == (other / "README.md").read_text()


def run_export(command_line, made, out, *options):
    own = [made.everything.name, out, "--tested-by", made.folds.name]
    return command_line("export", *own, *options, "--workspace", made.place.root)


def _tested(made):
    return pool([read_predictions(trial.predictions_file) for trial in made.folds.finished()])


def test_figures_and_threshold_are_those_of_the_networks_trained_alike(command_line, made, tmp_path):
    out = tmp_path / "model"
    status, said, _ = run_export(command_line, made, out, "--sure", "0.02")
    bundle = Bundle.load(out)
    facts = bundle.facts
    assert (status, facts["figures"], facts["run_figures"]) == (0, None, None)
    told, expected = facts["tested_by"], evaluate(_tested(made)).table.row("ua")
    assert (told["run"], told["trials"]) == (made.folds.name, 4)
    assert (told["protocol"], told["figures"]["utterances"]) == ("leave-one-speaker-out@1", 48)
    assert told["figures"]["ua"]["value"] == pytest.approx(expected.value)
    assert told["figures"]["ua"]["interval"] == pytest.approx(
        [expected.interval.low, expected.interval.high] if expected.interval else None
    )
    dev = pool([read_predictions(trial.dev_predictions_file) for trial in made.folds.finished()])
    assert facts["threshold"] == threshold_for(dev, 0.02, 0.975).confidence
    assert facts["threshold_found"]["on"] == (
        f"the dev parts of 4 trials of {made.folds.name}, each predicted by its own model, not by this one"
    )
    assert facts["threshold_tried"] is None
    assert f"below {facts['threshold']:.3f}" in said
    card = (out / "README.md").read_text()
    digest = made.folds.trials()[0].settings()["provenance"]["protocol_digest"]
    for line in (
        (
            "\n> **Not tested: trained on all utterances; the metrics "
            "are those of networks with equal settings, trained on"
        ),
        "on all utterances that the scheme emodb-4 selects (48 utterances), seed 0, epoch 2 of 2.\n",
        "**This model itself was not tested**",
        f"protocol leave-one-speaker-out@1 (digest {digest}), run {made.folds.name}. ",
        "\n| | 4 networks with equal settings, pooled |\n",
        f"\n| UA | {100 * expected.value:.1f} %",
        "| recall of the networks with equal settings |",
        "\n- protocol: train-on-all@1 (digest",
    ):
        assert line in card, line
    assert "own test part" not in card
    assert "\n- folds:" not in card


def test_without_dev_parts_the_threshold_is_of_the_test_parts(made, tmp_path):
    (trial,) = made.everything.trials()
    with without_dev_part(made.folds.trials()):
        shared = export_bundle(made.everything, trial, tmp_path / "model", sure=0.02, tested_by=made.folds)
    assert shared.quality.threshold_on.startswith("the test parts of 4 trials of ")
    assert shared.quality.threshold.confidence == threshold_for(_tested(made), 0.02, 0.975).confidence


def test_without_another_run_nobody_knows_how_good_it_is(run, made, tmp_path):
    out = tmp_path / "model"
    status, said, err = run("export", made.everything.name, out)
    assert status == 0
    assert "unsure" not in said
    assert "so its quality is unknown" in err
    assert "note: this model has no metrics; --tested-by RUN" in err
    facts = Bundle.load(out).facts
    assert facts["figures"] is None
    assert not {"tested_by", "threshold"} & set(facts)
    card = (out / "README.md").read_text()
    for line in ("**Unknown: it was not tested.**", "There is no threshold", "--tested-by"):
        assert line in card, line
    for line in ("Intervals", "| UA |", "| chance |", "figures above", "recall of"):
        assert line not in card, line
    assert sorted(_files(out, facts)) == ["README.md", "bundle.json", "weights.safetensors"]  # as pushed
    wav = next(made.place.corpus("emodb").rglob("*03a01Fa.wav"))
    status, said, _ = run("predict", out, wav)
    assert (status, "unsure" in said) == (0, False)


def test_what_leads_to_no_model_is_refused_before_the_training(command_line, made, tmp_path):
    def refused(protocol, *options):
        status, said, err = command_line(*train(made.place, protocol, *options))
        assert (status, said) == (1, "")
        return err

    out, file = tmp_path / "model", tmp_path / "file"
    file.write_text("")
    before = sorted(made.place.runs.iterdir())
    several = ["leave-one-speaker-out", "--seed", "5-6", "--export", out]
    assert "8 trials (4 folds, 2 seeds), but one model is exported; choose a --fold" in refused(*several)
    fresh = ["train-on-all", "--seed", "5", "--export"]
    assert "file: a file; name a folder" in refused(*fresh, file)
    assert "file: a file; name a folder" in refused(*fresh, file / "model")
    assert "is in the folder of the run" in refused(*fresh, made.everything.path / "model")
    alike = ["--tested-by", made.folds.name]
    assert "training.max_epochs is 2, not 3" in refused(*fresh, out, *alike, "--max-epochs", "3")
    assert "tests nothing either" in refused(*fresh, out, "--tested-by", made.everything.name)
    assert "has no 'mine'" in refused(*fresh, out, "--tested-by", "mine")
    one = ["leave-one-speaker-out", "--fold", "1", "--seed", "5", "--export", out, *alike]
    assert "has a test part of its own" in refused(*one)
    new = tmp_path / "w"
    new.mkdir()
    (new / "corpora").symlink_to(made.place.root / "corpora")
    own = train(Workspace(new), "train-on-all", "--export", new / "runs" / made.everything.name / "model")
    assert "is in the folder of the run" in command_line(*own)[2]
    assert command_line(*train(made.place, "train-on-all", *alike))[0] == 2
    assert sorted(made.place.runs.iterdir()) == before
    assert not out.exists()


def test_no_command_takes_it_for_tested(command_line, run, made, tmp_path):
    name, folds = made.everything.name, made.folds.name
    for command in (["eval", name], ["eval", name, "--insights"], ["compare", folds, name]):
        status, said, err = run(*command)
        assert (status, said) == (1, "")
        assert (
            f"error: {name}: trained on all utterances (train-on-all@1), so nothing of its corpus is left"
            in err
        )
        assert f"`sercli eval {name} --on CORPUS`" in err
    rows = {row["run"]: row for row in json.loads(run("runs", "--json")[1])}
    assert (rows[name]["finished"], rows[name]["ua"]) == (1, None)
    assert rows[name]["note"].startswith("trained on all utterances, not tested")
    status, said, _ = run("audit", name)
    assert status == 0
    assert "none for testing, so nothing can leak" in said
    assert "mean and deviation are computed from the training part alone" in said
    run("export", name, tmp_path / "model")
    status, _, err = run("reproduce", tmp_path / "model")
    assert (status, "has no metric to reproduce" in err) == (1, True)
    status, said, _ = run("protocols", "show", "train-on-all", "--corpus", "emodb", "--scheme", "emodb-4")
    assert status == 0
    assert "NOTHING IS TESTED" in said
    assert "48 (4 sp.)" in said
    assert "figures:" not in said
    listed = {each["name"]: each["test"] for each in json.loads(command_line("protocols", "--json")[1])}
    assert [each for each, tested in listed.items() if not tested] == ["train-on-all@1"]


def test_it_is_tested_on_another_corpus(run, made):
    assert run("prepare", "synth")[0] == 0
    applied = apply_run(made.everything, "synth", made.place)
    assert (applied.trained_on, len(applied.predictions)) == ("emodb", 192)
    result = report_applied(applied, made.place, 100)
    assert any(each.startswith("Another corpus: trained on EMO-DB") for each in result.report.banners)
    assert set(result.report.predictions.folds) == {"all"}


def test_weights_of_everything_are_no_leak_where_nothing_is_tested(command_line, run, made):
    (trial,) = made.everything.trials()
    options = ("--init", trial.bundle, "--max-epochs", "1")
    assert command_line(*train(made.place, "train-on-all", *options))[0] == 0
    status, said, _ = run("audit", "latest")
    assert (status, " init " in said) == (0, False)  # nobody is tested whom the first weights knew
    assert command_line(*train(made.place, "leave-one-speaker-out", "--fold", "1", *options))[0] == 0
    status, said, _ = run("audit", "latest")
    assert status == 3
    assert "fold 1 started from weights of train-on-all@1, fold 1, of the same corpus" in said
