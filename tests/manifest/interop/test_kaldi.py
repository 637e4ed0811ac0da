import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop import recognise
from sercli.manifest.interop.kaldi import find_file, read, recognises
from sercli.records import Note, Problem, Utterance


def folder(tmp_path, **files):
    for name, lines in files.items():
        (tmp_path / name.replace("wav_scp", "wav.scp")).write_text("\n".join([*lines, ""]), encoding="utf-8")
    return tmp_path


def test_a_folder_of_recordings(tmp_path):
    place = folder(
        tmp_path, wav_scp=["u1 wav/a b.wav", "u2\tsph2pipe -f wav wav/b.sph |"], utt2spk=["u1 ann", "u2 ben"],
        utt2emo=["u1 ang", "u2 hap"], spk2gender=["ann f", "ben m"], text=["u1 Ja, gut.", "u2 nein"],
    )  # fmt: skip
    assert recognise(place) == recognise(place / "wav.scp") == "kaldi"
    notes = [item for item in read(place) if isinstance(item, Note)]
    assert [item for item in read(place) if not isinstance(item, Note)] == [
        Utterance(
            id="imported/u1", corpus="imported", file="wav/a b.wav", speaker="ann", gender="female",
            transcript="Ja, gut.", emotion_raw="ang",
        ),
        Utterance(
            id="imported/u2", corpus="imported", file="wav/b.sph", speaker="ben", gender="male",
            transcript="nein", emotion_raw="hap",
        ),
    ]  # fmt: skip
    assert [note.fact for note in notes] == [
        "wav.scp, utt2spk, text, spk2gender, utt2emo",
        "1 of wav.scp are commands, which were not run; the files that they name are read",
    ]


def test_segments_are_cut_and_their_recordings_must_exist(tmp_path):
    place = folder(
        tmp_path, wav_scp=["rec long.flac"],
        segments=["u1 rec 0.5 1.25", "u2 rec 2 -1", "u3 other 0 1", "u4 rec 1"],
        spk2utt=["ann u1 u2"], utt2dur=["u1 0.75"],
    )  # fmt: skip
    note, first, second, third, fourth = read(place)
    assert note.fact.endswith("no labels: write them into utt2emo, a line with the utterance and its emotion")
    assert (first.file, first.start, first.end, first.speaker) == ("long.flac", 0.5, 1.25, "ann")
    assert (second.start, second.end, second.speaker) == (2.0, None, "ann")
    assert third == Problem(f"{place / 'segments'}, 'u3'", "wav.scp has no recording 'other'")
    assert fourth.fact == "needs the recording, the start and the end"


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("/data/a.wav", "/data/a.wav"),
        ("flac -c -d -s 'x y/a.flac' |", "x y/a.flac"),
        ("ffmpeg -i x/a.mp3 -ar 16000 -f wav - |", "x/a.mp3"),
        ("cat a.wav |", "a.wav"),
        ("sph2pipe -f wav -p -c 1 a.sph |", None),
        ("sox a.wav -t wav - remix 2 |", None),
        ("sox a.wav -t wav - speed 0.9 |", None),
        ("sox a.wav b.wav -t wav - |", None),
        ("cat a.wav | sox - -t wav - |", None),
        ("python make.py 3 |", None),
        ("raw.ark:1234", None),
    ],
)
def test_a_command_is_never_run(value, file):
    if file is not None:
        assert find_file(value) == file
        return
    with pytest.raises(ValueError, match=r"command, which is not run|within Kaldi's archive"):
        find_file(value)


def test_two_values_of_a_key_are_refused(tmp_path):
    place = folder(tmp_path, wav_scp=["u a.wav", "u a.wav", "u b.wav"])
    with pytest.raises(ManifestError, match=r"wav\.scp:3: 'u' occurs twice, with different values"):
        list(read(place))


def test_an_utterance_of_two_speakers_is_refused(tmp_path):
    place = folder(tmp_path, wav_scp=["u0 a.wav", "u1 b.wav"], spk2utt=["A u0 u1", "B u0"])
    with pytest.raises(ManifestError, match=r"spk2utt:2: 'u0' belongs to 'B' here and to 'A' in an earlier"):
        list(read(place))


def test_unknown_utterances_of_each_file_are_named(tmp_path):
    place = folder(
        tmp_path, wav_scp=["u0 a.wav"], spk2utt=["A u0 u2"], utt2emo=["u0 anger", "u9 fear"], text=["u0 Ja"]
    )
    assert [item.fact for item in read(place) if isinstance(item, Note)] == [
        "wav.scp, spk2utt, text, utt2emo",
        "spk2utt names utterances that wav.scp does not have: u2",
        "utt2emo names utterances that wav.scp does not have: u9",
    ]


def test_other_folders_are_not_taken_for_one(tmp_path):
    assert not recognises(tmp_path)
    (tmp_path / "list.scp").write_text("u a.wav\n")
    assert not recognises(tmp_path / "list.scp")
