import gzip
import json

import pytest

from sercli.errors import ManifestError
from sercli.manifest.interop.lhotse import read, recognises, write
from sercli.records import Utterance

# As lhotse 1.33 serialises a recording, a supervision and a cut.
RECORDING = {
    "id": "rec",
    "sources": [{"type": "file", "channels": [0], "source": "/data/rec.wav"}],
    "sampling_rate": 16000,
    "num_samples": 160000,
    "duration": 10.0,
    "channel_ids": [0],
}
WHOLE = {"id": "whole", "recording_id": "rec", "start": 0.0, "duration": 10.0, "channel": 0}
PART = {
    "id": "part",
    "recording_id": "rec",
    "start": 1.1,
    "duration": 2.2,
    "channel": 0,
    "text": "Guten Tag",
    "language": "German",
    "speaker": "03",
    "gender": "F",
    "custom": {"emotion": "angry", "valence": 1.5},
}


def pack(path, *entries):
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def test_a_written_pair_is_what_lhotse_serialises(tmp_path):
    utterance = Utterance(
        id="c/a",
        corpus="c",
        file="a.wav",
        duration=1.5,
        sample_rate=16_000,
        transcript="ja",
        speaker="03",
        emotion="anger",
        start=3.0,
    )
    write(tmp_path / "out", [utterance], tmp_path)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "recordings.jsonl.gz",
        "supervisions.jsonl.gz",
    ]
    recording, supervision = (
        json.loads(gzip.decompress((tmp_path / "out" / f"{name}.jsonl.gz").read_bytes()))
        for name in ("recordings", "supervisions")
    )
    assert recording == {
        "id": "c/a",
        "sources": [{"type": "file", "channels": [0], "source": "a.wav"}],
        "sampling_rate": 16_000,
        "num_samples": 24_000,
        "duration": 1.5,
        "channel_ids": [0],
    }
    assert supervision == {
        "id": "c/a",
        "recording_id": "c/a",
        "start": 0.0,
        "duration": 1.5,
        "channel": 0,
        "text": "ja",
        "speaker": "03",
        "custom": {"corpus": "c", "emotion": "anger", "source_start": 3.0},
    }


EXPECTED = [
    Utterance(
        id="imported/whole", corpus="imported", file="/data/rec.wav", duration=10.0, sample_rate=16_000
    ),
    Utterance(
        id="imported/part",
        corpus="imported",
        file="/data/rec.wav",
        duration=2.2,
        sample_rate=16_000,
        start=1.1,
        end=3.3,
        transcript="Guten Tag",
        speaker="03",
        gender="female",
        emotion_raw="angry",
        valence=1.5,
    ),
]


def test_a_foreign_folder_in_lhotses_own_naming(tmp_path):
    pack(tmp_path / "x_recordings_train.jsonl.gz", RECORDING)
    pack(tmp_path / "x_supervisions_train.jsonl.gz", WHOLE, PART)
    assert list(read(tmp_path)) == EXPECTED
    assert list(read(tmp_path / "x_supervisions_train.jsonl.gz")) == EXPECTED


def test_cuts_count_time_from_their_start(tmp_path):
    cut = {
        "id": "cut",
        "start": 1.0,
        "duration": 5.0,
        "channel": 0,
        "recording": RECORDING,
        "type": "MonoCut",
    }
    pack(tmp_path / "cuts.jsonl.gz", cut | {"supervisions": [PART | {"start": 0.1}]})
    assert list(read(tmp_path / "cuts.jsonl.gz")) == EXPECTED[1:]


def test_recordings_alone(tmp_path):
    (tmp_path / "recordings.jsonl").write_text(json.dumps(RECORDING))
    (found,) = read(tmp_path / "recordings.jsonl")
    assert (found.id, found.file, found.duration) == ("imported/rec", "/data/rec.wav", 10.0)


def test_bad_lines_are_problems(tmp_path):
    pipe = RECORDING | {"id": "pipe", "sources": [{"type": "command", "source": "sox |", "channels": [0]}]}
    pack(tmp_path / "recordings.jsonl.gz", RECORDING, pipe)
    supervisions = tmp_path / "supervisions.jsonl.gz"
    pack(
        supervisions,
        WHOLE,
        PART | {"recording_id": "other"},
        PART | {"recording_id": "pipe"},
        PART | {"start": "soon"},
        PART | {"start": float("nan")},
        PART | {"custom": {"valence": "high"}},
        WHOLE,
        '{"id": "cut o',
    )
    first, *problems = read(tmp_path)
    assert first.id == "imported/whole"
    assert [str(problem) for problem in problems] == [
        f"{supervisions}:2: its recording 'other' is not listed",
        f"{supervisions}:3: its recording is no file",
        f"{supervisions}:4: no start or duration in seconds",
        f"{supervisions}:5: no start or duration in seconds",
        f"{supervisions}:6: 'valence' can't be 'high'",
        f"{supervisions}:7: the id 'imported/whole' occurs more than once",
        f"{supervisions}:8: not a JSON object (cut short?); write one a line, with a key per column",
    ]


def test_a_gzip_file_cut_off_is_refused(tmp_path):
    pack(tmp_path / "recordings.jsonl.gz", RECORDING)
    whole = (tmp_path / "recordings.jsonl.gz").read_bytes()
    (tmp_path / "recordings.jsonl.gz").write_bytes(whole[:-6])
    assert recognises(tmp_path)
    with pytest.raises(ManifestError, match=r"recordings\.jsonl\.gz: the gzip file is incomplete; fetch"):
        list(read(tmp_path))


def test_a_cut_of_one_of_several_channels_is_refused(tmp_path):
    source = {"type": "file", "channels": [0, 1], "source": "/data/call.wav"}
    cut = {"id": "c", "start": 0.0, "duration": 10.0, "channel": 1, "supervisions": [PART]}
    pack(tmp_path / "cuts.jsonl.gz", cut | {"recording": RECORDING | {"sources": [source]}})
    (problem,) = read(tmp_path / "cuts.jsonl.gz")
    assert problem.fact.startswith("takes channel 0 of /data/call.wav, which has several; the channels")
    both = PART | {"channel": [0, 1]}
    pack(
        tmp_path / "cuts.jsonl.gz",
        cut | {"recording": RECORDING | {"sources": [source]}, "supervisions": [both]},
    )
    (found,) = read(tmp_path / "cuts.jsonl.gz")
    assert found.file == "/data/call.wav"
