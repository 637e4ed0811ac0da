import errno
import json
import os
import shutil

import numpy as np
import pytest
import soundfile
from conftest import tone
from filelock import FileLock

from sercli import audio, manifest
from sercli.errors import ConfigError, CorpusError
from sercli.preparation import prepare
from sercli.workspace import Workspace

NAMES = ("03a01Fa", "08a02Wb", "16b10Na")


def test_a_partial_corpus_is_prepared_when_asked_for(workspace, build_emodb):
    root = build_emodb(*NAMES)
    with pytest.raises(CorpusError, match=r"3 of 535 utterances; by emotion: .*; add --partial"):
        prepare("emodb", root, workspace)
    assert workspace.prepared() == []
    result = prepare("emodb", root, workspace, partial=True)
    assert workspace.prepared() == ["emodb"]
    assert result.differences[0] == "3 of 535 utterances"
    assert manifest.read(result.path) == list(result.utterances)


def test_audio_that_is_16_khz_mono_is_taken_byte_for_byte(workspace, build_emodb):
    root = build_emodb(*NAMES)
    result = prepare("emodb", root, workspace, partial=True)
    first = result.utterances[0]
    assert result.resampled == 0
    assert (workspace.corpus("emodb") / first.file).read_bytes() == (root / first.source).read_bytes()
    assert first.sha256 == audio.hash_samples(audio.read(root / first.source))
    assert first.duration == 0.4


def test_other_audio_becomes_16_khz_mono(workspace, tmp_path, write_wav):
    name = "Actor_01/03-01-05-01-01-01-01.wav"
    stereo = np.stack([tone(rate=48_000)] * 2, axis=1)
    write_wav(tmp_path / "r" / name, stereo, rate=48_000)
    (only,) = prepare("ravdess", tmp_path / "r", workspace, partial=True).utterances
    path = workspace.corpus("ravdess") / only.file
    assert soundfile.info(path).samplerate == 16_000
    assert soundfile.info(path).channels == 1
    assert only.sha256 == audio.hash_samples(audio.read(path))
    assert only.duration == 0.5


def test_a_bad_file_is_named_and_the_good_ones_are_kept(workspace, build_emodb):
    root = build_emodb(*NAMES)
    bad = root / "wav" / "08a02Wb.wav"
    bad.write_bytes(bad.read_bytes()[:3000])
    with pytest.raises(CorpusError, match=r"08a02Wb\.wav: cut short, .*; correct it, or add --skip-bad"):
        prepare("emodb", root, workspace, partial=True)
    assert workspace.prepared() == []
    result = prepare("emodb", root, workspace, partial=True, skip_bad=True)
    assert [utterance.id for utterance in result.utterances] == ["emodb/03a01Fa", "emodb/16b10Na"]
    assert [problem.place for problem in result.problems] == ["wav/08a02Wb.wav"]
    assert result.reused == 2
    described = json.loads((workspace.corpus("emodb") / "corpus.json").read_text())
    assert "cut short" in described["problems"][0]


def test_a_foreign_name_is_skipped_only_when_asked_to(workspace, build_emodb, write_wav):
    root = build_emodb(*NAMES)
    write_wav(root / "wav" / "readme.wav")
    with pytest.raises(CorpusError, match=r"readme\.wav: not an EMO-DB file name such as 03a01Fa\.wav"):
        prepare("emodb", root, workspace, partial=True)
    assert len(prepare("emodb", root, workspace, partial=True, skip_bad=True).utterances) == 3


def test_harmless_problems_need_no_flag(workspace, tmp_path, write_wav):
    for folder in ("Actor_01", "copy/Actor_01"):
        write_wav(tmp_path / "r" / folder / "03-01-05-01-01-01-01.wav")
    result = prepare("ravdess", tmp_path / "r", workspace, partial=True)
    assert len(result.utterances) == 1
    assert len(result.problems) == 1


def test_an_interrupted_preparation_goes_on_where_it_stopped(workspace, build_emodb, monkeypatch):
    root = build_emodb(*NAMES)

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("emodb", root, workspace, partial=True, progress=interrupt)
    assert workspace.prepared() == []
    assert prepare("emodb", root, workspace, partial=True).reused >= 2


def test_a_journal_line_cut_short_is_passed_over(workspace, build_emodb):
    root = build_emodb(*NAMES)
    prepare("emodb", root, workspace, partial=True)
    journal = workspace.corpus("emodb") / ".journal.jsonl"
    journal.write_text(journal.read_text()[:-40])
    assert prepare("emodb", root, workspace, partial=True).reused == 2
    assert prepare("emodb", root, workspace, partial=True).reused == 3


def test_changed_audio_is_prepared_again(workspace, build_emodb, write_wav):
    root = build_emodb(*NAMES)
    before = prepare("emodb", root, workspace, partial=True).utterances[0]
    write_wav(root / before.source, tone(0.7))
    result = prepare("emodb", root, workspace, partial=True)
    assert result.reused == 2
    assert result.utterances[0].sha256 != before.sha256


@pytest.mark.parametrize("change", ["none", "new", "changed"])
def test_a_preparation_that_fails_leaves_the_earlier_one_unless_it_changed_its_audio(
    workspace, build_emodb, write_wav, change
):
    root = build_emodb(*NAMES)
    before = prepare("emodb", root, workspace, partial=True).utterances
    if change != "none":
        name = {"new": "wav/16b10Wa.wav", "changed": before[0].source}[change]
        write_wav(root / name, tone(0.7))
    (root / "wav" / "16b10Wb.wav").write_text("not audio")
    with pytest.raises(CorpusError, match="16b10Wb"):
        prepare("emodb", root, workspace, partial=True)
    if change == "changed":
        assert workspace.prepared() == []
    else:
        assert tuple(workspace.utterances("emodb")) == before


def test_prepared_audio_that_was_touched_is_made_again(workspace, build_emodb):
    root = build_emodb(*NAMES)
    first = prepare("emodb", root, workspace, partial=True).utterances[0]
    prepared = workspace.corpus("emodb") / first.file
    prepared.write_bytes(b"spoilt")
    assert prepare("emodb", root, workspace, partial=True).reused == 2
    assert audio.hash_samples(audio.read(prepared)) == first.sha256


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such folder; give the folder of corpus 'emodb' as distributed"),
        (lambda path: path.mkdir(), "the folder is empty; its files should be wav/03a01Fa.wav"),
        (lambda path: path.write_text("x"), "it is text, not a recording"),
    ],
)
def test_a_wrong_path_is_one_clear_line(workspace, tmp_path, make, message):
    make(tmp_path / "corpus")
    with pytest.raises(CorpusError) as caught:
        prepare("emodb", tmp_path / "corpus", workspace)
    assert str(caught.value).startswith(f"{tmp_path / 'corpus'}: {message}")


def test_the_folder_of_another_corpus_is_recognised(workspace, build_emodb):
    root = build_emodb(*NAMES)
    with pytest.raises(
        CorpusError, match=f"not corpus 'ravdess' but 'emodb'; run `sercli prepare emodb {root}`"
    ):
        prepare("ravdess", root, workspace)


def test_a_folder_with_nothing_of_the_corpus_says_what_should_be_there(workspace, tmp_path, write_wav):
    write_wav(tmp_path / "c" / "song.wav")
    with pytest.raises(CorpusError, match=r"no recordings of corpus 'emodb'; its files should be wav/03"):
        prepare("emodb", tmp_path / "c", workspace)


def test_a_generated_corpus_takes_no_path(workspace, tmp_path):
    with pytest.raises(CorpusError, match="corpus 'synth' is generated; leave the path out"):
        prepare("synth", tmp_path, workspace)
    for source in ("emodb", "folder"):
        with pytest.raises(CorpusError, match=f"corpus '{source}': give its path"):
            prepare(source, None, workspace)


def test_a_folder_without_a_latin_name_asks_for_one(workspace, tmp_path, write_wav):
    write_wav(tmp_path / "данные" / "happy" / "a.wav")
    with pytest.raises(ConfigError, match=r"'данные' has no letters a to z or digits for a name; .*--name"):
        prepare("folder", tmp_path / "данные", workspace)
    assert len(prepare("folder", tmp_path / "данные", workspace, name="data").utterances) == 1


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("folder", ["angry/a.wav", "happy/b.wav"]),
        ("ravdess", ["03-01-05-01-01-01-01.wav", "03-01-03-01-01-01-02.wav"]),
        ("emodb", ["wav/03a01Fa.wav", "wav/08a02Wb.wav"]),
    ],
)
def test_a_workspace_inside_a_corpus_is_not_a_part_of_it(tmp_path, write_wav, source, names):
    root = tmp_path / "speech"
    for name in names:
        write_wav(root / name)
    inside = Workspace(root / "sercli-workspace")
    first, second = (prepare(source, root, inside, partial=True) for _ in range(2))
    assert len(first.utterances) == 2
    assert second.utterances == first.utterances
    assert all(problem.harmless for problem in second.problems)


def test_two_preparations_at_once_are_refused(workspace, build_emodb):
    root = build_emodb(*NAMES)
    folder = workspace.corpus("emodb")
    folder.mkdir(parents=True)
    with (
        FileLock(folder / ".lock"),
        pytest.raises(CorpusError, match="another `sercli prepare emodb` is running"),
    ):
        prepare("emodb", root, workspace, partial=True)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_full_disk_is_told_as_such_and_leaves_nothing_half(workspace, build_emodb, monkeypatch, skip_bad):
    root = build_emodb(*NAMES)

    def full(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(OSError, match="No space left on device") as caught:
            prepare("emodb", root, workspace, partial=True, skip_bad=skip_bad)
    assert "audio/" in caught.value.filename
    assert list((workspace.corpus("emodb") / "audio").iterdir()) == []
    assert prepare("emodb", root, workspace, partial=True).reused == 0


def test_quirks_of_the_real_ravdess_files(recordings, workspace, tmp_path):
    stereo, *_ = sorted((recordings / "ravdess_original_wav").glob("03-01-02-01-02-02-05.wav"))
    quiet = recordings / "ravdess_original_wav" / "03-01-04-01-02-02-09.wav"
    for source in (stereo, quiet):
        actor = tmp_path / "r" / f"Actor_{source.stem[-2:]}"
        actor.mkdir(parents=True)
        shutil.copy(source, actor)
    first, second = prepare("ravdess", tmp_path / "r", workspace, partial=True).utterances
    assert soundfile.info(stereo).channels == 2
    assert abs(first.duration - soundfile.info(stereo).duration) < 1 / 16_000
    peak = np.abs(audio.read(workspace.corpus("ravdess") / second.file)).max()
    assert 0.9 * 201 / 32768 < peak < 1.1 * 201 / 32768


def test_a_link_to_nothing_is_a_bad_file(workspace, build_emodb):
    root = build_emodb(*NAMES)
    (root / "wav" / "10a01Fa.wav").symlink_to(root / "nowhere.wav")
    with pytest.raises(CorpusError, match=r"10a01Fa\.wav: can't be read \(No such file or directory\)"):
        prepare("emodb", root, workspace, partial=True)
    assert len(prepare("emodb", root, workspace, partial=True, skip_bad=True).utterances) == 3


def test_an_utterance_in_two_formats_is_told_before_any_work(workspace, tmp_path, write_wav):
    for name in ("anger/a.wav", "anger/a.flac", "sadness/b.wav"):
        write_wav(tmp_path / "own" / name)
    with pytest.raises(CorpusError, match=r"anger/a\.wav: the same utterance as anger/a\.flac"):
        prepare("folder", tmp_path / "own", workspace)
    assert not (workspace.corpus("own") / "audio").exists()
