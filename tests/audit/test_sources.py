"""Divisions from lists of other toolkits, from a prepared corpus and from a run."""

import json
import shutil

import numpy as np
import pytest
from conftest import SMALL, tone

from sercli.audit import Verdict, examine
from sercli.audit.lists import from_files, from_folder
from sercli.audit.protocol import from_protocol
from sercli.audit.run import from_run
from sercli.devices import choose_device
from sercli.errors import CorpusError, ManifestError, RunError
from sercli.preparation import prepare
from sercli.runs.config import RunConfig
from sercli.runs.folder import Run
from sercli.training.plan import make_plan
from sercli.training.trials import train_trials


def lines(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def emobox(name, label="neu"):
    return {"key": f"iemocap-{name}", "dataset": "iemocap", "wav": f"x/{name}.wav", "emo": label}


def found(divisions):
    return {finding.check: finding for finding in examine(divisions)}


def test_emobox_folds_are_found_and_speakers_read_off_the_turns(tmp_path):
    for fold, (train_, test) in enumerate((("Ses01", "Ses02"), ("Ses02", "Ses01")), 1):
        for part, session in (("train", train_), ("test", test)):
            names = (f"{session}F_impro01_F000", f"{session}F_impro01_M000", f"{session}M_script01_1_F000")
            lines(tmp_path / f"fold_{fold}" / f"iemocap_{part}_fold_{fold}.jsonl", *map(emobox, names))
    divisions, passed_over = from_folder(tmp_path)
    assert all("were read from the file names, which are those of iemocap" in line for line in passed_over)
    assert [division.name for division in divisions] == [
        f"fold_{fold}/iemocap_*_fold_{fold}.jsonl" for fold in (1, 2)
    ]
    checks = found(divisions)
    assert checks["speakers"].fact == "4 speakers, none in two parts"
    assert checks["texts"].verdict is Verdict.LEAK
    assert checks["texts"].examples == ("script01_1",)
    assert checks["same audio"].verdict is Verdict.NOT_CHECKED


def test_s3prl_s_speakers_are_the_prefix(tmp_path):
    for part, session in (("train", "Ses02"), ("test", "Ses01")):
        rows = [
            {"path": f"S/{session}{side}_impro01/{session}{side}_impro01_{who}000.wav", "label": "neu",
             "speaker": f"{session}{side}"}
            for side in "FM" for who in "FM"
        ]  # fmt: skip
        path = tmp_path / "Session1" / f"{part}_meta_data.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"labels": {"neu": 0}, "meta_data": rows}))
    checks = found(from_folder(tmp_path)[0])
    assert checks["prefix speakers"].verdict is Verdict.LEAK
    assert "wrong for 4 of 8 turns" in checks["prefix speakers"].fact
    assert checks["speakers"].verdict is Verdict.CLEAN


def test_speechbrain_s_three_files_are_train_dev_and_test(tmp_path):
    for part, name in (("train", "03a01Fa"), ("valid", "08a01Wa"), ("test", "03b01Na")):
        (tmp_path / f"{part}.json").write_text(
            json.dumps({name: {"wav": f"{{data_root}}/{name}.wav", "length": 1.5, "emo": "F"}})
        )
    ((division,), _) = from_folder(tmp_path)
    assert [len(division.parts[part]) for part in ("train", "dev", "test")] == [1, 1, 1]
    checks = found([division])
    assert checks["speakers"].fact == "1 speaker in train and test"
    assert checks["speakers"].verdict is Verdict.LEAK
    assert checks["texts"].verdict is Verdict.KNOWN


def test_the_folders_of_an_audiofolder_are_its_parts(tmp_path):
    for part, who in (("train", "s1"), ("validation", "s2"), ("test", "s1")):
        (tmp_path / "data" / part).mkdir(parents=True)
        metadata = f"file_name,label,speaker\n{part}.wav,sad,{who}\n"
        (tmp_path / "data" / part / "metadata.csv").write_text(metadata)
    (division,), _ = from_folder(tmp_path)
    assert division.name == "data/*/metadata.csv"
    assert list(division.parts) == ["train", "dev", "test"]
    finding = found([division])["speakers"]
    assert (finding.verdict, finding.fact) == (Verdict.LEAK, "1 speaker in train and test")


def test_nkululeko_s_tables_name_their_speakers(tmp_path):
    for part, speaker in (("train", "EB0"), ("test", "EB0")):
        (tmp_path / f"mine_{part}.csv").write_text(
            f"file,speaker,gender,emotion\n{part}/a.wav,{speaker},female,happy\n"
        )
    assert found(from_folder(tmp_path)[0])["speakers"].examples == ("EB0",)


def test_plain_lists_with_audio_at_hand_are_compared_by_their_samples(tmp_path, write_wav):
    samples = (32767 * tone(0.3)).astype(np.int16)
    write_wav(tmp_path / "a.wav", samples)
    write_wav(tmp_path / "b.flac", samples)
    write_wav(tmp_path / "c.wav", samples[1:])
    for name, files in (("one.txt", "a.wav\n"), ("two.txt", "b.flac\nc.wav\n")):
        (tmp_path / name).write_text(files)
    division, _ = from_files([tmp_path / "one.txt", tmp_path / "two.txt"])
    finding = found([division])["same audio"]
    assert finding.verdict is Verdict.LEAK
    assert "(0 byte for byte, 1 in samples only)" in finding.fact


def test_the_same_file_in_two_lists_is_found_whatever_the_lists_are_called(tmp_path):
    for name in ("first.txt", "second.txt", "third.txt"):
        (tmp_path / name).write_text(f"{name[0]}.wav\nx/shared.wav\n")
    division, _ = from_files([tmp_path / f"{name}.txt" for name in ("first", "second", "third")])
    assert list(division.parts) == ["train", "dev", "test"]
    finding = found([division])["utterances"]
    assert finding.verdict is Verdict.LEAK
    assert finding.examples == ("x/shared.wav",)


def test_lists_that_say_no_division_are_one_clear_line(tmp_path):
    (tmp_path / "train.txt").write_text("a.wav\n")
    with pytest.raises(ManifestError, match="no lists that divide a corpus"):
        from_folder(tmp_path)
    with pytest.raises(ManifestError, match="needs two or three lists"):
        from_files([tmp_path / "train.txt"])
    (tmp_path / "test.txt").write_text("")
    with pytest.raises(ManifestError, match=r"test\.txt"):
        from_files([tmp_path / "train.txt", tmp_path / "test.txt"])


def test_a_bad_line_of_a_list_is_named(tmp_path):
    lines(tmp_path / "train.jsonl", emobox("Ses01F_impro01_F000"), {"key": "x", "wav": None, "emo": "neu"})
    lines(tmp_path / "test.jsonl", emobox("Ses02F_impro01_F000"))
    with pytest.raises(ManifestError, match=r"train\.jsonl:2: .*; correct the list"):
        from_folder(tmp_path)


def test_a_prepared_corpus_is_divided_by_its_own_protocol(small_workspace):
    what, divisions = from_protocol(small_workspace, "emodb", "emodb-4", None)
    assert what.startswith("emodb, emodb-4, leave-one-speaker-out@1 (digest ")
    assert len(divisions) == 4
    checks = found(divisions)
    assert checks["speakers"].verdict is Verdict.CLEAN
    assert checks["texts"].reason == "every actor speaks the same ten sentences"
    _, divisions = from_protocol(small_workspace, "emodb", None, "random-3-fold")
    checks = found(divisions)
    assert checks["speakers"].verdict is Verdict.KNOWN
    assert checks["speakers"].divisions == 3


def test_where_everything_trains_nothing_can_leak(small_workspace):
    _, divisions = from_protocol(small_workspace, "emodb", "emodb-4", "train-on-all")
    checks = found(divisions)
    assert list(checks) == ["parts", "labels by speaker"]
    assert checks["parts"].verdict is Verdict.NOT_CHECKED


def test_a_corpus_without_emotions_has_no_scheme(workspace, small_workspace):
    with pytest.raises(CorpusError, match="corpus 'ravdess' is not prepared"):
        from_protocol(small_workspace, "ravdess", None, None)


@pytest.fixture
def trained(small_workspace, tmp_path):
    """A run of one fold and epoch, in a workspace of its own."""
    from sercli.workspace import Workspace

    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(small_workspace.corpus("emodb"), workspace.corpus("emodb"))
    settings = SMALL | {"training": SMALL["training"] | {"max_epochs": 1, "precision": "32-true"}}
    config = RunConfig(**settings, protocol="leave-one-speaker-out")
    plan = make_plan(config, workspace, folds="1")
    train_trials(plan, choose_device("cpu", "1"), report=lambda line: None)
    return workspace, plan.run


def test_a_run_is_audited_with_its_statistics_and_selection(trained):
    workspace, run = trained
    what, divisions, extra = from_run(run, workspace)
    assert "1 of 4 folds" in what
    assert len(divisions) == 1
    statistics, selection = extra
    assert (statistics.verdict, selection.verdict) == (Verdict.CLEAN, Verdict.CLEAN)
    assert selection.fact == "the epoch was chosen on the dev part"


def test_statistics_of_more_than_the_training_part_are_a_leak(trained):
    workspace, run = trained
    path = run.finished()[0].bundle / "bundle.json"
    bundle = json.loads(path.read_text())
    bundle["statistics"]["x"]["mean"][0][0][0] += 0.01
    path.write_text(json.dumps(bundle))
    assert from_run(run, workspace)[2][0].verdict is Verdict.LEAK
    shutil.rmtree(workspace.features)
    assert from_run(run, workspace)[2][0].verdict is Verdict.NOT_CHECKED


def test_a_corpus_prepared_anew_is_not_the_one_of_the_run(trained, build_emodb, tmp_path):
    workspace, run = trained
    names = [f"{s}a0{i}{e}a" for s in ("03", "08", "09", "10") for e in "WFNT" for i in (1, 2)]
    prepare("emodb", build_emodb(*names), workspace, partial=True)
    with pytest.raises(RunError, match="corpus 'emodb' was prepared again since"):
        from_run(run, workspace)
    with pytest.raises(RunError, match="no trial is finished"):
        from_run(Run(tmp_path / "none"), workspace)
