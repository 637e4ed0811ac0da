import contextlib
import copy
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from sercli import cli, manifest
from sercli.bundle import Bundle
from sercli.errors import CorpusError, ProtocolError, RunError
from sercli.evaluation.predictions_csv import read_predictions
from sercli.inference.reproduce import Compared, Verdict, _verdict, reproduce
from sercli.protocols import fold_digest
from sercli.protocols.lists import contents_digest, to_csv
from sercli.reports.share import export_bundle
from sercli.workspace import Workspace


@pytest.fixture(scope="module")
def exported(small, tmp_path_factory):
    """The small network, exported."""
    plan, trial = small
    out = tmp_path_factory.mktemp("exported") / "model"
    export_bundle(plan.run, trial, out)
    return out


@pytest.fixture
def restated(exported, tmp_path):
    """Write the bundle anew, digests and all: restated(change) lets ``change`` alter the facts."""

    def write(change):
        bundle = Bundle.load(exported)
        facts = copy.deepcopy(dict(bundle.facts))
        change(facts)
        replace(bundle, facts=facts).save(tmp_path / "restated")
        return tmp_path / "restated"

    return write


@pytest.fixture
def altered(place, tmp_path):
    """Give a workspace whose copy of a corpus is altered: altered(change) changes the list of utterances."""

    def make(change, corpus="emodb"):
        workspace = Workspace(tmp_path / "altered")
        shutil.copytree(place.corpus(corpus), workspace.corpus(corpus))
        path = workspace.manifest(corpus)
        changed = change(manifest.read(path))
        manifest.write(path, changed)
        facts = path.with_name("corpus.json")
        described = json.loads(facts.read_text(encoding="utf-8")) | {"utterances": len(changed)}
        facts.write_text(json.dumps(described), encoding="utf-8")
        return workspace

    return make


def test_the_same_corpus_gives_the_same_figures(exported, place, small):
    _, trial = small
    found = reproduce(exported, place)
    ua, wa, *recalls = found.figures
    assert (found.verdict, found.holds, found.notes) == (Verdict.EXACT, True, ())
    assert (ua.name, ua.found) == ("UA", pytest.approx(trial.metrics()["test_ua"], abs=1e-12))
    assert (wa.name, wa.found) == ("WA", pytest.approx(trial.metrics()["test_wa"], abs=1e-12))
    assert len(recalls) == 4
    assert found.count == found.stated_count == len(read_predictions(trial.predictions_file))


def test_continuous_labels_too(regressor, place, tmp_path, altered):
    plan, trial = regressor
    export_bundle(plan.run, trial, tmp_path / "model")
    found = reproduce(tmp_path / "model", place)
    assert (found.verdict, found.counted) == (Verdict.EXACT, "recordings")
    told = {each.name: each.found for each in found.figures}
    stated = trial.metrics()["test_ccc"]
    assert told == {f"CCC of {name}": pytest.approx(value, abs=1e-6) for name, value in stated.items()}
    workspace = altered(lambda utterances: utterances, "synth-continuous")
    for path in workspace.corpus("synth-continuous").rglob("*.npy"):
        values = np.load(path)
        np.save(path, -values)
    upset = reproduce(tmp_path / "model", workspace)
    assert upset.verdict is Verdict.NOT
    told = {each.name: each.found for each in upset.figures}
    # The covariance changes its sign, and little else where means are near zero.
    assert all(np.sign(told[f"CCC of {name}"]) == -np.sign(value) for name, value in stated.items())


def test_changed_labels_are_told_and_the_figure_falls(exported, altered, small):
    _, trial = small
    table = read_predictions(trial.predictions_file)
    # What was right and is called otherwise is wrong.
    right = [(name, t) for name, t, p in zip(table.ids, table.target, table.predicted, strict=True) if t == p]
    first, was = right[0]
    other = next(name for i, name in enumerate(table.classes) if i != was)

    def change(utterances):
        return [replace(u, emotion=other) if u.id == first else u for u in utterances]

    found = reproduce(exported, altered(change))
    (note,) = found.notes
    assert "as many utterances (48), but audio, labels or speakers differ" in note
    assert found.figures[1].stated == pytest.approx(len(right) / len(table.ids), abs=1e-12)
    assert found.figures[1].found == pytest.approx((len(right) - 1) / len(table.ids), abs=1e-12)
    assert found.verdict is Verdict.NOT


def test_a_missing_utterance_is_counted_and_the_rest_is_tested(exported, altered, small):
    plan, trial = small
    gone = plan.folds[0].test[0]
    found = reproduce(exported, altered(lambda utterances: [u for u in utterances if u.id != gone]))
    corpus, folds, missing = found.notes
    assert "47 utterances here, 48 there" in corpus
    assert "other folds" in folds
    assert missing == "1 of the 12 that were tested there are missing here"
    table = read_predictions(trial.predictions_file)
    kept = [i for i, name in enumerate(table.ids) if name != gone]
    assert found.count == len(kept) == 11
    right = (table.predicted == table.target)[kept].mean()
    assert found.figures[1].found == pytest.approx(right, abs=1e-12)
    assert found.verdict is not Verdict.EXACT


def test_a_missing_speaker_is_an_error(exported, altered, small):
    plan, _ = small
    gone = set(plan.folds[0].test)
    with pytest.raises(ProtocolError, match=r"no fold 'speaker 03' among speaker 08, speaker 09, speaker 10"):
        reproduce(exported, altered(lambda utterances: [u for u in utterances if u.id not in gone]))


def test_other_utterances_divided_at_random_are_refused(restated, place):
    def change(facts):
        facts["protocol"] = "random-5-fold@1"

    with pytest.raises(ProtocolError, match="some that the model was trained on"):
        reproduce(restated(change), place)


def test_a_list_of_folds_is_the_users_own_copy(restated, place, small, tmp_path):
    plan, _ = small
    lists = tmp_path / "mine.csv"
    lists.write_text(to_csv(plan.folds))

    def change(facts):
        facts["protocol"] = f"lists:/nowhere/theirs.csv#{contents_digest(lists)}@1"
        facts["protocol_digest"] = fold_digest(plan.folds)

    bundle = restated(change)
    with pytest.raises(ProtocolError, match="name your copy with --lists PATH"):
        reproduce(bundle, place)
    assert reproduce(bundle, place, lists=lists).verdict is Verdict.EXACT
    lists.write_text(to_csv(plan.folds[1:]))
    with pytest.raises(ProtocolError, match="has changed"):
        reproduce(bundle, place, lists=lists)


def test_a_bundle_can_not_name_a_file_to_read(restated, place, tmp_path):
    (tmp_path / "secret").write_text("mine")

    def change(facts):
        facts["protocol"] = f"lists:{tmp_path / 'secret'}@1"

    for lists in (None, tmp_path / "secret"):
        with pytest.raises(ProtocolError, match="is no list with a digest"):
            reproduce(restated(change), place, lists=lists)


def test_lists_for_a_protocol_that_is_none(exported, place, tmp_path):
    with pytest.raises(ProtocolError, match="leave --lists out"):
        reproduce(exported, place, lists=tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("by", "interval", "tolerance", "verdict"),
    [
        (0.0, None, 0.0, Verdict.EXACT),
        (5e-7, None, 0.0, Verdict.EXACT),
        (2e-6, None, 0.0, Verdict.NOT),
        (0.01, None, 0.0, Verdict.NOT),
        (0.01, (-0.02, 0.02), 0.0, Verdict.NOT),  # the very corpus: nothing is left to chance
        (0.01, (0.005, 0.02), 0.0, Verdict.NOT),
        (0.01, None, 0.011, Verdict.TOLERANCE),
        (0.01, None, 0.009, Verdict.NOT),
    ],
)
def test_how_far_a_stated_figure_may_lie(restated, place, by, interval, tolerance, verdict):
    def change(facts):
        told = facts["figures"]["ua"]
        if interval is not None:
            told["interval"] = [told["value"] + end for end in interval]
        told["value"] += by

    assert reproduce(restated(change), place, tolerance=tolerance).verdict is verdict


@pytest.mark.parametrize(
    ("stated", "found", "interval", "same_corpus", "verdict"),
    [
        (0.80, 0.70, (0.60, 0.90), False, Verdict.INTERVAL),
        (0.80, 0.70, (0.60, 0.90), True, Verdict.NOT),
        (0.80, 0.50, (0.60, 0.90), False, Verdict.NOT),
        (0.95, 0.70, (0.60, 0.90), False, Verdict.NOT),  # an interval that does not hold its own figure
    ],
)
def test_an_interval_counts_where_the_corpus_differs(stated, found, interval, same_corpus, verdict):
    pair = Compared("UA", stated, found, interval, None)
    assert _verdict(pair, 0.0, same_count=False, same_corpus=same_corpus) is verdict


def test_a_ccc_is_rounded_otherwise_elsewhere():
    assert Compared("CCC of arousal", 0.5, 0.50009, None, None, "plain").same
    assert not Compared("CCC of arousal", 0.5, 0.50011, None, None, "plain").same
    assert not Compared("UA", 0.5, 0.50009, None, None).same


def test_a_recall_that_is_stated_wrong_is_found_too(restated, place):
    def change(facts):
        recall = facts["figures"]["recall"]
        recall["anger"] = 1.0 - recall["anger"] / 2 - 0.25

    found = reproduce(restated(change), place)
    assert found.verdict is Verdict.NOT
    assert [each.name for each in found.figures if each.verdict is Verdict.NOT] == ["recall of anger"]


def test_undefined_figures_agree_with_undefined_ones_alone(restated, place):
    def change(facts):
        facts["figures"]["wa"]["value"] = None

    assert reproduce(restated(change), place).verdict is Verdict.NOT


def test_other_versions_are_told_and_do_not_decide(restated, place):
    def change(facts):
        facts["versions"]["torch"] = "2.6.0"
        facts["commit"] = "0123456789ab"
        facts["run_figures"] = facts["figures"]

    found = reproduce(restated(change), place)
    assert found.verdict is Verdict.EXACT
    assert "torch" in found.notes[0]
    assert "2.6.0 there" in found.notes[0]
    assert found.notes[-1].startswith("the pooled metrics of its run need")


def test_what_can_not_be_compared_is_one_error(small, exported, place, restated, tmp_path):
    _, trial = small
    with pytest.raises(RunError, match="states no metric; make a bundle with metrics with `sercli export`"):
        reproduce(trial.bundle, place)
    with pytest.raises(CorpusError, match="not prepared; run `sercli prepare emodb PATH`"):
        reproduce(exported, Workspace(tmp_path / "empty"))
    shutil.copytree(exported, tmp_path / "tampered")
    text = (tmp_path / "tampered" / "bundle.json").read_text()
    (tmp_path / "tampered" / "bundle.json").write_text(text.replace('"fold": 1', '"fold": 2'))
    with pytest.raises(RunError, match="changed since it was written"):
        reproduce(tmp_path / "tampered", place)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("figures", None),
        ("figures", {"utterances": 12, "ua": {"value": "high", "interval": None}}),
        ("figures", {"utterances": 1e300}),
        ("versions", ["torch"]),
        ("corpus", "em\x1b[2Jodb"),
        ("corpus", "../emodb"),
        ("corpus", ".."),
        ("corpus", ""),
        ("fold", "first"),
        ("manifest_sha256", 7),
    ],
)
def test_facts_that_are_damaged_are_one_error(restated, place, key, value):
    def change(facts):
        facts[key] = value

    with pytest.raises(RunError, match="get the bundle again"):
        reproduce(restated(change), place)


def test_the_command_says_the_verdict_by_its_status(restated, exported, place, command_line):
    def run(*arguments):
        return command_line("reproduce", *arguments, "--workspace", place.root)

    status, out, err = run(exported)
    assert (status, err) == (0, "")
    assert out.endswith("\nverdict: the stated metrics hold exactly\n")

    def change(facts):
        facts["figures"]["ua"]["value"] += 0.1

    wrong = restated(change)
    status, out, _ = run(wrong)
    assert (status, out.splitlines()[-1]) == (4, "verdict: the stated metrics do NOT hold")
    status, out, _ = run(wrong, "--json")
    told = json.loads(out)
    assert (status, told["holds"], told["verdict"]) == (4, False, "does not hold")
    assert told["utterances"] == {"stated": 12, "here": 12}
    assert told["figures"][0]["stated"] - told["figures"][0]["here"] == pytest.approx(0.1)
    assert run(wrong, "--tolerance", "0.11")[0] == 0


@pytest.mark.parametrize("change", [{"made-up": None}, {"arousal": None}, {}, ["arousal", "valence"]])
def test_other_dimensions_than_are_told_are_no_claim(regressor, place, tmp_path, change):
    plan, trial = regressor
    export_bundle(plan.run, trial, tmp_path / "model")
    bundle = Bundle.load(tmp_path / "model")
    facts = copy.deepcopy(dict(bundle.facts))
    told = {"value": None, "interval": None}
    facts["figures"]["ccc"] = dict.fromkeys(change, told) if isinstance(change, dict) else change
    replace(bundle, facts=facts).save(tmp_path / "model")
    with pytest.raises(RunError, match="get the bundle again"):
        reproduce(tmp_path / "model", place)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_folder_of_any_name_is_told(exported, place, tmp_path, monkeypatch, capsys, more):
    folder = tmp_path / os.fsdecode(b"m\xff")
    shutil.copytree(exported, folder)
    arguments = ["reproduce", str(folder), "--workspace", str(place.root), *more]
    monkeypatch.setattr("sys.argv", ["sercli", *arguments])
    with contextlib.suppress(SystemExit):
        cli.main()
    out = capsys.readouterr().out.encode().decode()  # nothing that can't be printed
    if more:
        assert json.loads(out)["bundle"] == str(folder)
    else:
        assert out.endswith("the stated metrics hold exactly\n")


def test_the_verdict_says_on_how_many_utterances_it_rests(exported, altered, small, monkeypatch, capsys):
    plan, _ = small
    gone = plan.folds[0].test[0]
    workspace = altered(lambda utterances: [u for u in utterances if u.id != gone])
    monkeypatch.setattr(
        "sys.argv", ["sercli", "reproduce", str(exported), "--workspace", str(workspace.root)]
    )
    with contextlib.suppress(SystemExit):
        cli.main()
    assert capsys.readouterr().out.endswith(", on 11 of 12 utterances\n")
