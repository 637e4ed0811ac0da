import pickle
import sys

import pytest

from sercli.errors import ConfigError, ManifestError
from sercli.manifest.interop import audformat as ours
from sercli.records import Utterance


@pytest.fixture
def audformat():
    return pytest.importorskip("audformat")


@pytest.fixture
def emodb(audformat, tmp_path):
    """Make a database after audEERING's EMO-DB: labels in one table, speakers in another."""
    pandas = pytest.importorskip("pandas")
    db = audformat.Database("emodb", usage="unrestricted")
    db.schemes["emotion"] = audformat.Scheme("str", labels=["anger", "neutral", "sadness"])
    db.schemes["speaker"] = audformat.Scheme("int", labels={3: {"gender": "male"}, 8: {"gender": "female"}})
    db.schemes["transcription"] = audformat.Scheme(
        "str", labels={"a01": "Der Lappen liegt auf dem Eisschrank."}
    )
    db.schemes["duration"] = audformat.Scheme("time")
    files = audformat.filewise_index(["wav/03a01Fa.wav", "wav/08a01Wa.wav"])
    db["files"] = audformat.Table(files)
    for name, values in {
        "speaker": [3, 8],
        "transcription": ["a01", None],
        "duration": pandas.to_timedelta([1.5, 2], unit="s"),
    }.items():
        db["files"][name] = audformat.Column(scheme_id=name)
        db["files"][name].set(values)
    for name, labels in (("emotion.first", ["neutral", "anger"]), ("emotion.second", ["sadness", "sadness"])):
        db[name] = audformat.Table(files)
        db[name]["emotion"] = audformat.Column(scheme_id="emotion")
        db[name]["emotion"].set(labels)
    db.save(str(tmp_path / "emodb"), storage_format="csv")
    return tmp_path / "emodb"


def test_a_foreign_database_joined_over_its_tables(emodb):
    assert list(ours.read(emodb)) == [
        Utterance(
            id="imported/wav/03a01Fa",
            corpus="imported",
            file="wav/03a01Fa.wav",
            duration=1.5,
            speaker="3",
            gender="male",
            text_id="a01",
            transcript="Der Lappen liegt auf dem Eisschrank.",
            emotion_raw="neutral",
        ),
        Utterance(
            id="imported/wav/08a01Wa",
            corpus="imported",
            file="wav/08a01Wa.wav",
            duration=2.0,
            speaker="8",
            gender="female",
            emotion_raw="anger",
        ),
    ]


@pytest.mark.parametrize(
    ("kind", "labels", "expected"),
    [
        ("int", {0: "anger", 1: "sadness"}, ["sadness", "anger"]),
        ("int", [0, 1], ["1", "0"]),
        ("str", {"hot": "loud anger", "sad": "calm"}, ["sad", "hot"]),
    ],
)
def test_a_scheme_names_its_numbers(audformat, tmp_path, kind, labels, expected):
    db = audformat.Database("c", usage="other")
    db.schemes["emotion"] = audformat.Scheme(kind, labels=labels)
    db["files"] = audformat.Table(audformat.filewise_index(["a.wav", "b.wav"]))
    db["files"]["emotion"] = audformat.Column(scheme_id="emotion")
    db["files"]["emotion"].set(list(labels)[::-1])
    db.save(str(tmp_path / "db"), storage_format="csv")
    assert [each.emotion_raw for each in ours.read(tmp_path / "db")] == expected


def test_segments_and_speakers_of_a_miscellaneous_table(audformat, tmp_path):
    pandas = pytest.importorskip("pandas")
    db = audformat.Database("c", usage="other")
    db.schemes["gender"] = audformat.Scheme("str", labels=["female"])
    db["people"] = audformat.MiscTable(pandas.Index(["03"], name="speaker", dtype="string"))
    db["people"]["gender"] = audformat.Column(scheme_id="gender")
    db["people"]["gender"].set(["female"])
    db.schemes["speaker"] = audformat.Scheme("str", labels="people")
    db["segments"] = audformat.Table(
        audformat.segmented_index(
            ["a.wav", "a.wav", "b.wav"], ["0s", "2.5s", "0s"], ["2.5s", "4s", pandas.NaT]
        )
    )
    db["segments"]["emotion"] = audformat.Column()
    db["segments"]["emotion"].set(["x", "y", "z"])
    db["segments"]["speaker"] = audformat.Column(scheme_id="speaker")
    db["segments"]["speaker"].set(["03", "03", None])
    db.save(str(tmp_path), storage_format="csv")
    first, second, third = ours.read(tmp_path)
    assert (first.start, first.end, first.speaker, first.gender) == (0.0, 2.5, "03", "female")
    assert (second.id, second.emotion_raw) == ("imported/a[2.5-4.0]", "y")
    assert (third.id, third.start, third.speaker) == ("imported/b", None, None)


def test_a_written_database_is_one_that_audformat_loads(audformat, tmp_path):
    utterances = [
        Utterance(id="c/a", corpus="c", file="a.wav", speaker="03", emotion="anger", start=1.0),
        Utterance(id="c/b", corpus="c", file="b.wav", sample_rate=16_000),
    ]
    ours.write(tmp_path, utterances, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db.utterances.csv", "db.yaml"]
    frame = audformat.Database.load(str(tmp_path))["utterances"].df
    assert list(frame.index) == ["a.wav", "b.wav"]
    assert (frame["speaker"].iloc[0], frame["source_start"].iloc[0]) == ("03", 1.0)
    assert list(frame["emotion"].cat.categories) == ["anger"]


def test_two_utterances_of_one_file_are_refused(audformat, tmp_path):
    utterances = [Utterance(id=f"c/{name}", corpus="c", file="a.wav") for name in "ab"]
    with pytest.raises(ManifestError, match="two utterances share a file"):
        ours.write(tmp_path / "out", utterances, tmp_path)


def test_no_label_column_is_refused(emodb):
    header = (emodb / "db.yaml").read_text()
    (emodb / "db.yaml").write_text(header.replace("      emotion:", "      feeling:"))
    with pytest.raises(
        ManifestError, match=r"no table .* 'emotion', only emotion\.first, emotion\.second, files"
    ):
        list(ours.read(emodb))


@pytest.mark.parametrize(
    "header", ["", "name: [", "- a", "name: c\ntables: 3\n", "a: !!python/name:os.system\n"]
)
def test_a_header_that_audformat_can_not_load_is_refused(audformat, tmp_path, header):
    (tmp_path / "db.yaml").write_text(header)
    with pytest.raises(ManifestError, match="fetch or write it again"):
        list(ours.read(tmp_path))


def test_a_missing_table_is_refused(emodb):
    (emodb / "db.files.csv").unlink()
    with pytest.raises(ManifestError, match="audformat can't load it"):
        list(ours.read(emodb))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_pickles_of_a_database_are_not_opened(emodb):
    for table in ("files", "emotion.first"):
        (emodb / f"db.{table}.pkl").write_bytes(pickle.dumps(Bomb()))
    assert len(list(ours.read(emodb))) == 2


def test_without_audformat_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "audformat", None)
    (tmp_path / "db.yaml").touch()
    with pytest.raises(ConfigError, match=r"^audformat is not installed; pip install 'sercli\[audformat\]'$"):
        list(ours.read(tmp_path))
